"""Models in a worker's memory: who makes room, how one is placed, what happens when memory runs out all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from bullpen_worker.engines.base import ModelSpec
from bullpen_worker.engines.scripted.engine import ScriptedEngine
from bullpen_worker.failures import WorkerError
from bullpen_worker.memory_rules import Placement
from bullpen_worker.memory_words import amount
from bullpen_worker.residency import Residency

from tests.support.scripted_models import MB, write_scripted_model

PIXELS = 64 * 64


class Clock:
    """Time that goes on with each look, and with each pause."""

    def __init__(self) -> None:
        self.now = 0.0
        self.paused = 0.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.paused += seconds


class SlowEngine(ScriptedEngine):
    """Gives memory back only after it was asked some times, as drivers do; counts what it builds."""

    def __init__(self, memory_bytes: int, looks: int = 0) -> None:
        super().__init__(memory_bytes)
        self.built: list[str] = []
        self.looks = looks
        self._held = 0
        self._left = 0

    def load(self, model: ModelSpec, placement: Placement = Placement.WHOLE) -> object:  # type: ignore[override]  # any model
        assert self.free_memory() >= 0
        self.built.append(model.name)
        return super().load(model, placement)

    def unload(self, model: object) -> None:
        super().unload(model)  # type: ignore[arg-type]  # any model
        self._held, self._left = self._held + model.size_bytes, self.looks  # type: ignore[attr-defined]  # any model

    def free_memory(self) -> int:
        if self._left:
            self._left -= 1
        else:
            self._held = 0
        return super().free_memory() - self._held


class Memory:
    """A residency over a scripted device, and what it told."""

    def __init__(self, folder: Path, size: int = 100 * MB, *, looks: int = 0, limit: int = 0) -> None:
        self.folder = folder
        self.engine = SlowEngine(size, looks)
        self.clock = Clock()
        self.residency = Residency(self.engine, limit, self.clock, self.clock.pause)
        self.gone: list[tuple[str, str]] = []
        self.residency.evicted = lambda name, reason: self.gone.append((name, reason))

    def spec(self, name: str, **script: int | str) -> ModelSpec:
        place = self.folder / name
        if not place.exists():
            write_scripted_model(place, **script)
        return ModelSpec(f"models/{name}", "scripted", str(place), digest=name)

    def left(self) -> list[str]:
        return [name for name, _ in self.gone]


def test_the_longest_unused_make_room(tmp_path: Path) -> None:
    """A model that was used since it was loaded stays; who leaves is told with the reason."""
    memory = Memory(tmp_path)
    one, two = memory.spec("one", size_bytes=40 * MB), memory.spec("two", size_bytes=40 * MB)
    memory.residency.load(one)
    memory.residency.load(two)
    assert memory.residency.find(one) is not None
    memory.residency.load(memory.spec("three", size_bytes=40 * MB))
    assert memory.gone == [("models/two", "made room for models/three")]
    assert memory.residency.find(two) is None
    assert memory.residency.total_bytes == 80 * MB


def test_memory_is_awaited_before_the_next_model_is_built(tmp_path: Path) -> None:
    """A driver that gives memory back late is waited for, a little at a time."""
    memory = Memory(tmp_path, 1000 * MB, looks=4)
    memory.residency.load(memory.spec("one", size_bytes=600 * MB))
    memory.residency.load(memory.spec("two", size_bytes=600 * MB))
    assert memory.clock.paused > 0
    assert memory.engine.built == ["models/one", "models/two"]


def test_memory_that_never_comes_back_is_not_awaited_for_ever(tmp_path: Path) -> None:
    """After some seconds the next model is tried all the same, and the device says what it thinks of it."""
    memory = Memory(tmp_path, 1000 * MB, looks=10**6)
    memory.residency.load(memory.spec("one", size_bytes=600 * MB))
    memory.residency.load(memory.spec("two", size_bytes=300 * MB))
    with pytest.raises((WorkerError, MemoryError)):
        memory.residency.load(memory.spec("three", size_bytes=900 * MB))
    assert 4 < memory.clock.paused < 20


def test_a_limit_holds_though_the_device_has_more(tmp_path: Path) -> None:
    """Somebody shares the device with other programs."""
    memory = Memory(tmp_path, 1000 * MB, limit=100 * MB)
    memory.residency.load(memory.spec("one", size_bytes=60 * MB))
    memory.residency.load(memory.spec("two", size_bytes=60 * MB))
    assert memory.left() == ["models/one"]
    with pytest.raises(WorkerError, match="100 MB") as refused:
        memory.residency.load(memory.spec("three", size_bytes=200 * MB))
    assert refused.value.reason == "DEVICE_OUT_OF_MEMORY"
    assert "smaller model" in refused.value.remedy
    assert "devices.memory_limit_mb" in refused.value.remedy


def test_what_is_pinned_never_leaves(tmp_path: Path) -> None:
    """A model that fits only in its place is refused, and the words name the pin."""
    memory = Memory(tmp_path)
    memory.residency.load(memory.spec("one", size_bytes=60 * MB))
    memory.residency.pinned = {"models/one"}
    with pytest.raises(WorkerError) as refused:
        memory.residency.load(memory.spec("two", size_bytes=60 * MB))
    assert "models/one (60.0 MB)" in refused.value.remedy
    assert memory.gone == []
    memory.residency.load(memory.spec("in-parts", size_bytes=60 * MB, parts_bytes=30 * MB))
    assert memory.residency.total_bytes == 90 * MB


def test_more_than_was_told_is_taken_and_survived(tmp_path: Path) -> None:
    """A model that takes more than its files say runs out once; then everything else leaves and it is tried again."""
    memory = Memory(tmp_path)
    memory.residency.load(memory.spec("one", size_bytes=40 * MB))
    memory.residency.load(memory.spec("liar", size_bytes=40 * MB, hidden_bytes=40 * MB))
    assert memory.engine.built == ["models/one", "models/liar", "models/liar"]
    assert memory.left() == ["models/one"]


def test_a_model_that_runs_out_even_alone_is_tried_slower(tmp_path: Path) -> None:
    """As a whole, again with nothing beside it, and then in parts."""
    memory = Memory(tmp_path)
    resident = memory.residency.load(
        memory.spec("liar", size_bytes=80 * MB, parts_bytes=30 * MB, pieces_bytes=10 * MB, hidden_bytes=40 * MB)
    )
    assert resident.placement is Placement.PARTS
    assert memory.engine.built == ["models/liar"] * 3


def test_a_model_that_cannot_be_built_leaves_nothing(tmp_path: Path) -> None:
    """Other faults than memory are not tried again, and others stay."""
    memory = Memory(tmp_path)
    memory.residency.load(memory.spec("one", size_bytes=40 * MB))
    with pytest.raises(WorkerError) as refused:
        memory.residency.load(memory.spec("broken", fail="MODEL_CORRUPT", size_bytes=MB))
    assert refused.value.reason == "MODEL_CORRUPT"
    assert memory.engine.built == ["models/one", "models/broken"]
    assert memory.residency.total_bytes == 40 * MB


def test_neighbours_make_room_for_measured_work(tmp_path: Path) -> None:
    """What an earlier job of this size took decides; for smaller work everybody stays."""
    memory = Memory(tmp_path)
    memory.residency.load(memory.spec("one", size_bytes=40 * MB))
    worker = memory.residency.load(memory.spec("worker", size_bytes=20 * MB))
    assert memory.residency.measured(worker.spec, PIXELS, 10 * MB)
    assert not memory.residency.measured(worker.spec, PIXELS, 10 * MB)
    assert memory.residency.make_room_for_work(worker, PIXELS) is worker
    assert memory.gone == []
    assert memory.residency.measured(worker.spec, 4 * PIXELS, 70 * MB)
    memory.residency.make_room_for_work(worker, 4 * PIXELS)
    assert memory.left() == ["models/one"]


def test_what_an_earlier_worker_measured_counts(tmp_path: Path) -> None:
    """It is known by the content of the model, whatever its name."""
    memory = Memory(tmp_path)
    memory.residency.remember("worker", PIXELS, 70 * MB)
    memory.residency.load(memory.spec("one", size_bytes=40 * MB))
    memory.residency.load(memory.spec("worker", size_bytes=20 * MB), PIXELS)
    assert memory.left() == ["models/one"]


def test_after_a_lack_of_memory_a_model_is_placed_in_parts(tmp_path: Path) -> None:
    """The first failure frees everything else and is remembered; the next try places the model so that it fits."""
    memory = Memory(tmp_path)
    spec = memory.spec("worker", size_bytes=60 * MB, parts_bytes=20 * MB, work_bytes=50 * MB)
    resident = memory.residency.load(spec)
    error = memory.residency.out_of_memory(resident, PIXELS)
    assert error.reason == "DEVICE_OUT_OF_MEMORY"
    assert "64×64" in error.message
    placed = memory.residency.make_room_for_work(resident, PIXELS)
    assert placed.placement is Placement.PARTS
    assert memory.residency.find(spec) is not None


def test_a_guess_about_lacking_memory_never_refuses(tmp_path: Path) -> None:
    """A device that was full for a moment, because of somebody else, is not held against the model."""
    memory = Memory(tmp_path)
    spec = memory.spec("worker", size_bytes=60 * MB)
    resident = memory.residency.load(spec)
    memory.residency.out_of_memory(resident, PIXELS)
    memory.residency.unload(spec.name)
    assert memory.residency.load(spec, PIXELS).placement is Placement.WHOLE


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1536, "1.5 KB"), (60 * MB, "60.0 MB"), (1 << 40, "1.0 TB")],
)
def test_amounts_are_said_as_people_say_them(size: int, words: str) -> None:
    """In steps of 1024, with one digit where it tells something."""
    assert amount(size) == words
