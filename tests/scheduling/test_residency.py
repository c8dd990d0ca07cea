"""Which models stay in memory and which go: decisions 18, 20 and 27 to 29 of docs/scheduler.md."""

from __future__ import annotations

from dataclasses import replace

from bullpend.scheduling import model as m
from bullpend.scheduling import views

from tests.scheduling.script import Story, started


def _job(name: str, model: str, keep_alive: float | None) -> m.JobSubmitted:
    return m.JobSubmitted(m.QueuedJob(name, "r", "p", model, seq=int(name[1:]), keep_alive=keep_alive))


def _pin(story: Story, model: str, pinned: bool = True, keep_alive: float | None = None) -> list[m.Command]:
    return story.tell(m.KeepingChanged(model, m.Keeping(pinned, keep_alive)))


def test_a_model_is_loaded_before_a_job_needs_it() -> None:
    """A cold device is started for it; its worker is told once, and it is shown as on its way meanwhile."""
    story = Story("cpu")
    assert story.tell(m.LoadRequested("x", "cpu", None)) == [m.StartWorker("cpu")]
    (view,) = views.residents(story.state)
    assert (view.model, view.state, view.expires) == ("x", "loading", None)
    assert story.tell(m.LoadRequested("x", "cpu", None)) == []
    assert story.tell(m.DeviceReady("cpu")) == [m.LoadModel("cpu", "x")]
    assert story.tell(m.ModelLoaded("cpu", "x", 7, "parts")) == []
    (view,) = views.residents(story.state)
    assert (view.state, view.placement, view.size_bytes) == ("ready", "parts", 7)
    assert view.expires == story.now + 300


def test_a_job_goes_before_a_wish() -> None:
    """A worker that becomes ready gets the job first; the wish waits behind it."""
    story = Story("cpu")
    story.tell(m.LoadRequested("x", "cpu", None))
    story.submit("j1", model="y")
    assert story.tell(m.DeviceReady("cpu")) == [m.StartJob("j1", 1, "cpu", "y"), m.LoadModel("cpu", "x")]


def test_a_wish_is_forgotten_when_it_fails_or_its_worker_dies() -> None:
    """Nobody is told twice of a model that cannot be loaded; a new worker is not started for an old wish."""
    story = Story("cpu")
    story.tell(m.LoadRequested("x", "cpu", None))
    story.tell(m.DeviceReady("cpu"))
    story.tell(m.ModelFailed("cpu", "x"))
    assert views.residents(story.state) == []
    assert story.tell(m.LoadRequested("x", "cpu", None)) == [m.LoadModel("cpu", "x")]
    story.tell(m.DeviceLost("cpu", "died"))
    assert views.residents(story.state) == []
    assert views.wake_at(story.state) is None


def test_a_lost_device_is_started_for_a_wish_after_its_wait() -> None:
    """The wait of a device that lost its worker holds for wishes too, and is woken up for."""
    story = Story("cpu")
    story.submit("j1")
    story.tell(m.DeviceReady("cpu"))
    story.tell(m.JobCanceled("j1"))
    story.tell(m.DeviceLost("cpu", "died"))
    assert story.tell(m.LoadRequested("x", "cpu", None)) == []
    wake = views.wake_at(story.state)
    assert wake == story.now + 0.5
    assert story.tell(m.Tick(), after=0.5) == [m.StartWorker("cpu")]


def test_asking_again_begins_the_keep_alive_anew() -> None:
    """A model that is there already is not loaded again; it stays as long as was said last."""
    story = Story("cpu")
    story.warm("cpu", "x")
    assert story.tell(m.LoadRequested("x", "cpu", 10.0), after=200) == []
    assert views.wake_at(story.state) == story.now + 10
    assert story.tell(m.Tick(), after=10) == [m.UnloadModel("cpu", "x")]


def test_the_last_request_decides_how_long_a_model_stays() -> None:
    """A job's own keep-alive holds from its end; the next one that says nothing goes back to the model's, then ours."""
    story = Story("cpu")
    story.warm("cpu", "x")
    story.tell(_job("j1", "x", 20.0))
    story.end("j1", 1, "cpu")
    assert views.wake_at(story.state) == story.now + 20
    _pin(story, "x", pinned=False, keep_alive=50.0)
    assert views.wake_at(story.state) == story.now + 20
    story.submit("j2", model="x")
    story.end("j2", 1, "cpu")
    assert views.wake_at(story.state) == story.now + 50


def test_a_keep_alive_of_nothing_lets_the_model_go_with_its_job() -> None:
    """It stays while its job runs and is unloaded as soon as that ended, unless the next job needs it."""
    story = Story("cpu")
    story.warm("cpu", "x")
    story.tell(_job("j1", "x", 0.0))
    story.tell(_job("j2", "x", 0.0))
    assert story.tell(m.Tick()) == []
    story.end("j1", 1, "cpu")
    assert story.tell(m.Tick()) == []
    story.end("j2", 1, "cpu")
    assert views.wake_at(story.state) == story.now
    assert story.tell(m.Tick()) == [m.UnloadModel("cpu", "x")]


def test_what_is_pinned_stays() -> None:
    """It does not expire, is not unloaded with the others, and does not make room when memory ran out."""
    story = Story("cpu")
    story.warm("cpu", "x", "y", "z")
    _pin(story, "x")
    assert story.tell(m.Tick(), after=1000) == [m.UnloadModel("cpu", "y"), m.UnloadModel("cpu", "z")]
    assert story.tell(m.UnloadRequested("x")) == []
    assert story.tell(m.UnloadRequested("")) == []
    story.tell(m.ModelUnloaded("cpu", "y"))
    story.tell(m.ModelLoaded("cpu", "y", 1))
    story.submit("j1", model="z")
    failed = story.end("j1", 1, "cpu", m.Outcome.FAILED, "DEVICE_OUT_OF_MEMORY")
    assert m.UnloadModel("cpu", "y") in failed
    assert m.UnloadModel("cpu", "x") not in failed
    (view,) = [view for view in views.residents(story.state) if view.model == "x"]
    assert (view.pinned, view.expires, view.keep_alive, view.reason) == (True, None, None, "pinned")


def test_a_pin_that_is_taken_back_begins_the_keep_alive() -> None:
    """A model that was pinned for hours does not vanish in the same moment."""
    story = Story("cpu")
    story.warm("cpu", "x")
    _pin(story, "x")
    assert views.wake_at(story.state) is None
    story.tell(m.Tick(), after=1000)
    assert _pin(story, "x", pinned=False) == []
    assert views.wake_at(story.state) == story.now + 300


def test_the_first_device_loads_what_is_pinned() -> None:
    """After a restart a pinned model comes with the first worker, behind the job that the worker was started for."""
    story = Story("a", "b")
    _pin(story, "x")
    story.submit("j1", model="y")
    story.submit("j2", model="y")
    assert story.tell(m.DeviceReady("b")) == [m.StartJob("j1", 1, "b", "y")]
    assert story.tell(m.DeviceReady("a")) == [m.StartJob("j2", 1, "a", "y"), m.LoadModel("a", "x")]


def test_one_device_is_freed_alone() -> None:
    """An unload that names a device leaves the others as they are."""
    story = Story("a", "b")
    story.submit("j1", model="x")
    story.submit("j2", model="x")
    for device in ("a", "b"):
        story.tell(m.DeviceReady(device))
        story.tell(m.ModelLoaded(device, "x", 1))
    story.end("j1", 1, "a")
    story.end("j2", 1, "b")
    assert story.tell(m.UnloadRequested("x", "b")) == [m.UnloadModel("b", "x")]


def test_the_next_model_is_read_ahead_once() -> None:
    """While one job runs, the model of the next one that needs another is named; not one that is there, not twice."""
    story = Story("cpu")
    story.submit("j1", model="x")
    for name, model in (("j2", "x"), ("j3", "y"), ("j4", "z")):
        story.submit(name, model=model)
    assert story.tell(m.DeviceReady("cpu")) == [m.StartJob("j1", 1, "cpu", "x"), m.ReadAhead("cpu", "y")]
    story.tell(m.ModelLoaded("cpu", "x", 1))
    assert story.end("j1", 1, "cpu")[1:] == [m.StartJob("j2", 1, "cpu", "x")]
    story.tell(m.ModelLoaded("cpu", "y", 1))
    assert story.end("j2", 1, "cpu")[1:] == [m.StartJob("j3", 1, "cpu", "y"), m.ReadAhead("cpu", "z")]


def test_while_the_daemon_drains_no_wish_is_granted() -> None:
    """Nothing new is started, a model neither."""
    story = Story("cpu")
    story.tell(m.Draining())
    assert story.tell(m.LoadRequested("x", "cpu", None)) == []
    assert views.wake_at(story.state) is None


def test_a_repeated_answer_changes_nothing() -> None:
    """A model that is said to be there again was not loaded again."""
    story = Story("cpu")
    story.warm("cpu", "x")
    before = story.state.devices["cpu"].residents["x"]
    story.tell(m.ModelLoaded("cpu", "x", 10), after=5)
    assert story.state.devices["cpu"].residents["x"] == replace(before, last_used=story.now)


def test_a_model_leaves_after_its_keep_alive() -> None:
    """Counted from its last use, asked once, and never while a job needs it."""
    story = Story("cpu", policy=m.Policy(keep_alive_seconds=300))
    story.warm("cpu", "x", "y")
    story.submit("j1", model="x")
    assert story.tell(m.Tick(), after=301) == [m.UnloadModel("cpu", "y")]
    assert story.tell(m.Tick(), after=301) == []
    story.tell(m.ModelUnloaded("cpu", "y"))
    story.end("j1", 1, "cpu")
    assert story.tell(m.Tick(), after=299) == []
    assert story.tell(m.Tick(), after=1) == [m.UnloadModel("cpu", "x")]
    story.tell(m.ModelUnloaded("cpu", "x"))
    assert story.state.devices["cpu"].residents == {}


def test_a_model_that_is_leaving_is_not_warm() -> None:
    """Who was asked to leave attracts no job; a job that needs it starts all the same."""
    story = Story("a", "b")
    story.warm("a", "x")
    story.tell(m.UnloadRequested("x"))
    assert started(story.submit("j1", model="x")) == [("j1", "a")]


def test_unload_spares_what_is_in_use() -> None:
    """On the device that uses the model nothing happens; on the other it is unloaded."""
    story = Story("a", "b")
    story.submit("j1", model="x")
    story.submit("j2", model="x")
    for device in ("a", "b"):
        story.tell(m.DeviceReady(device))
        story.tell(m.ModelLoaded(device, "x", 1))
    story.end("j2", 1, "b")
    assert story.tell(m.UnloadRequested("x")) == [m.UnloadModel("b", "x")]
