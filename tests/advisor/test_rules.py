"""Where work is best done, as a pure decision."""

from __future__ import annotations

from bullpend.advisor.model import Fit, Memory, Place
from bullpend.advisor.rules import advise, ahead, fit
from bullpend.costs.model import Money
from bullpend.runs.estimates import Basis
from bullpend.scheduling import model as m
from bullpend.scheduling.rules import step

ROOMY = Memory(needed=4 << 30, total=24 << 30, free=20 << 30)


def place(
    name: str, seconds: float | None = None, use: m.Use = m.Use.ALL, memory: Memory = ROOMY, wait: float | None = 0.0
) -> Place:
    return Place(f"devices/{name}", name, "models/m", use=use, memory=memory, picture_seconds=seconds, wait=wait)


def provider(seconds: float | None, cents: int) -> Place:
    cost = Money("USD", cents * 10_000)
    return Place("devices/remote", "remote", "models/openai:x@studio", picture_seconds=seconds, cost=cost)


def test_what_goes_there_by_itself_is_recommended_where_nothing_is_much_quicker() -> None:
    """A gain below a fifth is not worth leaving; nor is what nobody measured."""
    advice = advise([place("cuda-0", 1.0), place("cpu", 0.9, m.Use.BOUND), place("cuda-1", None)], 10)
    assert advice.recommended is not None
    assert advice.recommended.place.device == "devices/cuda-0"
    assert [option.place.kind for option in advice.options] == ["cuda-0", "cpu", "cuda-1"]


def test_a_much_quicker_device_is_recommended_also_where_it_needs_consent() -> None:
    """The busy GPU waits an hour; the processor would be done before: it is said, and still needs consent."""
    advice = advise([place("cuda-0", 1.0, wait=3600.0), place("cpu", 20.0, m.Use.BOUND)], 10)
    assert advice.recommended is not None
    assert (advice.recommended.place.device, advice.recommended.place.needs_consent) == ("devices/cpu", True)
    assert "devices/cuda-0, where it would go by itself, takes about 60 min" in advice.reason


def test_money_is_never_spent_where_something_free_can_do_it() -> None:
    """A quicker provider is mentioned with its price, and recommended only where no device can take the run."""
    advice = advise([place("cpu", 60.0), provider(5.0, 40)], 10)
    assert advice.recommended is not None
    assert advice.recommended.place.device == "devices/cpu"
    assert "costs about 0.40 USD" in advice.reason
    small = Memory(needed=30 << 30, total=8 << 30, free=8 << 30)
    alone = advise([place("cpu", 60.0, memory=small), provider(5.0, 40)], 10)
    assert alone.recommended is not None
    assert alone.recommended.place.remote
    assert alone.options[-1].problem == "It needs 30.0 GiB, and there is 8.0 GiB in all."


def test_where_nothing_can_take_it_each_reason_is_given() -> None:
    """Nothing is recommended."""
    advice = advise([place("cuda-0", 1.0, m.Use.NONE)], 1)
    assert advice.recommended is None
    assert "devices/cuda-0: It is switched off." in advice.reason


def test_the_queue_ahead_counts() -> None:
    """Ten pictures after an hour's wait take an hour and ten pictures; an unknown wait makes the total unknown."""
    advice = advise([place("cpu", 6.0, wait=3600.0)], 10)
    assert advice.options[0].total == 3660.0
    assert advise([place("cpu", 6.0, wait=None)], 10).options[0].total is None
    assert advise([Place("d", "cpu", "m", memory=ROOMY, basis=Basis.GUESS)], 1).options[0].total is None


def test_memory() -> None:
    """Beside what is there, after others made room, in parts where the device can, or not at all."""
    assert fit(Memory(4, 10, 5)) is Fit.NOW
    assert fit(Memory(4, 10, 3)) is Fit.AFTER_MAKING_ROOM
    assert fit(Memory(11, 10, 10)) is Fit.NOT
    assert fit(Memory(11, 10, 10, parts=True)) is Fit.IN_PARTS
    assert fit(Memory(11, 10, 0, resident=True)) is Fit.NOW
    assert fit(Memory(4, 0)) is Fit.UNSPECIFIED


def queue(*jobs: m.QueuedJob) -> m.State:
    now = m.State()
    facts: list[m.Fact] = [m.DeviceAdded("gpu"), m.DeviceAdded("cpu"), m.DeviceSwitched("cpu", m.Use.BOUND)]
    facts += [m.JobSubmitted(job) for job in jobs]
    for fact in facts:
        now, _ = step(now, fact, 0.0)
    return now


def job(number: int, run: str = "r", priority: int = 0, device: str = "", model: str = "x") -> m.QueuedJob:
    return m.QueuedJob(f"j{number}", run, "p", model, priority, number, steps=10, device=device)


SPEEDS = {"": {"x": 1.0}, "cpu": {"x": 5.0}}


def test_jobs_ahead_are_those_that_the_device_may_take() -> None:
    """What is bound to the processor waits for nobody on the GPU; each device has its own speed."""
    state = queue(job(1), job(2, device="cpu"), job(3))
    assert ahead(state, "gpu", SPEEDS) == (2, 20.0)
    assert ahead(state, "cpu", SPEEDS) == (1, 50.0)


def test_jobs_ahead_of_a_priority_or_of_a_run() -> None:
    """A new job of a higher priority goes before others; a run that waits has only those before its first job ahead."""
    state = queue(job(1, "a"), job(2, "b"), job(3, "a"))
    assert ahead(state, "gpu", SPEEDS, priority=1) == (0, 0.0)
    assert ahead(state, "gpu", SPEEDS, until="b") == (1, 10.0)
    assert ahead(queue(job(1, model="new")), "gpu", SPEEDS) == (1, None)
    assert ahead(state, "mps", SPEEDS) == (0, 0.0)
