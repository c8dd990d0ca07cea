"""What others ask of the state: places, devices, models, the next wake."""

from __future__ import annotations

from bullpend.scheduling import model as m
from bullpend.scheduling import views

from tests.scheduling.script import Story


def test_positions_follow_the_queue() -> None:
    """Waiting jobs are counted from 1 in the order of the queue; a running job has none."""
    story = Story("cpu")
    for name, priority in (("j1", 0), ("j2", 0), ("j3", 1)):
        story.submit(name, priority=priority)
    assert list(views.positions(story.state)) == [(1, "j3"), (2, "j1"), (3, "j2")]
    story.tell(m.DeviceReady("cpu"))
    assert [views.position(story.state, name) for name in ("j3", "j1", "j2", "no")] == [0, 1, 2, 0]


def test_a_device_is_shown_as_what_it_does() -> None:
    """Cold, starting, busy, idle, and failed only after losses in a row and while it waits."""
    story = Story("cpu")

    def shown() -> str:
        return views.device_state(story.state.devices["cpu"], story.now)

    seen = [shown()]
    story.submit("j1")
    seen.append(shown())
    story.tell(m.DeviceReady("cpu"))
    seen.append(shown())
    story.end("j1", 1, "cpu")
    seen.append(shown())
    story.submit("j2")
    story.tell(m.DeviceLost("cpu", "died"))
    seen.append(shown())
    story.tell(m.Tick(), after=10)
    story.tell(m.DeviceLost("cpu", "died"))
    seen.append(shown())
    assert seen == ["cold", "starting", "busy", "idle", "cold", "failed"]


def test_models_in_memory_are_shown_with_reason_and_expiry() -> None:
    """In use: no expiry. Unused: last use plus keep-alive, on the clock that is shown."""
    story = Story("cpu", policy=m.Policy(keep_alive_seconds=60))
    story.warm("cpu", "x", "y")
    story.submit("j1", model="x")
    x, y = views.residents(story.state, offset=1000)
    assert (x.model, x.in_use, x.expires, x.reason) == ("x", True, None, "in use by j1")
    assert (y.in_use, y.expires, y.size_bytes) == (False, story.now + 60 + 1000, 10)
    assert views.model_in_use(story.state, "x")
    assert not views.model_in_use(story.state, "y")
    story.tell(m.UnloadRequested("y"))
    assert views.residents(story.state)[1].reason == "is being unloaded"


def test_the_next_wake_is_the_first_thing_that_waits_for_time() -> None:
    """A canceled job's grace, an expiry or a device's retry; nothing waits where nothing can happen."""
    story = Story("cpu", policy=m.Policy(keep_alive_seconds=300, stop_grace_seconds=10, backoff_seconds=1))
    assert views.wake_at(story.state) is None
    story.warm("cpu", "x")
    assert views.wake_at(story.state) == story.now + 300
    story.submit("j1", model="x")
    assert views.wake_at(story.state) is None
    story.tell(m.JobCanceled("j1"))
    assert views.wake_at(story.state) == story.now + 10
    story.tell(m.DeviceLost("cpu", "died"))
    assert views.wake_at(story.state) is None
    story.submit("j2")
    assert views.wake_at(story.state) == story.now + 1


def test_a_keep_alive_is_said_as_a_person_would() -> None:
    """In the largest unit of which it is a whole number."""
    told = [views.in_words(seconds) for seconds in (0.0, 0.5, 90.0, 300.0, 3660.0, 7200.0)]
    assert told == ["0 s", "0.5 s", "90 s", "5 min", "61 min", "2 h"]
