"""Candidates that are computed together, in the device loop with the scripted engine: the pictures are those of each
alone, and whatever happens to one happens to all of its batch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.batching import seeds, units

from tests.worker.driver import OUTCOME, job
from tests.worker.test_loop import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def order(bench: Bench, prompt: str, batch: int, places: tuple[int, ...] = (1, 2, 3, 4), **fields: Any) -> Any:
    """An order of candidates at these places, with the place as seed."""
    made = job(bench.out, prompt, seeds=places, batch=batch, **fields)
    for task, place in zip(made.candidates, places, strict=True):
        task.place = place
    return made


def run(bench: Bench, given: link_pb2.RunJob) -> list[Any]:
    """What was said of each picture."""
    bench.run(link_pb2.ToWorker(run_job=given))
    found: list[Any] = bench.writer.all("candidate_ready")
    return found


def places(bench: Bench, batch: int, which: tuple[int, ...], able: bool = True) -> list[tuple[list[int], bool]]:
    """What is made one after the other, by places."""
    given = order(bench, "", batch, which)
    return [([task.place for task in tasks], together) for tasks, together in units(given, able)]


def test_batches_are_whole_whatever_is_left_of_them(bench: Bench) -> None:
    """By place, so that a job which goes on after a death has the batches that it had before."""
    assert places(bench, 2, (1, 2, 4)) == [([1, 2], True), ([4], True)]
    given = order(bench, "", 2, (1, 2, 4))
    assert [seeds(given, tasks) for tasks, _ in units(given, True)] == [[1, 2], [0, 4]]
    alone = [([1], False), ([2], False)]
    assert places(bench, 1, (1, 2)) == places(bench, 0, (1, 2)) == places(bench, 2, (1, 2), able=False) == alone


def test_only_what_differs_in_nothing_but_its_seed_goes_together(bench: Bench) -> None:
    """Other words or other changes are other work."""
    given = order(bench, "", 2)
    given.candidates[1].words.prompt = "by night"
    given.candidates[2].changes.add(step=2, guidance_scale=3.0)
    assert [together for _, together in units(given, True)] == [False] * 4
    given.candidates[3].changes.add(step=2, guidance_scale=3.0)
    assert [together for _, together in units(given, True)] == [False, False, True]


def test_a_batch_gives_the_pictures_of_each_alone(tmp_path: Path) -> None:
    """In their order, each with its part of the time, and with word of every step of each."""
    alone, together = Bench(tmp_path / "a"), Bench(tmp_path / "b")
    for one in (alone, together):
        one.out.mkdir()
    run(alone, order(alone, "scripted: steps=3 size=8x8", 1))
    ready = run(together, order(together, "scripted: steps=3 size=8x8", 2))
    assert together.pictures() == alone.pictures()
    assert [one.batch for one in ready] == [2, 2, 2, 2]
    assert [one.candidate for one in ready] == ["job/0", "job/1", "job/2", "job/3"]
    said = [(done.candidate, done.step) for done in together.writer.all("step_done") if done.candidate and done.step]
    assert sorted(said) == [(f"job/{number}", step) for number in range(4) for step in (1, 2, 3)]


def test_a_part_of_a_batch_is_what_it_was_in_the_whole(tmp_path: Path) -> None:
    """What a job still needs after a death comes out as it would have."""
    whole, part = Bench(tmp_path / "a"), Bench(tmp_path / "b")
    for one in (whole, part):
        one.out.mkdir()
    run(whole, order(whole, "scripted: steps=2 size=8x8", 4))
    run(part, order(part, "scripted: steps=2 size=8x8", 4, (3,)))
    assert part.pictures() == [whole.pictures()[2]]


def test_a_change_on_the_way_is_booked_with_all_of_a_batch(bench: Bench) -> None:
    """They shared the step, so they share the change; the next batch begins with it."""
    given = order(bench, "scripted: steps=4 size=8x8", 2)

    def react(frame: link_pb2.FromWorker) -> None:
        done = frame.step_done
        if frame.WhichOneof("body") == "step_done" and (done.candidate, done.step) == ("job/1", 1):
            tune = link_pb2.TuneJob(job="job", attempt=1, guidance_scale=5.0)
            bench.inbox.deliver(link_pb2.ToWorker(tune_job=tune))

    bench.writer.react = react
    ready = run(bench, given)
    assert [[change.step for change in one.changes] for one in ready] == [[2], [2], [1], [1]]


def test_a_batch_that_needs_too_much_memory_is_made_one_by_one(bench: Bench) -> None:
    """The job goes on; what is said of the pictures is how they were made."""
    ready = run(bench, order(bench, "scripted: steps=2 size=8x8 oom_together", 4))
    assert [one.batch for one in ready] == [1, 1, 1, 1]
    assert bench.writer.all("job_ended")[-1].outcome == OUTCOME.OUTCOME_SUCCEEDED


def test_a_canceled_batch_leaves_nothing(bench: Bench) -> None:
    """Within a step, as a single candidate does."""
    given = order(bench, "scripted: steps=50 size=8x8", 4)

    def react(frame: link_pb2.FromWorker) -> None:
        if frame.WhichOneof("body") == "step_done" and frame.step_done.step == 2:
            bench.inbox.deliver(link_pb2.ToWorker(cancel_job=link_pb2.CancelJob(job="job", attempt=1)))

    bench.writer.react = react
    assert run(bench, given) == []
    assert bench.writer.all("job_ended")[-1].outcome == OUTCOME.OUTCOME_CANCELED
