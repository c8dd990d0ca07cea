"""Order and reach of what the daemon asks for."""

from __future__ import annotations

from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.inbox import Inbox


def _run(job: str) -> link_pb2.ToWorker:
    return link_pb2.ToWorker(run_job=link_pb2.RunJob(job=job, attempt=1))


def _cancel(job: str, attempt: int = 1) -> link_pb2.ToWorker:
    return link_pb2.ToWorker(cancel_job=link_pb2.CancelJob(job=job, attempt=attempt))


def _tune(job: str, scale: float) -> link_pb2.ToWorker:
    return link_pb2.ToWorker(tune_job=link_pb2.TuneJob(job=job, attempt=1, guidance_scale=scale))


def _unload(model: str) -> link_pb2.ToWorker:
    return link_pb2.ToWorker(unload_model=link_pb2.UnloadModel(model=model))


def test_commands_keep_their_order_around_a_look_between_steps() -> None:
    """Looking for a cancel puts nothing out of line."""
    inbox = Inbox()
    for message in (_run("a"), _run("b"), _unload("m"), _run("c")):
        inbox.deliver(message)
    assert inbox.take() == _run("a")
    assert not inbox.canceled(("a", 1))
    assert [inbox.take() for _ in range(3)] == [_run("b"), _unload("m"), _run("c")]


def test_a_cancel_reaches_the_job_under_way() -> None:
    """It is seen at the next look, and only for this job and attempt."""
    inbox = Inbox()
    inbox.deliver(_run("a"))
    inbox.take()
    inbox.deliver(_cancel("a", attempt=2))
    assert not inbox.canceled(("a", 1))
    inbox.deliver(_cancel("a"))
    assert inbox.canceled(("a", 1))


def test_a_cancel_reaches_a_job_that_waits() -> None:
    """A job that was canceled in the line is canceled when its turn comes."""
    inbox = Inbox()
    for message in (_run("a"), _run("b"), _cancel("b")):
        inbox.deliver(message)
    inbox.take()
    assert not inbox.canceled(("a", 1))
    inbox.finish(("a", 1))
    assert inbox.take() == _run("b")
    assert inbox.canceled(("b", 1))


def test_a_cancel_of_an_ended_job_leaves_no_trace() -> None:
    """The same job may be run again later and is not stopped by the late cancel."""
    inbox = Inbox()
    inbox.deliver(_run("a"))
    inbox.take()
    inbox.finish(("a", 1))
    inbox.deliver(_cancel("a"))
    inbox.deliver(_run("a"))
    assert inbox.take() == _cancel("a")
    assert inbox.take() == _run("a")
    assert not inbox.canceled(("a", 1))


def test_changes_are_given_once_in_their_order() -> None:
    """Each change reaches its job once."""
    inbox = Inbox()
    for message in (_run("a"), _tune("a", 2.0), _tune("b", 9.0), _tune("a", 3.0)):
        inbox.deliver(message)
    inbox.take()
    assert not inbox.canceled(("a", 1))
    assert [change.guidance_scale for change in inbox.changes(("a", 1))] == [2.0, 3.0]
    assert inbox.changes(("a", 1)) == []
