"""Slips of the keyboard: one letter swapped, doubled or left out in a word that the studio knows.

Only where a sentence was not understood as it stands, only in words that nobody knows, and only where one known word is
meant; another letter in place of one is no slip, since that is how other words are made (`stale` is not `style`). Words
of titles and names are never taken for something else; a word that nobody knows may be one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from bullpend.copilot.words import FILLERS, NUMBERS, ORDINALS, normal, several
from bullpend.copilot.world import World

LEAST = 4
# Names of so many letters are known by all but one of them.
LONG = 6
_WORDS = frozenset(
    several(
        """
    scene scenes panel panels picture pictures image images candidate candidates variant variants version versions
    option options cancel retry resume pause accept upscale background quality status queue style weather light lighting
    characters character time stage stages lock pass seed steps guidance every everything failed running start make
    render generate apply show list cost costs models remove check please with each except last first bucket backup
    upload storage verify agent sync synchronise synchronize project folder copy export bundle contact sheet accepted
    finished archive
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
    "sinc": "sync",
    "wheather": "weather",
    "wether": "weather",
    "synk": "sync",
}
_END = re.compile(r"\b(?:because|since|reason)\b")


def mended(text: str, world: World) -> str:
    """The sentence with its slips mended; the same sentence where there are none."""
    line = normal(text)
    end = found.start() if (found := _END.search(line)) else len(line)
    known = _known(world)
    own = _own(world)
    fixed = own | _named(world)

    def one(word: re.Match[str]) -> str:
        return word[0] if word[0] in fixed else _mend(word[0], known, own)

    said = re.sub(r"(?<![\w/\"])[a-z]{2,}(?![\w/\"])", one, _titled(line[:end], world))
    return said + line[end:]


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


def _titled(text: str, world: World) -> str:
    """Titles of several words in which one is not quite right: `harbor book` for `Harbour book`."""
    tokens = text.split(" ")
    for scene in world.scenes:
        title = re.sub(r"^(?:the|an?) ", "", " ".join(re.findall(r"[\w'-]+", scene.title.lower()))).split()
        for at in range(len(tokens) - len(title) + 1 if len(title) > 1 else 0):
            part = tokens[at : at + len(title)]
            wrong = [(said, word) for said, word in zip(part, title, strict=True) if said != word]
            if len(wrong) == 1 and len(wrong[0][1]) >= LEAST and _near(*wrong[0]):
                tokens[at : at + len(title)] = title
    return " ".join(tokens)


def _named(world: World) -> frozenset[str]:
    """Words of what else has a name here: they are right as they are, and nobody means them by a slip."""
    texts = (*world.style_guides, *world.style_guides.values(), *world.models, *world.profiles)
    return frozenset(re.findall(r"[a-z]+", " ".join(texts).lower()))


def _mend(word: str, known: frozenset[str], own: frozenset[str]) -> str:
    if word in known or word in FILLERS:
        return word
    if word in _SHORT:
        return _SHORT[word]
    if len(word) < LEAST:
        return word
    meant = {other for other in known if len(other) >= LEAST and other[0] == word[0] and _slipped(word, other)}
    if not meant:
        meant = {name for name in own if len(name) >= LEAST and name not in FILLERS and _near(word, name)}
    # `canidates` is near to the word alone, `candidat` to both of its forms: the one that is not shorter is meant.
    if len(meant) > 1:
        meant = {other for other in meant if not any(other + "s" == more for more in meant)}
    return meant.pop() if len(meant) == 1 else word


def _near(said: str, name: str) -> bool:
    """Whether a word is a name with a slip; in a long one another letter is one too, as `harbar` for `harbor`."""
    if _slipped(said, name) or _slipped(name, said):
        return said[0] == name[0]
    if len(said) != len(name) or len(name) < LONG:
        return False
    return said[0] == name[0] and sum(a != b for a, b in zip(said, name, strict=True)) == 1


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
