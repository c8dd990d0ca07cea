"""Instructions: how each stage is asked for, several phrasings each.

The first phrasing of a stage is the one that settings use; the others keep the model from learning one
sentence by heart. Values have synonyms for the same reason. `{character}` is what `str(Character)` gives.
"""

from dataclasses import dataclass
from random import Random

from bullpen_starter.render.spec import PLACES, STYLES, TIMES, WEATHERS, Character

STAGES = ("style", "time", "weather", "characters")

PHRASINGS: dict[str, tuple[str, ...]] = {
    "style": (
        "Redraw this panel in {style} style.",
        "Turn this into a {style} panel.",
        "Make it look like {style}.",
        "Draw the scene in {style} style.",
        "Use {style} style for this panel.",
    ),
    "time": (
        "Change the time of day to {time}.",
        "Make it {time}.",
        "Set the scene at {time}.",
        "Relight this panel for {time}.",
        "It is {time} now.",
    ),
    "weather": (
        "Change the weather to {weather}.",
        "Make the weather {weather}.",
        "Add {weather} to this panel.",
        "Set the scene in {weather}.",
        "The weather is {weather} now.",
    ),
    "characters": (
        "Add {character} on the {place}.",
        "Put {character} on the {place}.",
        "Place {character} on the {place} of the panel.",
        "Draw {character} standing on the {place}.",
        "On the {place}, add {character}.",
    ),
}

SYNONYMS: dict[str, tuple[str, ...]] = {
    "ink": ("ink", "pen and ink", "inked line"),
    "watercolour": ("watercolour", "watercolor", "soft watercolour"),
    "noir": ("noir", "film noir", "high contrast noir"),
    "flat": ("flat", "flat colour", "cel shaded"),
    "dawn": ("dawn", "sunrise", "early morning"),
    "day": ("day", "noon", "daytime"),
    "dusk": ("dusk", "sunset", "evening"),
    "night": ("night", "midnight", "nighttime"),
    "clear": ("clear", "clear sky", "fair"),
    "rain": ("rain", "heavy rain", "rainy"),
    "snow": ("snow", "falling snow", "snowy"),
    "fog": ("fog", "mist", "foggy"),
    "left": ("left", "left side"),
    "centre": ("centre", "center", "middle"),
    "right": ("right", "right side"),
}

VALUES: dict[str, tuple[str, ...]] = {"style": STYLES, "time": TIMES, "weather": WEATHERS, "place": PLACES}


@dataclass(frozen=True, slots=True)
class Edit:
    """One asked-for change: a stage and its value (a character for the last stage)."""

    stage: str
    value: str | Character


def instruction(edit: Edit, phrasing: int = 0, synonym: int = 0) -> str:
    """The sentence for an edit. Indices wrap; (0, 0) is the one that settings use."""
    phrases = PHRASINGS[edit.stage]
    sentence = phrases[phrasing % len(phrases)]
    if isinstance(edit.value, Character):
        words = SYNONYMS[edit.value.place]
        return sentence.format(character=str(edit.value), place=words[synonym % len(words)])
    words = SYNONYMS[edit.value]
    return sentence.format(**{edit.stage: words[synonym % len(words)]})


def sample(edit: Edit, random: Random) -> str:
    """One phrasing by chance, half of the time the first one in its plain words."""
    if random.random() < 0.5:
        return instruction(edit)
    return instruction(edit, random.randrange(100), random.randrange(100))


def every_instruction(edit: Edit) -> list[str]:
    """All sentences of an edit."""
    words = SYNONYMS[edit.value.place if isinstance(edit.value, Character) else edit.value]
    return [instruction(edit, p, s) for p in range(len(PHRASINGS[edit.stage])) for s in range(len(words))]
