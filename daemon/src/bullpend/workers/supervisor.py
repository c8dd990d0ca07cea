"""Owns all worker processes: one per device, and the pool of post workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType

from bullpen_api.worker.v1 import link_pb2

from bullpend.workers.model import DeviceInfo, Lost, WorkerSettings, WorkerStatus

# Called on the event loop, in order, with the device's name and a frame or its worker's end. It must not block.
Heard = Callable[[str, link_pb2.FromWorker | Lost], None]


class Supervisor:
    """Starts, speaks to, watches and ends workers. Use it as an async context; all its calls belong on its loop."""

    def __init__(self, settings: WorkerSettings, devices: Iterable[DeviceInfo], heard: Heard) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Supervisor:
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start_device(self, device: str) -> None:
        """Starts the device's worker and returns when its process exists. `heard` is told Ready, or Lost where it
        cannot be started or dies.
        """
        raise NotImplementedError

    def send(self, device: str, frame: link_pb2.ToWorker) -> bool:
        """Hands a frame to a device's worker without waiting. False where there is none: Lost was or will be heard."""
        raise NotImplementedError

    def kill(self, device: str, reason: str) -> None:
        """Kills a device's worker at once; Lost follows with the reason. Nothing happens where there is none."""
        raise NotImplementedError

    def status(self, device: str) -> WorkerStatus | None:
        """The device's worker as it is now; None where it has none."""
        raise NotImplementedError

    def posts(self) -> list[WorkerStatus]:
        """The post workers as they are now."""
        raise NotImplementedError

    async def start_posts(self) -> None:
        """Starts the post workers now instead of with the first task, and waits until one is ready."""
        raise NotImplementedError

    async def run_task(self, task: link_pb2.Task) -> link_pb2.TaskDone:
        """Has a post worker do a task; its `id` is set here. Raises the worker's typed error, WorkerLost where two
        workers died over it, ShuttingDown after close.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Ends every worker within two seconds; waiting tasks get ShuttingDown. A second call does nothing."""
        raise NotImplementedError
