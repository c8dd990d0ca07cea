"""The language of scripted prompts."""

from __future__ import annotations

import pytest
from bullpen_worker.engines.scripted.directives import Directives, parse
from bullpen_worker.failures import WorkerError


def test_a_prompt_without_the_mark_asks_for_nothing() -> None:
    """Ordinary words never become directives."""
    assert parse("steps=3 and a nice sky") == Directives()


def test_directives_are_read_up_to_the_first_other_word() -> None:
    """The text may stand inside a longer instruction, before and behind."""
    found = parse("make it night, scripted: steps=20 step_ms=2.5 nan size=16x9, keep the layout steps=1")
    assert found == Directives(steps=20, step_ms=2.5, nan=True, width=16, height=9)


@pytest.mark.parametrize("script", ["stepz=3", "steps=many", "size=4", "step_ms=soon", "fail_at=-1"])
def test_a_misspelt_directive_is_an_error(script: str) -> None:
    """A fault that is misspelt must not silently turn into a success."""
    with pytest.raises(WorkerError, match="directive"):
        parse(f"scripted: {script}")


def test_faults_can_be_limited_to_a_candidate_and_to_early_attempts() -> None:
    """So a test can let the first attempt crash and the second pass."""
    play = parse("scripted: crash_at=2 steps=4 candidate=2 faults_until=1")
    assert play.for_candidate(2, attempt=1).crash_at == 2
    assert play.for_candidate(1, attempt=1).crash_at == 0
    assert play.for_candidate(2, attempt=2).crash_at == 0
    assert play.for_candidate(1, attempt=1).steps == 4


def test_steps_that_wait_for_a_file_can_be_limited_too() -> None:
    """So a test can hold one candidate and have the others at once; steps of a plain length are those of all."""
    play = parse("scripted: steps=4 step_ms=100 decode_ms=9 quick_after=/tmp/go candidate=2")
    assert (play.for_candidate(2, attempt=1).step_ms, play.for_candidate(2, attempt=1).quick_after) == (100, "/tmp/go")
    other = play.for_candidate(1, attempt=1)
    assert (other.step_ms, other.decode_ms, other.quick_after, other.steps) == (0, 0, "", 4)
    assert parse("scripted: step_ms=100 candidate=2").for_candidate(1, attempt=1).step_ms == 100
