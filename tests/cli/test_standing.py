"""What a follower is told while nothing of its run is made."""

from __future__ import annotations

from bullpen_api.v1 import event_pb2, queue_pb2, run_pb2
from bullpen_cli.board import Board
from bullpen_cli.standing import standing

RUN = "projects/p/runs/r-0002-style"
JOB = f"{RUN}/jobs/j-001"


def queue(
    position: int = 2, waiting: int = 1, pauses: int = 0, seconds: int | None = 90, **more: object
) -> queue_pb2.Queue:
    """A queue of five in which the run has a place."""
    place = queue_pb2.QueuedRun(run=RUN, position=position, waiting_jobs=waiting, paused_jobs=pauses)
    if seconds is not None:
        place.time_to_start.seconds = seconds
    return queue_pb2.Queue(waiting_jobs=5, running_jobs=1, runs=[place], **more)  # type: ignore[arg-type]  # fields by name


def run(**more: object) -> run_pb2.Run:
    return run_pb2.Run(name=RUN, **more)  # type: ignore[arg-type]  # fields by name


def job(state: int = run_pb2.Job.STATE_QUEUED, *, paused: bool = False) -> run_pb2.Job:
    return run_pb2.Job(name=JOB, state=state, paused=paused)  # type: ignore[arg-type]  # a number of the enum


def test_the_place_with_its_estimate_where_there_is_one() -> None:
    """Nothing is claimed of the time where nothing like it was measured."""
    assert standing(run(), (), queue()) == "Waits at place 2 of 5 in the queue; begins in about 1:30."
    assert standing(run(), (), queue(seconds=None)) == "Waits at place 2 of 5 in the queue."


def test_nothing_is_said_of_a_run_that_is_about_to_begin_or_not_there() -> None:
    """The first place with a free device; a run of which nothing waits."""
    assert standing(run(), (), queue(position=1, seconds=0)) == ""
    assert standing(run(), (), queue_pb2.Queue(waiting_jobs=3)) == ""


def test_each_pause_is_told_with_the_command_that_ends_it() -> None:
    """That of the queue, of the run, and of one job."""
    assert "`bullpen queue resume`" in standing(run(), (), queue(paused=True))
    assert f"`bullpen runs resume {RUN}`" in standing(run(paused=True), (), queue(0, 0, 1))
    told = standing(run(), [job(paused=True)], queue(0, 0, 1))
    assert told == f"1 job is paused: `bullpen runs resume {JOB}` lets it go on."


def test_what_is_in_the_way_is_passed_on() -> None:
    """In the daemon's words."""
    assert standing(run(), (), queue(hindrance="Every device is off.")) == "Every device is off."


def test_a_follower_is_told_once_and_not_between_two_turns() -> None:
    """The first place, then silence while it moves up, then the pause; after a finished candidate no place any more."""
    board = Board.of(run(), [job()])
    assert [board.apply(queue()), board.apply(queue(1, seconds=8))] == [[board_line(2, "1:30")], []]
    assert board.standing == board_line(1, "8.0 s")
    assert len(board.apply(queue(paused=True))) == 1
    assert board.apply(queue(paused=True)) == []
    busy = event_pb2.Event(subject=JOB, job=job(run_pb2.Job.STATE_RUNNING))
    assert (board.apply(busy), board.apply(queue()), board.standing) == ([], [], "")
    done = run_pb2.Candidate(name=f"{JOB}/candidates/c-1", state=run_pb2.Candidate.STATE_SUCCEEDED)
    board.apply(event_pb2.Event(subject=done.name, candidate=done))
    board.apply(event_pb2.Event(subject=JOB, job=job()))
    assert (board.apply(queue()), board.standing) == ([], board_line(2, "1:30"))


def board_line(place: int, when: str) -> str:
    return f"Waits at place {place} of 5 in the queue; begins in about {when}."
