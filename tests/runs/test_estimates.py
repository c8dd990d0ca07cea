"""Times are measured or guessed, and say which; memory is weights and work."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bullpend.runs.estimates import BYTES_PER_PIXEL, LEAST_WORK, Basis, Timing, duration, memory, steps
from bullpend.runs.method import OWN_WAY, Method
from bullpend.runs.model import Sampling, Strategy
from bullpend.runs.rules import plan

from tests.support.plans import ALL_SCENES, MODEL, WORLD

SMALL, LARGE = Sampling(10, 5.0, 1.0, 512, 512), Sampling(10, 5.0, 1.0, 1024, 1024)
OTHER = replace(MODEL, name="models/other", size_bytes=MODEL.size_bytes * 4)
EDIT = Strategy.INSTRUCTION_EDIT.value
MEASURED = Timing(MODEL.name, EDIT, 512 * 512, 0.5, MODEL.size_bytes)


def test_the_same_model_at_the_same_size_is_measured() -> None:
    """Steps × pictures × seconds, and the loading."""
    found = duration([MEASURED], MODEL, SMALL, OWN_WAY, 6, load_seconds=3.0)
    assert found is not None
    assert found.seconds == pytest.approx(10 * 6 * 0.5 + 3)
    assert found.basis is Basis.MEASURED


@pytest.mark.parametrize(
    ("model", "sampling", "method", "seconds"),
    [
        (MODEL, LARGE, OWN_WAY, 4 * 0.5),
        (MODEL, SMALL, Method(Strategy.IMG2IMG), 0.5),
        (OTHER, SMALL, OWN_WAY, 4 * 0.5),
        (OTHER, LARGE, OWN_WAY, 16 * 0.5),
    ],
    ids=["another size", "another strategy", "another model", "both"],
)
def test_everything_else_is_a_guess(model: object, sampling: Sampling, method: Method, seconds: float) -> None:
    """Scaled by the pixels, and by the weights where it is another model."""
    found = duration([MEASURED], model, sampling, method, 1)  # type: ignore[arg-type]  # of the table
    assert found is not None
    assert found.basis is Basis.GUESS
    assert found.seconds == pytest.approx(10 * seconds)


def test_the_nearest_measurement_is_taken() -> None:
    """The model's own before another's, a near size before a far one, a known size before any."""
    own = Timing(MODEL.name, EDIT, 768 * 768, 1.0, MODEL.size_bytes)
    any_size = Timing(MODEL.name, "", 0, 9.0)
    other = Timing(OTHER.name, EDIT, 1024 * 1024, 7.0, OTHER.size_bytes)
    found = duration([other, any_size, MEASURED, own], MODEL, LARGE, OWN_WAY, 1)
    assert found is not None
    assert found.seconds == pytest.approx(10 * 1.0 * (1024 / 768) ** 2)
    alone = duration([any_size, other], MODEL, LARGE, OWN_WAY, 1)
    assert alone is not None
    assert alone.seconds == pytest.approx(90)
    assert alone.basis is Basis.GUESS
    assert duration([], MODEL, LARGE, OWN_WAY, 1) is None


@pytest.mark.parametrize(("strength", "expected"), [(None, 10), (1.0, 10), (0.5, 5), (0.75, 7), (0.05, 1)])
def test_an_edit_takes_only_its_part_of_the_steps(strength: float | None, expected: int) -> None:
    """As many as the pipelines take."""
    assert steps(SMALL, Method(Strategy.IMG2IMG, strength)) == expected


def test_memory_is_weights_and_work() -> None:
    """Measured work where there is some, of the nearest size; a rule of thumb else."""
    assert memory([MODEL, OTHER], [], LARGE) == 5 * MODEL.size_bytes + 1024 * 1024 * BYTES_PER_PIXEL
    assert memory([MODEL], [], Sampling(1, 1, 1, 64, 64)) == MODEL.size_bytes + LEAST_WORK
    known = [(512 * 512, 100), (1024 * 1024, 700)]
    assert memory([MODEL], known, LARGE) == MODEL.size_bytes + 700
    assert memory([MODEL], known, Sampling(1, 1, 1, 512, 1024)) == MODEL.size_bytes + 200


def test_a_plan_says_how_its_time_was_found() -> None:
    """Nothing, guess or measured."""
    assert plan(ALL_SCENES, WORLD).basis is None
    known = replace(WORLD, seconds_per_step=0.5)
    assert plan(ALL_SCENES, known).basis is Basis.GUESS
    exact = replace(known, timings=(Timing(MODEL.name, EDIT, 128 * 128, 0.25, 1),))
    draft = plan(ALL_SCENES, exact)
    assert draft.estimated_seconds == pytest.approx(6 * 6 * 0.25)
    assert draft.basis is Basis.MEASURED
    assert draft.memory_bytes == MODEL.size_bytes + LEAST_WORK
    assert draft.digest == plan(ALL_SCENES, WORLD).digest
