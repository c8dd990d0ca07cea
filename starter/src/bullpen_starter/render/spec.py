"""What a panel is: the vocabulary of attributes and the frozen value that names one picture.

A `PanelSpec` is the whole input of the renderer. Two equal specs give two equal pictures, to the byte.
What an instruction leaves open (the colours of a sketch, which windows are lit, where the drops fall, the pose)
is held in four variation seeds, one per stage, so that an edit changes one of them and keeps the others.
"""

from dataclasses import dataclass, field, replace

SCENES = ("pier", "market", "rooftop", "station", "alley", "harbour")
STYLES = ("ink", "watercolour", "noir", "flat")
SKETCH = "sketch"
TIMES = ("dawn", "day", "dusk", "night")
WEATHERS = ("clear", "rain", "snow", "fog")
PLACES = ("left", "centre", "right")
BUILDS = ("woman", "man")
HAIRS = ("black", "red", "blonde", "white")
COLOURS = ("red", "yellow", "blue", "green", "purple")
OUTFITS = ("coat", "jacket", "dress")


def _known(value: str, words: tuple[str, ...], what: str) -> None:
    if value not in words:
        raise ValueError(f"unknown {what} {value!r}; known: {', '.join(words)}")


@dataclass(frozen=True, slots=True)
class Character:
    """One recolourable hero. `str()` gives the description used in instructions."""

    build: str
    hair: str
    colour: str
    outfit: str
    place: str = "centre"

    def __post_init__(self) -> None:
        _known(self.build, BUILDS, "build")
        _known(self.hair, HAIRS, "hair")
        _known(self.colour, COLOURS, "colour")
        _known(self.outfit, OUTFITS, "outfit")
        _known(self.place, PLACES, "place")

    def __str__(self) -> str:
        return f"a {self.build} with {self.hair} hair in a {self.colour} {self.outfit}"

    def at(self, place: str) -> "Character":
        """The same hero standing elsewhere."""
        return replace(self, place=place)


HEROES: dict[str, Character] = {
    "mara": Character("woman", "red", "yellow", "coat"),
    "tomas": Character("man", "black", "blue", "jacket"),
    "iris": Character("woman", "white", "purple", "dress"),
    "old_ben": Character("man", "white", "green", "coat"),
    "lena": Character("woman", "blonde", "red", "jacket"),
    "viktor": Character("man", "blonde", "purple", "coat"),
    "noor": Character("woman", "black", "green", "dress"),
    "felix": Character("man", "red", "red", "jacket"),
    "opal": Character("woman", "white", "blue", "coat"),
    "sable": Character("woman", "black", "yellow", "jacket"),
}


@dataclass(frozen=True, slots=True)
class Variation:
    """Seeds of what the instruction leaves open: colours, sky and windows, drops, pose."""

    colours: int = 0
    sky: int = 0
    drops: int = 0
    pose: int = 0


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """Everything that decides one panel. `style` is one of `STYLES`, or `sketch` for the uncoloured lines."""

    scene: str
    layout: int
    style: str = "flat"
    time: str = "day"
    weather: str = "clear"
    characters: tuple[Character, ...] = ()
    variation: Variation = field(default_factory=Variation)

    def __post_init__(self) -> None:
        _known(self.scene, SCENES, "scene")
        _known(self.style, (*STYLES, SKETCH), "style")
        _known(self.time, TIMES, "time")
        _known(self.weather, WEATHERS, "weather")
        places = [character.place for character in self.characters]
        if len(set(places)) != len(places):
            raise ValueError("two characters stand in one place")
