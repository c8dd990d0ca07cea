"""Jobs bound to a device, and devices that are switched on and off: decisions 30 to 34 of docs/scheduler.md."""

from __future__ import annotations

from bullpend.scheduling import model as m

from tests.scheduling.script import Story, started


def bound(name: str, device: str, seq: int, model: str = "m") -> m.JobSubmitted:
    return m.JobSubmitted(m.QueuedJob(name, "r", "p", model, seq=seq, device=device))


def test_a_bound_job_waits_for_its_device_and_holds_up_nobody() -> None:
    """What is bound to a busy device keeps its place; the idle one takes what stands behind it."""
    story = Story("gpu", "cpu")
    story.warm("gpu")
    story.submit("j1")
    assert story.tell(bound("j2", "gpu", 2)) == []
    assert story.submit("j3") == [m.StartWorker("cpu")]
    assert started(story.tell(m.DeviceReady("cpu"))) == [("j3", "cpu")]
    assert started(story.end("j1", 1, "gpu")) == [("j2", "gpu")]


def test_a_device_on_request_takes_only_what_is_bound_to_it() -> None:
    """It is not started for work of anybody, and nobody waits for time because of it."""
    story = Story("gpu", "cpu")
    assert story.tell(m.DeviceSwitched("cpu", m.Use.BOUND)) == []
    assert story.submit("j1") == [m.StartWorker("gpu")]
    assert story.submit("j2") == []
    assert story.tell(bound("j3", "cpu", 3)) == [m.StartWorker("cpu")]
    assert started(story.tell(m.DeviceReady("cpu"))) == [("j3", "cpu")]
    assert story.end("j3", 1, "cpu") == [m.SucceedJob("j3", 1)]


def test_a_device_that_is_switched_off_lets_its_worker_go() -> None:
    """At once where it is idle, after its job where it is not, within a step with `now`; the job waits for another."""
    story = Story("gpu", "cpu")
    story.warm("gpu")
    assert story.tell(m.DeviceSwitched("gpu", m.Use.NONE)) == [m.KillWorker("gpu", "was switched off")]
    story.tell(m.DeviceLost("gpu", "was switched off"))
    assert story.submit("j1") == [m.StartWorker("cpu")]
    assert started(story.tell(m.DeviceReady("cpu"))) == [("j1", "cpu")]
    assert story.tell(m.DeviceSwitched("gpu", m.Use.ALL)) == []
    assert story.tell(m.DeviceSwitched("cpu", m.Use.NONE, now=True)) == [m.StopJob("j1", 1, "cpu")]
    assert story.end("j1", 1, "cpu", m.Outcome.CANCELED) == [
        m.RequeueJob("j1", 1, 0, "was paused"),
        m.KillWorker("cpu", "was switched off"),
        m.StartWorker("gpu"),
    ]
    assert started(story.tell(m.DeviceReady("gpu"))) == [("j1", "gpu")]


def test_a_running_job_that_is_bound_elsewhere_moves_there() -> None:
    """It stops within a step, costs no death, and goes on at its device; bound to where it runs, nothing happens."""
    story = Story("gpu", "cpu")
    story.warm("gpu")
    assert started(story.submit("j1")) == [("j1", "gpu")]
    assert story.tell(m.JobBound("j1", "gpu")) == []
    assert story.tell(m.JobBound("j1", "cpu")) == [m.StopJob("j1", 1, "gpu")]
    assert story.end("j1", 1, "gpu", m.Outcome.CANCELED) == [
        m.RequeueJob("j1", 1, 0, "was paused"),
        m.StartWorker("cpu"),
    ]
    assert started(story.tell(m.DeviceReady("cpu"))) == [("j1", "cpu")]


def test_a_job_bound_to_a_device_that_is_gone_is_held() -> None:
    """After a restart without its device nothing could ever take it."""
    story = Story("cpu")
    [held] = story.tell(bound("j1", "gpu", 1))
    assert isinstance(held, m.HoldJob)
    assert held.failure.reason == "DEVICE_UNAVAILABLE"
