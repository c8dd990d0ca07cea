"""Following what a worker does: the newest progress counts, one that was not read in time is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Protocol

from bullpen_api.worker.v1 import link_pb2

from bullpend.errors import BullpenError, FieldInvalid, ModelUnsupported, PathNotFound


class RunLongTask(Protocol):
    """Has a worker do what takes long; `follow` is told how far it is."""

    def __call__(
        self, task: link_pb2.Task, follow: Callable[[link_pb2.TaskProgress], None] | None = None
    ) -> Awaitable[link_pb2.TaskDone]:
        """Begins the task; whoever stops waiting for it stops it."""


class Following:
    """A task under way. Used on one event loop."""

    def __init__(self, run: RunLongTask, work: link_pb2.ProcessPicture) -> None:
        """Begins the work."""
        self._changed = asyncio.Event()
        self._latest = link_pb2.TaskProgress(step="waiting")
        self._changed.set()
        self._task = asyncio.ensure_future(run(link_pb2.Task(process_picture=work), self._heard))

    def stop(self) -> None:
        """Stops it, if it has not ended."""
        self._task.cancel()

    async def progress(self) -> AsyncIterator[link_pb2.TaskProgress]:
        """The newest progress, as it comes, until the task has ended, however it did."""
        while not self._task.done():
            changed = asyncio.ensure_future(self._changed.wait())
            try:
                await asyncio.wait((self._task, changed), return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
            if self._changed.is_set():
                self._changed.clear()
                yield self._latest

    def result(self) -> link_pb2.PictureProcessed:
        """What was made, after the end. Raises the worker's typed error."""
        return self._task.result().picture_processed

    def _heard(self, frame: link_pb2.TaskProgress) -> None:
        self._latest = frame
        self._changed.set()


def field_of(error: BullpenError, at: str) -> str:
    """The field of a `PostProcess` at `at` that a worker's refusal is about, by the step at which it happened; "" where
    it is about none, such as a picture that is damaged.
    """
    step = str(error.metadata.get("step", ""))
    if step == "color" and isinstance(error, (FieldInvalid, PathNotFound)):
        return f"{at}.color.lut_path"
    if step == "upscale" and isinstance(error, ModelUnsupported):
        # The model or the scale: its message says which.
        return f"{at}.upscale"
    if step in ("cutout", "upscale") and error.reason.startswith("MODEL_"):
        return f"{at}.{step}.model"
    return ""


def stop(begun: Iterable[Following]) -> None:
    """Stops all of them that have not ended."""
    for one in begun:
        one.stop()
