"""Slips of the keyboard: one letter swapped, doubled or left out in a word that the studio knows.

Only where a sentence was not understood as it stands, only in words that nobody knows, and only where one known word is
meant; another letter in place of one is no slip, since that is how other words are made (`stale` is not `style`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from bullpend.copilot.words import FILLERS, NUMBERS, ORDINALS, normal, several
from bullpend.copilot.world import World

LEAST = 4
_WORDS = frozenset(
    several(
        """
    scene scenes panel panels picture pictures image images candidate candidates variant variants version versions
    option options cancel retry resume pause accept upscale background quality status queue style weather light lighting
    characters character time stage stages lock pass seed steps guidance every everything failed running start make
    render generate apply show list cost costs models remove check please with each except last first
    """
    )
)
# Short enough to be slips of each other, and so frequent that they are taken for what they are.
_SHORT = {
    "rnu": "run",
    "urn": "run",
    "runn": "run",
    "teh": "the",
    "adn": "and",
    "fo": "of",
    "wiht": "with",
    "lal": "all",
}
_END = re.compile(r"\b(?:because|since|reason)\b")


def mended(text: str, world: World) -> str:
    """The sentence with its slips mended; the same sentence where there are none."""
    line = normal(text)
    end = found.start() if (found := _END.search(line)) else len(line)
    known = _known(world)
    own = _own(world)
    return re.sub(r"(?<![\w/\"])[a-z]{2,}(?![\w/\"])", lambda word: _mend(word[0], known, own), line[:end]) + line[end:]


def _known(world: World) -> frozenset[str]:
    """Words that can be meant: the studio's, and those of this project's stages and values."""
    spoken = [
        part for stage in world.stages for name in (*stage.names, *stage.values, stage.id) for part in name.split()
    ]
    return _WORDS | {word for word in (*spoken, *NUMBERS, *ORDINALS) if word.isalpha()}


def _own(world: World) -> frozenset[str]:
    """Words of titles and names, which are never slips."""
    texts = [scene.title for scene in world.scenes] + list(world.characters.values()) + [world.title]
    return frozenset(re.findall(r"[a-z]+", " ".join((*texts, *world.characters)).lower()))


def _mend(word: str, known: frozenset[str], own: frozenset[str]) -> str:
    if word in known or word in own or word in FILLERS:
        return word
    if word in _SHORT:
        return _SHORT[word]
    if len(word) < LEAST:
        return word
    meant = {other for other in known if len(other) >= LEAST and other[0] == word[0] and _slipped(word, other)}
    # `canidates` is near to the word alone, `candidat` to both of its forms: the one that is not shorter is meant.
    if len(meant) > 1:
        meant = {other for other in meant if not any(other + "s" == more for more in meant)}
    return meant.pop() if len(meant) == 1 else word


def _slipped(said: str, meant: str) -> bool:
    """Whether one letter was left out, one doubled or added, or two neighbours swapped."""
    if len(said) == len(meant):
        other = [place for place, (a, b) in enumerate(zip(said, meant, strict=True)) if a != b]
        return (
            len(other) == 2
            and other[1] == other[0] + 1
            and said[other[0]] + said[other[1]] == (meant[other[1]] + meant[other[0]])
        )
    if len(said) + 1 == len(meant):
        return said in _without_one(meant)
    # A letter too many is a slip where it is typed twice; `grain` is not `rain`, nor `stormy` `storm`.
    return len(said) == len(meant) + 1 and any(
        said[:place] + said[place + 1 :] == meant for place, (a, b) in enumerate(pairwise(said)) if a == b
    )


def _without_one(word: str) -> Iterable[str]:
    return {word[:place] + word[place + 1 :] for place in range(1, len(word))}
