"""Instructions: how each stage is asked for, several phrasings each, and descriptions of whole panels.

The first phrasing of a stage is the one that settings use; the others keep the model from learning one
sentence by heart. Values have synonyms for the same reason. `{character}` is what `str(Character)` gives.
`loose` is what people type who know none of it: the value among any words. Sentences in `UNHEARD` are never trained on:
they measure free phrasing.
"""

from dataclasses import dataclass
from random import Random

from bullpen_starter.render.spec import PLACES, STYLES, TIMES, WEATHERS, Character, PanelSpec

STAGES = ("style", "time", "weather", "characters")

PHRASINGS: dict[str, tuple[str, ...]] = {
    "style": (
        "Redraw this panel in {style} style.",
        "Turn this into a {style} panel.",
        "Make it look like {style}.",
        "Draw the scene in {style} style.",
        "Use {style} style for this panel.",
        "Restyle the picture as {style}.",
        "I want this scene as {style}.",
    ),
    "time": (
        "Change the time of day to {time}.",
        "Make it {time}.",
        "Set the scene at {time}.",
        "Relight this panel for {time}.",
        "It is {time} now.",
        "Show this place at {time}.",
        "Let the light be that of {time}.",
    ),
    "weather": (
        "Change the weather to {weather}.",
        "Make the weather {weather}.",
        "Add {weather} to this panel.",
        "Set the scene in {weather}.",
        "The weather is {weather} now.",
        "Show this place in {weather}.",
        "I want {weather} here.",
    ),
    "characters": (
        "Add {character} on the {place}.",
        "Put {character} on the {place}.",
        "Place {character} on the {place} of the panel.",
        "Draw {character} on the {place}.",
        "Show {character} on the {place}.",
        "I want {character} on the {place}.",
        "Let {character} stand on the {place}.",
    ),
}

UNHEARD: dict[str, tuple[str, ...]] = {
    "style": ("Show this picture in {style} style.", "Let the panel be {style}."),
    "time": ("Draw this scene at {time}.", "I want the light of {time} here."),
    "weather": ("Let the weather be {weather}.", "Draw this place in {weather}."),
    "characters": ("Make {character} stand on the {place}.", "Set {character} on the {place} of the scene."),
}

# The same in words that no model has ever met.
FREE: dict[str, str] = {
    "style": "Could somebody finish this page {style}?",
    "time": "What happens here happens around {time}.",
    "weather": "There should be {weather} when they arrive.",
    "characters": "Here comes {character}, waiting on the {place}.",
}

SYNONYMS: dict[str, tuple[str, ...]] = {
    "ink": ("ink", "pen and ink", "inked line"),
    "watercolour": ("watercolour", "watercolor", "soft watercolour"),
    "noir": ("noir", "film noir", "high contrast noir"),
    "flat": ("flat", "flat colour", "cel shaded"),
    "manga": ("manga", "manga screentone", "black and white manga"),
    "risograph": ("risograph", "riso print", "two colour risograph"),
    "dawn": ("dawn", "sunrise", "early morning"),
    "day": ("day", "noon", "daytime"),
    "dusk": ("dusk", "sunset", "evening"),
    "night": ("night", "midnight", "nighttime"),
    "clear": ("clear", "clear sky", "fair"),
    "rain": ("rain", "heavy rain", "rainy"),
    "snow": ("snow", "falling snow", "snowy"),
    "fog": ("fog", "mist", "foggy"),
    "storm": ("storm", "thunderstorm", "stormy"),
    "left": ("left", "left side"),
    "centre": ("centre", "center", "middle"),
    "right": ("right", "right side"),
}

# Words that say nothing of a value: those of the phrasings, and others that people use.
_SAID = " ".join(sentence for phrases in PHRASINGS.values() for sentence in phrases).translate(
    dict.fromkeys(map(ord, ".,"))
)
_OTHERS = (
    "please now really just bit more whole keep if and like paint render everything comic page mood could you need all"
)
_MEANT = {word for words in SYNONYMS.values() for value in words for word in value.split()}
FILLERS = tuple(
    word for word in dict.fromkeys(f"{_SAID} {_OTHERS}".lower().split()) if "{" not in word and word not in _MEANT
)

VALUES: dict[str, tuple[str, ...]] = {"style": STYLES, "time": TIMES, "weather": WEATHERS, "place": PLACES}

Cast = tuple[Character, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """One asked-for change: a stage and its value; for the last stage one to three characters."""

    stage: str
    value: str | Cast


def instruction(edit: Edit, phrasing: int = 0, synonym: int = 0) -> str:
    """The sentence for an edit. Indices wrap; (0, 0) is the one that settings use."""
    phrases = PHRASINGS[edit.stage]
    return _fill(edit, phrases[phrasing % len(phrases)], synonym)


def unheard(edit: Edit, phrasing: int = 0) -> str:
    """A sentence for an edit in a phrasing that no model was trained on."""
    phrases = UNHEARD[edit.stage]
    return _fill(edit, phrases[phrasing % len(phrases)], 0)


def free(edit: Edit) -> str:
    """A sentence for an edit of words that no model was trained on, but for the value's own."""
    return _fill(edit, FREE[edit.stage], 0)


def _fill(edit: Edit, sentence: str, synonym: int) -> str:
    if isinstance(edit.value, str):
        words = SYNONYMS[edit.value]
        return sentence.format(**{edit.stage: words[synonym % len(words)]})
    *others, last = edit.value
    words = SYNONYMS[last.place]
    before = "".join(f"{who} on the {who.place} and " for who in others)
    return sentence.format(character=before + str(last), place=words[synonym % len(words)])


def loose(edit: Edit, random: Random) -> str:
    """A value with any words before and behind it, or none: what is asked for follows from the value alone."""
    core = "{character} on the {place}" if edit.stage == "characters" else f"{{{edit.stage}}}"
    most = 2 if edit.stage == "characters" else 5
    before, behind = (random.choices(FILLERS, k=random.randint(0, most)) for _ in range(2))
    return _fill(edit, " ".join((*before, core, *behind)), random.randrange(100))


def sample(edit: Edit, random: Random) -> str:
    """One phrasing by chance: four times in ten the first one in its plain words, three times in ten a loose one."""
    chance = random.random()
    if chance < 0.4:
        return instruction(edit)
    if chance < 0.7:
        return loose(edit, random)
    return instruction(edit, random.randrange(100), random.randrange(100))


def every_instruction(edit: Edit) -> list[str]:
    """All sentences of an edit."""
    words = SYNONYMS[edit.value if isinstance(edit.value, str) else edit.value[-1].place]
    return [instruction(edit, p, s) for p in range(len(PHRASINGS[edit.stage])) for s in range(len(words))]


def describe(spec: PanelSpec) -> str:
    """A whole panel in one sentence, as text-to-image is asked: style, place, time, weather, who stands where."""
    cast = "".join(f", {who} on the {who.place}" for who in spec.characters)
    return f"A panel of a {spec.scene} in {spec.style} style at {spec.time}, {spec.weather}{cast}."
