"""Captions: every attribute can be asked for, in several ways, and the first way is the one in the settings."""

import json
from itertools import product
from pathlib import Path
from random import Random
from string import Formatter

import pytest
from bullpen_starter.captions import (
    FILLERS,
    PHRASINGS,
    STAGES,
    SYNONYMS,
    UNHEARD,
    VALUES,
    Edit,
    describe,
    every_instruction,
    instruction,
    loose,
    sample,
    unheard,
)
from bullpen_starter.render import BUILDS, COLOURS, HAIRS, HEROES, OUTFITS, PLACES, Character, PanelSpec

PAIR = (HEROES["mara"].at("left"), HEROES["tomas"].at("right"))


def _edits(stage: str) -> list[Edit]:
    if stage == "characters":
        return [Edit(stage, (HEROES["otto"],)), Edit(stage, PAIR), Edit(stage, (*PAIR, HEROES["iris"].at("centre")))]
    return [Edit(stage, value) for value in VALUES[stage]]


@pytest.mark.parametrize("stage", ["style", "time", "weather"])
def test_every_value_can_be_asked_for(stage: str) -> None:
    """Each value has its own sentences, and no two values share one."""
    sentences = [set(every_instruction(Edit(stage, value))) for value in VALUES[stage]]
    assert all(len(some) >= 5 for some in sentences)
    assert len(set.union(*sentences)) == sum(map(len, sentences))


def test_every_hero_can_be_asked_for() -> None:
    """Build, hair, colour, outfit and place all stand in the sentence; a robot has lights where others have hair."""
    for build, hair, colour, outfit, place in product(BUILDS, HAIRS, COLOURS, OUTFITS, PLACES):
        text = instruction(Edit("characters", (Character(build, hair, colour, outfit, place),)))
        own = "lights" if build == "robot" else "hair"
        assert text == f"Add a {build} with {hair} {own} in a {colour} {outfit} on the {place}."


def test_what_a_hero_wears_and_does_is_said() -> None:
    """Accessory, skin, pose and expression are told apart from the same hero without them."""
    plain = Character("woman", "black", "green", "dress")
    others = [
        Character("woman", "black", "green", "dress", accessory="scarf"),
        Character("woman", "black", "green", "dress", accessory="glasses"),
        Character("woman", "black", "green", "dress", skin="brown"),
        plain.doing(pose="waving"),
        plain.doing(expression="sad"),
        plain.doing("waving", "sad"),
    ]
    assert len({str(who) for who in (plain, *others)}) == 7
    assert str(others[-1]) == "a woman with black hair in a green dress, waving, sad"


def test_heroes_are_told_apart_by_their_words() -> None:
    """No two of the cast have the same description."""
    assert len({str(who) for who in HEROES.values()}) == len(HEROES)


def test_several_characters_share_a_sentence() -> None:
    """Each is named with its place, from the first to the last; the last place is the template's own."""
    assert instruction(Edit("characters", PAIR)) == (
        "Add a woman with red hair in a yellow coat on the left and "
        "a man with brown skin and black hair in a blue jacket and a hat on the right."
    )
    three = instruction(Edit("characters", (*PAIR, HEROES["iris"].at("centre"))))
    assert [three.count(str(HEROES[who])) for who in ("mara", "tomas", "iris")] == [1, 1, 1]


def test_first_phrasings_are_the_settings() -> None:
    """The instructions in the settings are the first of each stage."""
    stages = json.loads(Path("settings/manifest.json").read_text(encoding="utf-8"))["stages"]
    assert tuple(PHRASINGS) == STAGES == tuple(stages)
    assert [phrases[0] for phrases in PHRASINGS.values()] == [stage["instruction"] for stage in stages.values()]


@pytest.mark.parametrize("stage", STAGES)
def test_unheard_phrasings_are_never_sampled(stage: str) -> None:
    """They say the same thing, in known words, and no sentence for training is among them."""
    known = {word for phrase in PHRASINGS.values() for text in phrase for word in _words(text)}
    for text in UNHEARD[stage]:
        assert _words(text) <= known
        assert _fields(text) == _fields(PHRASINGS[stage][0])
    for edit in _edits(stage):
        mine = {unheard(edit, number) for number in range(len(UNHEARD[stage]))}
        assert len(mine) == len(UNHEARD[stage])
        assert mine.isdisjoint(every_instruction(edit))
        assert mine.isdisjoint(sample(edit, Random(seed)) for seed in range(300))


def _words(text: str) -> set[str]:
    return {word.strip(".,").lower() for word in text.split() if "{" not in word}


def _fields(text: str) -> set[str | None]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def test_sampling_prefers_the_first_phrasing_and_repeats_with_its_seed() -> None:
    """Training hears the settings' sentence most, and hears the same thing in each run."""
    edit = Edit("characters", (HEROES["mara"],))
    texts = [sample(edit, Random(seed)) for seed in range(200)]
    assert texts.count(instruction(edit)) > 80
    assert len(set(texts)) > 8
    assert texts == [sample(edit, Random(seed)) for seed in range(200)]


def test_a_description_names_everything_that_shows() -> None:
    """Style, place, time, weather, and each character with its place; an empty panel names nobody."""
    spec = PanelSpec("bridge", 1, "noir", "dusk", "rain", PAIR)
    assert describe(spec) == (
        f"A panel of a bridge in noir style at dusk, rain, {HEROES['mara']} on the left,"
        f" {HEROES['tomas']} on the right."
    )
    assert describe(PanelSpec("pier", 1)) == "A panel of a pier in flat style at day, clear."


def test_anything_may_be_said_around_a_value() -> None:
    """Loose sentences hold their value whole, need nothing else, and none is a sentence that measures free phrasing."""
    random = Random(4)
    for edit in (Edit(stage, value) for stage in ("style", "time", "weather") for value in VALUES[stage]):
        known = {unheard(edit, n).lower().rstrip(".") for n in range(len(UNHEARD[edit.stage]))}
        said = [loose(edit, random) for _ in range(300)]
        assert len(set(said)) > 200
        assert not known & set(said)
        assert all(any(word in text for word in SYNONYMS[edit.value]) for text in said if isinstance(edit.value, str))
    cast = loose(Edit("characters", PAIR), random)
    assert str(PAIR[0]) in cast
    assert str(PAIR[1]) in cast


def test_what_is_said_around_a_value_is_no_value() -> None:
    """None of the words that may stand anywhere is one that asks for something."""
    values = {word for words in SYNONYMS.values() for value in words for word in value.split()}
    assert not values & set(FILLERS)
