"""Captions: every attribute can be asked for, in several ways, and the first way is the one in the settings."""

from itertools import product
from random import Random

import pytest
from bullpen_starter.captions import PHRASINGS, STAGES, VALUES, Edit, every_instruction, instruction, sample
from bullpen_starter.render import BUILDS, COLOURS, HAIRS, HEROES, OUTFITS, PLACES, Character


@pytest.mark.parametrize("stage", ["style", "time", "weather"])
def test_every_value_can_be_asked_for(stage: str) -> None:
    """Each value has its own sentences, and no two values share one."""
    sentences = [set(every_instruction(Edit(stage, value))) for value in VALUES[stage]]
    assert all(len(some) >= 5 for some in sentences)
    assert len(set.union(*sentences)) == sum(map(len, sentences))


def test_every_hero_can_be_asked_for() -> None:
    """Build, hair, colour, outfit and place all stand in the sentence."""
    for build, hair, colour, outfit, place in product(BUILDS, HAIRS, COLOURS, OUTFITS, PLACES):
        text = instruction(Edit("characters", Character(build, hair, colour, outfit, place)))
        assert text == f"Add a {build} with {hair} hair in a {colour} {outfit} on the {place}."


def test_first_phrasings_are_the_settings() -> None:
    """The sentences that settings use are the first of each stage."""
    assert tuple(PHRASINGS) == STAGES
    assert [phrases[0] for phrases in PHRASINGS.values()] == [
        "Redraw this panel in {style} style.",
        "Change the time of day to {time}.",
        "Change the weather to {weather}.",
        "Add {character} on the {place}.",
    ]


def test_sampling_prefers_the_first_phrasing_and_repeats_with_its_seed() -> None:
    """Training hears the settings' sentence most, and hears the same thing in each run."""
    edit = Edit("characters", HEROES["mara"])
    texts = [sample(edit, Random(seed)) for seed in range(200)]
    assert texts.count(instruction(edit)) > 80
    assert len(set(texts)) > 8
    assert texts == [sample(edit, Random(seed)) for seed in range(200)]
