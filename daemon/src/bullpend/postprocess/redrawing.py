"""The edge of a cutout redrawn by an edit model: the chain's runner, which has a device work before a post worker does.

A cutout ends where a mask ends, which is seldom where a pen would. So the picture is taken a little of the way to noise
and back by an image-to-image model, as a single order beside the jobs of runs, and a band at the edge takes its pixels
from there. All else stays, and so does the transparency.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2

from bullpend.clock import new_id
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.dispatch.singles import Single
from bullpend.errors import ContentLost, from_failure
from bullpend.models.model import IMG2IMG, Model
from bullpend.models.registry import Registry
from bullpend.postprocess.following import RunLongTask

RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]
Follow = Callable[[link_pb2.TaskProgress], None]
# A model draws well at its own size and a little beyond.
_BEYOND = 1.25
_CELL = 8


class Redrawing:
    """Runs chains whose refining has a model."""

    def __init__(
        self, dispatcher: Dispatcher, registry: Registry, run_task: RunTask, run_long: RunLongTask, scratch: Path
    ) -> None:
        """`scratch` holds a picture between two steps."""
        self._dispatcher = dispatcher
        self._registry = registry
        self._run_task = run_task
        self._run_long = run_long
        self._scratch = scratch

    async def run(self, task: link_pb2.Task, follow: Follow | None = None) -> link_pb2.TaskDone:
        """A runner of tasks, as `RunLongTask` says."""
        work = task.process_picture
        if not work.refine.model:
            return await self._run_long(task, follow)
        cut, left = self._scratch / f"cut-{new_id()}.png", list[Path]()
        before: dict[str, float] = {}
        try:
            rest = link_pb2.ProcessPicture()
            rest.CopyFrom(work)
            if work.HasField("cutout"):
                first = link_pb2.ProcessPicture(path=work.path, out_path=str(cut), cutout=work.cutout)
                left.append(cut)
                before = dict((await self._run_long(_task(first), follow)).picture_processed.seconds)
                rest.path = str(cut)
                rest.ClearField("cutout")
            if follow is not None:
                follow(link_pb2.TaskProgress(step="refine", share=0.0))
            made = await self._redrawn(rest.path, work.refine)
            left.append(Path(made.raw_path))
            rest.refine.redrawn.CopyFrom(link_pb2.RawPicture(path=made.raw_path, width=made.width, height=made.height))
            done = await self._run_long(_task(rest), follow)
            for step, seconds in before.items():
                done.picture_processed.seconds[step] += seconds
            done.picture_processed.seconds["refine"] += made.device_seconds
            return done
        finally:
            for path in left:
                path.unlink(missing_ok=True)

    async def _redrawn(self, path: str, wish: link_pb2.RefineWork) -> link_pb2.CandidateReady:
        """Raises what a device's work raises, and ContentLost where the order gave no picture."""
        model = await asyncio.to_thread(self._registry.verify, wish.model)
        inspect = link_pb2.Task(inspect_pictures=link_pb2.InspectPictures(paths=[path]))
        (seen,) = (await self._run_task(inspect)).pictures_inspected.pictures
        if seen.HasField("failure"):
            raise from_failure(seen.failure.reason, seen.failure.message, seen.failure.remedy)
        width, height = canvas((seen.width, seen.height), model)
        order = link_pb2.RunJob(
            source_path=path,
            steps=model.default_steps,
            # Without words there is nothing to be guided by: the model only redraws what it sees.
            guidance_scale=1.0,
            image_guidance_scale=1.0,
            width=width,
            height=height,
            method=link_pb2.Method(strategy=IMG2IMG, strength=wish.strength),
        )
        single = self._dispatcher.single(model, (), order, (0,))
        try:
            return await _made(single)
        finally:
            self._dispatcher.singles.leave(single)


def canvas(size: tuple[int, int], model: Model) -> tuple[int, int]:
    """Width and height at which a model redraws a picture of `size`: its shape, about as large as the model's."""
    most = _BEYOND * max(model.default_width, model.default_height, _CELL)
    shrink = min(1.0, most / max(size))
    width, height = (max(_CELL, round(side * shrink / _CELL) * _CELL) for side in size)
    return width, height


async def _made(single: Single) -> link_pb2.CandidateReady:
    while True:
        await single.changed.wait()
        single.changed.clear()
        if single.made:
            return single.made.popleft()
        if single.failure is not None:
            raise from_failure(single.failure.reason, single.failure.message, single.failure.remedy)
        if single.ended:
            raise ContentLost("The model ended without a picture.", remedy="Try again, or refine without a model.")


def _task(work: link_pb2.ProcessPicture) -> link_pb2.Task:
    return link_pb2.Task(process_picture=work)
