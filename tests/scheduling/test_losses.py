"""What becomes of jobs whose attempt was lost or failed, and of the devices that lost it."""

from __future__ import annotations

from bullpend.scheduling import model as m

from tests.scheduling.script import Story, started


def test_a_lost_attempt_is_made_again_in_its_old_place() -> None:
    """The job goes back before those accepted after it; its attempt grows; the worker is started after the wait."""
    story = Story("cpu", policy=m.Policy(backoff_seconds=1))
    story.submit("j1")
    story.submit("j2")
    story.tell(m.DeviceReady("cpu"))
    assert story.tell(m.DeviceLost("cpu", "was killed by SIGSEGV")) == [
        m.RequeueJob("j1", 1, 1, "was killed by SIGSEGV")
    ]
    assert story.tell(m.Tick(), after=1) == [m.StartWorker("cpu")]
    assert story.tell(m.DeviceReady("cpu")) == [m.StartJob("j1", 2, "cpu", "m")]


def test_a_job_that_kills_workers_is_held() -> None:
    """After max_attempts deaths the job is set aside with the last reason, and the next one runs."""
    story = Story("cpu", policy=m.Policy(max_attempts=3))
    story.submit("j1")
    story.submit("j2")
    commands: list[m.Command] = []
    for _ in range(3):
        story.tell(m.Tick(), after=60)
        story.tell(m.DeviceReady("cpu"))
        commands = story.tell(m.DeviceLost("cpu", "was killed by SIGSEGV"))
    [held] = commands
    assert isinstance(held, m.HoldJob)
    assert (held.job, held.attempt, held.failure.reason) == ("j1", 3, "WORKER_LOST")
    assert "SIGSEGV" in held.failure.message
    story.tell(m.Tick(), after=60)
    assert started(story.tell(m.DeviceReady("cpu"))) == [("j2", "cpu")]


def test_a_daemon_that_was_stopped_is_not_held_against_its_jobs() -> None:
    """Leases without a worker's death may be many; only far beyond is the job held."""
    story = Story("cpu")
    assert story.tell(m.JobSubmitted(m.QueuedJob("j1", "r", "p", "m", attempt=20))) == [m.StartWorker("cpu")]
    assert story.tell(m.DeviceReady("cpu")) == [m.StartJob("j1", 21, "cpu", "m")]
    for attempt, deaths in ((50, 0), (3, 3)):
        [held] = story.tell(m.JobSubmitted(m.QueuedJob("j2", "r", "p", "m", attempt=attempt, deaths=deaths)))
        assert isinstance(held, m.HoldJob)


def test_a_typed_failure_is_final() -> None:
    """The engine would fail again: no second attempt."""
    story = Story("cpu")
    story.submit("j1")
    story.tell(m.DeviceReady("cpu"))
    failure = m.Failure("MODEL_CORRUPT", "words")
    assert story.end("j1", 1, "cpu", m.Outcome.FAILED, "MODEL_CORRUPT") == [m.FailJob("j1", 1, failure)]


def test_out_of_memory_is_tried_once_more_with_room() -> None:
    """Other models are unloaded first; a second time is final."""
    story = Story("cpu")
    story.warm("cpu", "x", "y")
    story.submit("j1", model="big")
    story.tell(m.ModelLoaded("cpu", "big", 1))
    assert story.end("j1", 1, "cpu", m.Outcome.FAILED, "DEVICE_OUT_OF_MEMORY") == [
        m.UnloadModel("cpu", "x"),
        m.UnloadModel("cpu", "y"),
        m.RequeueJob("j1", 1, 0, "words"),
        m.StartJob("j1", 2, "cpu", "big"),
    ]
    [final] = story.end("j1", 2, "cpu", m.Outcome.FAILED, "DEVICE_OUT_OF_MEMORY")
    assert isinstance(final, m.FailJob)


def test_a_worker_that_stops_a_job_unasked_counts_as_a_lost_attempt() -> None:
    """The job is made again, and held when it goes on."""
    story = Story("cpu", policy=m.Policy(max_attempts=2))
    story.submit("j1")
    story.tell(m.DeviceReady("cpu"))
    requeue, start = story.end("j1", 1, "cpu", m.Outcome.CANCELED)
    assert (type(requeue), type(start)) == (m.RequeueJob, m.StartJob)
    [held] = story.end("j1", 2, "cpu", m.Outcome.CANCELED)
    assert isinstance(held, m.HoldJob)


def test_losses_in_a_row_wait_longer_each_time() -> None:
    """The wait doubles up to its cap; a job that ended makes it short again."""
    story = Story("cpu", policy=m.Policy(backoff_seconds=1, max_backoff_seconds=4, max_attempts=99))
    story.submit("j1")
    waits = []
    for _ in range(4):
        story.tell(m.DeviceLost("cpu", "died"))
        waits.append(story.state.devices["cpu"].retry_at - story.now)
        story.tell(m.Tick(), after=waits[-1])
    assert waits == [1, 2, 4, 4]
    story.tell(m.DeviceReady("cpu"))
    story.submit("j2")
    story.end("j1", 1, "cpu")
    story.tell(m.DeviceLost("cpu", "died"))
    assert story.state.devices["cpu"].retry_at - story.now == 1
