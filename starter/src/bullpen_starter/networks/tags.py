"""From the tagger's numbers to words: what a picture shows, how sure that is, and one sentence that says it.

Needs numpy only, so that a runtime with nothing but the ONNX file can use it. The heads and their words are those of
`config.json`; heads of a place are named like `left.hair`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SKETCH = "sketch"
# What the uncoloured lines of a sketch do not show.
UNSEEN_IN_SKETCH = frozenset({"time", "weather", "hair", "colour", "skin"})


@dataclass(frozen=True, slots=True)
class Tag:
    """A word and the share of certainty (0 to 1) that the network gives it."""

    word: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Tags:
    """What one picture shows: of the whole panel, and of the places where somebody stands."""

    panel: dict[str, Tag]
    cast: dict[str, dict[str, Tag]]


def read(logits: Mapping[str, NDArray[Any]], heads: Mapping[str, list[str] | tuple[str, ...]], index: int = 0) -> Tags:
    """The tags of picture `index` of a batch of logits (n, words) per head; what cannot be seen is left out."""
    found: dict[str, Tag] = {}
    for name, words in heads.items():
        row = np.asarray(logits[name][index], dtype=np.float64)
        share = np.exp(row - row.max())
        best = int(share.argmax())
        found[name] = Tag(words[best], float(share[best] / share.sum()))
    hidden = UNSEEN_IN_SKETCH if found["style"].word == SKETCH else frozenset()
    panel = {name: tag for name, tag in found.items() if "." not in name and name not in hidden}
    cast: dict[str, dict[str, Tag]] = {}
    for name, tag in found.items():
        place, _, part = name.partition(".")
        if part and found[f"{place}.present"].word == "yes" and part not in hidden:
            robot = found[f"{place}.build"].word == "robot"
            if not (part == "skin" and robot):
                cast.setdefault(place, {})[part] = tag
    return Tags(panel, cast)


def caption(tags: Tags) -> str:
    """One sentence, in the words in which panels are asked for."""
    words = {name: tag.word for name, tag in tags.panel.items()}
    light = f" at {words['time']}, {words['weather']}" if "time" in words else ""
    cast = "".join(f", {_described(parts)} on the {place}" for place, parts in tags.cast.items())
    return f"A panel of a {words['scene']} in {words['style']} style{light}{cast}."


def _described(parts: Mapping[str, Tag]) -> str:
    word = {name: tag.word for name, tag in parts.items()}
    accessory = {"none": "", "glasses": " and glasses"}.get(word["accessory"], f" and a {word['accessory']}")
    if "colour" not in word:
        return f"a {word['build']} in a {word['outfit']}{accessory}"
    skin = "brown skin and " if word.get("skin") == "brown" else ""
    own = "lights" if word["build"] == "robot" else "hair"
    return f"a {word['build']} with {skin}{word['hair']} {own} in a {word['colour']} {word['outfit']}{accessory}"
