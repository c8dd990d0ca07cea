"""Puts down what is done outside of runs: pictures of the lab, and steps of post-process.

Nothing of the lab is durable but this line. A line that cannot be written is in the log: the picture is there, and
nobody is to lose it for its bookkeeping.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog
from bullpen_api.worker.v1 import link_pb2

from bullpend.clock import Clock, new_id
from bullpend.costs import store
from bullpend.costs.model import CostEvent
from bullpend.db import Database
from bullpend.dispatch.spent import InVain
from bullpend.errors import BullpenError
from bullpend.postprocess.following import RunLongTask

log = structlog.get_logger("costs")
Follow = Callable[[link_pb2.TaskProgress], None]
STEPS = ("cutout", "refine", "upscale", "color")
# Where post workers compute.
DEVICE = "devices/post"
PROVIDER = "devices/remote"


class Single(Protocol):
    """A picture of the lab: the model and the device that make it."""

    model: str
    device: str


class Metering:
    """Writes lines. `projects` is the folder of the projects' folders. Used on one event loop."""

    def __init__(self, database: Database, projects: Path, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._projects = projects
        self._writing: set[asyncio.Task[None]] = set()

    def single(self, single: Single, frame: link_pb2.CandidateReady) -> None:
        """A picture of the lab was made. One of a provider has its own line."""
        if single.device.startswith(PROVIDER):
            return
        self._put("lab", "generate", single.model, single.device, frame.device_seconds)

    def spent(self, single: Single, spent: InVain, why: str) -> None:
        """A picture of the lab was begun and not made."""
        self._put("lab", "generate", single.model, spent.device, spent.seconds, why=why)

    def long_tasks(self, run: RunLongTask) -> RunLongTask:
        """The same way to have long tasks done, with a line for each step of post-process."""

        async def metered(task: link_pb2.Task, follow: Follow | None = None) -> link_pb2.TaskDone:
            begun: list[float] = []

            def heard(frame: link_pb2.TaskProgress) -> None:
                # What it waited for a worker before is nobody's time.
                if not begun:
                    begun.append(self._clock.monotonic())
                if follow is not None:
                    follow(frame)

            try:
                done = await run(task, heard)
            except (BullpenError, asyncio.CancelledError) as error:
                if task.HasField("process_picture") and begun:
                    self._failed(task.process_picture, self._clock.monotonic() - begun[0], error)
                raise
            if task.HasField("process_picture"):
                self._processed(task.process_picture, done.picture_processed)
            return done

        return metered

    async def close(self) -> None:
        """Waits for what is being written."""
        await asyncio.gather(*self._writing)

    def _failed(self, work: link_pb2.ProcessPicture, seconds: float, error: BaseException) -> None:
        """A step of post-process failed, or was stopped."""
        asked = [step for step in STEPS if work.HasField(step)]  # type: ignore[arg-type]  # the stubs list names one by one
        failed = error.metadata.get("step", "") if isinstance(error, BullpenError) else ""
        step = failed if failed in asked else next(iter(asked), "cutout")
        why = f"It failed: {error.reason}." if isinstance(error, BullpenError) else "It was stopped."
        project = self._project(Path(work.path))
        self._put("post", step, _model(getattr(work, step)), DEVICE, seconds, project, why)

    def _processed(self, work: link_pb2.ProcessPicture, done: link_pb2.PictureProcessed) -> None:
        project = self._project(Path(work.path))
        for step in STEPS:
            # What a provider made is in its own line; putting its answer in place takes next to nothing.
            paid = step == "cutout" and work.cutout.HasField("answer_path")
            if step in done.seconds and not paid:
                self._put("post", step, _model(getattr(work, step)), DEVICE, done.seconds[step], project)

    def _project(self, path: Path) -> str:
        """The project in whose folder a picture lies; empty for a person's own."""
        return path.relative_to(self._projects).parts[0] if path.is_relative_to(self._projects) else ""

    def _put(
        self, room: str, operation: str, model: str, device: str, seconds: float, project: str = "", why: str = ""
    ) -> None:
        """A line of one picture that was made; with `why`, of one that was not."""
        event = CostEvent(
            key=f"{room}/{new_id()}",
            provider="local",
            operation=operation,
            project=project,
            model=model,
            device=device,
            device_seconds=max(0.0, seconds),
            units={} if why else {"images": 1},
            note=f"It brought no picture. {why}" if why else "",
        )
        task = asyncio.create_task(self._write(event))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, event: CostEvent) -> None:
        try:
            await self._database.write(lambda tx: store.record(tx, event))
        except BullpenError as error:
            log.error("costs.line_lost", key=event.key, operation=event.operation, reason=error.reason)


def _model(work: object) -> str:
    """The model that a step uses; empty where it needs none."""
    tool = getattr(work, "tool", None)
    model = getattr(tool, "model", None) or getattr(work, "model", None)
    return str(getattr(model, "name", ""))
