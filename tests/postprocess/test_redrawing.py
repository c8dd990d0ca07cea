"""The edge of a cutout redrawn by a model: a device between two post workers, and nothing left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpend.dispatch.singles import Single
from bullpend.errors import BullpenError, ContentLost, EngineFailed
from bullpend.models.rules import SCRIPTED
from bullpend.postprocess.redrawing import Redrawing, canvas
from bullpend.runs.model import Failure


class Devices:
    """Takes single orders and answers them at once."""

    def __init__(self, scratch: Path, failure: Failure | None = None, silent: bool = False) -> None:
        self.orders: list[link_pb2.RunJob] = []
        self.left: list[Single] = []
        self.singles = self
        self._scratch, self._failure, self._silent = scratch, failure, silent

    def single(self, model: Any, loras: Any, order: link_pb2.RunJob, seeds: Any) -> Single:
        self.orders.append(order)
        single = Single("utilities/1", model.name, model.digest, (), order, tuple(seeds))
        if self._failure is None and not self._silent:
            raw = self._scratch / "made.rgb"
            raw.write_bytes(bytes(order.width * order.height * 3))
            frame = link_pb2.CandidateReady(
                raw_path=str(raw), width=order.width, height=order.height, device_seconds=2.0
            )
            single.made.append(frame)
        single.failure, single.ended = self._failure, self._silent
        single.changed.set()
        return single

    def leave(self, single: Single) -> None:
        self.left.append(single)


class Models:
    def verify(self, name: str) -> Any:
        return replace(SCRIPTED, name=name)


class Post:
    """A post worker that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[link_pb2.ProcessPicture] = []

    async def run(self, task: link_pb2.Task, follow: Any = None) -> link_pb2.TaskDone:
        if task.HasField("inspect_pictures"):
            seen = link_pb2.InspectedPicture(path=task.inspect_pictures.paths[0], width=200, height=100)
            return link_pb2.TaskDone(pictures_inspected=link_pb2.PicturesInspected(pictures=[seen]))
        work = link_pb2.ProcessPicture()
        work.CopyFrom(task.process_picture)
        self.asked.append(work)
        if work.refine.redrawn.path:
            assert Path(work.refine.redrawn.path).is_file()
        Path(work.out_path).write_bytes(b"png")
        seconds = {name: 1.0 for name in ("cutout", "refine", "color") if work.HasField(name)}
        return link_pb2.TaskDone(picture_processed=link_pb2.PictureProcessed(seconds=seconds))


def redrawing(devices: Devices, post: Post, scratch: Path) -> Redrawing:
    return Redrawing(cast(Any, devices), cast(Any, Models()), post.run, post.run, scratch)


def chain(tmp_path: Path, **refine: Any) -> link_pb2.Task:
    work = link_pb2.ProcessPicture(
        path="/in.png",
        out_path=str(tmp_path / "out.png"),
        cutout=link_pb2.CutoutWork(session="x"),
        refine=link_pb2.RefineWork(softness=0.5, **refine),
        color=link_pb2.ColorWork(),
    )
    return link_pb2.Task(process_picture=work)


async def test_j07_the_edge_is_redrawn_between_cutout_and_the_rest(tmp_path: Path) -> None:
    """The device sees the cutout at its own shape, without words, a little of the way; seconds are added up."""
    devices, post = Devices(tmp_path), Post()
    done = await redrawing(devices, post, tmp_path).run(chain(tmp_path, model="models/scripted", strength=0.3))
    first, rest = post.asked
    assert (first.HasField("cutout"), first.HasField("refine"), first.HasField("color")) == (True, False, False)
    assert (rest.HasField("cutout"), rest.HasField("refine"), rest.HasField("color")) == (False, True, True)
    assert rest.path == first.out_path != "/in.png"
    (order,) = devices.orders
    assert (order.source_path, order.prompt, order.guidance_scale) == (rest.path, "", 1.0)
    assert (order.method.strategy, order.method.strength) == ("img2img", 0.3)
    assert (order.width, order.height) == canvas((200, 100), SCRIPTED) == (80, 40)
    assert dict(done.picture_processed.seconds) == {"cutout": 1.0, "refine": 3.0, "color": 1.0}
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
    assert devices.left


async def test_j07_without_a_model_nothing_changes(tmp_path: Path) -> None:
    """One task, as it came."""
    devices, post = Devices(tmp_path), Post()
    await redrawing(devices, post, tmp_path).run(chain(tmp_path))
    assert [work.HasField("cutout") for work in post.asked] == [True]
    assert not devices.orders


@pytest.mark.parametrize(
    ("failure", "error"), [(Failure("ENGINE_FAILED", "It broke."), EngineFailed), (None, ContentLost)]
)
async def test_j07_a_device_that_fails_ends_the_chain(
    tmp_path: Path, failure: Failure | None, error: type[BullpenError]
) -> None:
    """With its own reason, and without leaving files or orders behind."""
    devices, post = Devices(tmp_path, failure, silent=True), Post()
    with pytest.raises(error):
        await redrawing(devices, post, tmp_path).run(chain(tmp_path, model="models/scripted", strength=0.3))
    assert list(tmp_path.iterdir()) == []
    assert devices.left


@pytest.mark.parametrize(
    ("size", "expected"), [((64, 64), (64, 64)), ((3000, 1500), (80, 40)), ((7, 3), (8, 8)), ((10, 4000), (8, 80))]
)
def test_a_canvas_has_the_pictures_shape_and_the_models_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    """In whole cells, at least one."""
    assert canvas(size, SCRIPTED) == expected
