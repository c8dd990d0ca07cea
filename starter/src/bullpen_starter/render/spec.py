"""What a panel is: the vocabulary of attributes and the frozen value that names one picture.

A `PanelSpec` is the whole input of the renderer. Two equal specs give two equal pictures, to the byte.
What an instruction leaves open (the colours of a sketch, which windows are lit, where the drops fall, the pose)
is held in four variation seeds, one per stage, so that an edit changes one of them and keeps the others.
"""

from dataclasses import dataclass, field, replace

SCENES = ("pier", "market", "rooftop", "station", "alley", "harbour", "bridge", "garden")
STYLES = ("ink", "watercolour", "noir", "flat", "manga", "risograph")
SKETCH = "sketch"
TIMES = ("dawn", "day", "dusk", "night")
WEATHERS = ("clear", "rain", "snow", "fog", "storm")
PLACES = ("left", "centre", "right")
BUILDS = ("woman", "man", "child", "robot")
SKINS = ("pale", "brown")
HAIRS = ("black", "red", "blonde", "white")
COLOURS = ("red", "yellow", "blue", "green", "purple")
OUTFITS = ("coat", "jacket", "dress")
ACCESSORIES = ("none", "hat", "scarf", "glasses")
POSES = ("standing", "waving", "pointing", "walking")
EXPRESSIONS = ("calm", "smiling", "sad", "angry")


def _known(value: str, words: tuple[str, ...], what: str) -> None:
    if value not in words:
        raise ValueError(f"unknown {what} {value!r}; known: {', '.join(words)}")


@dataclass(frozen=True, slots=True)
class Character:
    """One recolourable hero. `str()` gives the description used in instructions.

    Who it is: build (which also decides height and face), hair (the lights of a robot), colour and outfit,
    accessory, skin. How it stands: place, and pose and expression, which the variation seed picks when None.
    """

    build: str
    hair: str
    colour: str
    outfit: str
    place: str = "centre"
    accessory: str = "none"
    skin: str = "pale"
    pose: str | None = None
    expression: str | None = None

    def __post_init__(self) -> None:
        _known(self.build, BUILDS, "build")
        _known(self.hair, HAIRS, "hair")
        _known(self.colour, COLOURS, "colour")
        _known(self.outfit, OUTFITS, "outfit")
        _known(self.place, PLACES, "place")
        _known(self.accessory, ACCESSORIES, "accessory")
        _known(self.skin, SKINS, "skin")
        if self.pose is not None:
            _known(self.pose, POSES, "pose")
        if self.expression is not None:
            _known(self.expression, EXPRESSIONS, "expression")

    def __str__(self) -> str:
        skin = "" if self.skin == "pale" or self.build == "robot" else f"{self.skin} skin and "
        own = "lights" if self.build == "robot" else "hair"
        extra = {"none": "", "glasses": " and glasses"}.get(self.accessory, f" and a {self.accessory}")
        how = "".join(f", {word}" for word in (self.pose, self.expression) if word)
        return f"a {self.build} with {skin}{self.hair} {own} in a {self.colour} {self.outfit}{extra}{how}"

    def at(self, place: str) -> "Character":
        """The same hero standing elsewhere."""
        return replace(self, place=place)

    def doing(self, pose: str | None = None, expression: str | None = None) -> "Character":
        """The same hero in a pose and with an expression; None leaves it to the seed."""
        return replace(self, pose=pose, expression=expression)

    @property
    def identity(self) -> tuple[str, ...]:
        """Who it is, without where and how it stands."""
        skin = "" if self.build == "robot" else self.skin
        return (self.build, self.hair, self.colour, self.outfit, self.accessory, skin)


HEROES: dict[str, Character] = {
    "mara": Character("woman", "red", "yellow", "coat"),
    "tomas": Character("man", "black", "blue", "jacket", accessory="hat", skin="brown"),
    "iris": Character("woman", "white", "purple", "dress", accessory="glasses"),
    "otto": Character("robot", "red", "green", "jacket", accessory="scarf"),
    "old_ben": Character("man", "white", "green", "coat", accessory="hat"),
    "lena": Character("woman", "blonde", "red", "jacket", accessory="scarf"),
    "viktor": Character("man", "blonde", "purple", "coat", accessory="glasses"),
    "noor": Character("woman", "black", "green", "dress", accessory="scarf", skin="brown"),
    "felix": Character("man", "red", "red", "jacket"),
    "opal": Character("woman", "white", "blue", "coat", accessory="hat", skin="brown"),
    "sable": Character("woman", "black", "yellow", "jacket", accessory="glasses"),
    "pip": Character("child", "blonde", "blue", "coat", accessory="scarf"),
    "june": Character("child", "black", "red", "dress", skin="brown"),
    "unit_9": Character("robot", "blonde", "purple", "coat", accessory="hat"),
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
