"""Owns all worker processes: one per device, and the pool of post workers.

Use it on the loop of the main thread: a worker asks the system to be killed when the thread that started it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import TracebackType

from bullpen_api.worker.v1 import link_pb2

from bullpend.workers import language
from bullpend.workers.model import DeviceInfo, InProcess, Lost, WorkerSettings, WorkerState, WorkerStatus
from bullpend.workers.pool import Follow, PostPool
from bullpend.workers.process import WorkerProcess

# Called on the event loop, in order, with the device's name and a frame or its worker's end. It must not block.
Heard = Callable[[str, link_pb2.FromWorker | Lost], None]

# Seconds that workers have to leave by themselves on close, and then to be gone after they were killed.
_QUIT_SECONDS = 0.6
_KILLED_SECONDS = 1.2
# A large picture through a large upscaler on a slow processor.
_LONG_TASK_SECONDS = 3600.0


class Supervisor:
    """Starts, speaks to, watches and ends workers. Use it as an async context; all its calls belong on its loop.

    `heard` gets Ready, every other frame but log lines, and Lost exactly once per worker as its last word; nothing
    more once `close` was called, so that an orderly stop is not taken for a loss.
    """

    def __init__(self, settings: WorkerSettings, devices: Iterable[DeviceInfo], heard: Heard) -> None:
        self._settings = settings
        self._devices = {device.name: device for device in devices}
        self._heard = heard
        self._workers: dict[str, WorkerProcess] = {}
        # Devices that need no process of their own.
        self._hosted: dict[str, InProcess] = {}
        self._pool: PostPool | None = None
        self._lab: PostPool | None = None
        # Starts of post workers that are under way; they never raise, close waits for them.
        self._starts: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Supervisor:
        configure = self._configure(link_pb2.Configure.ROLE_POST)
        self._pool = PostPool(self._settings, configure, self._spawn)
        # A process of its own, one task after the other: pictures of runs never wait for an upscaler, and a network
        # that takes a process along takes nobody's picture with it.
        alone = replace(self._settings, post_workers=1, tasks_in_flight=1, task_seconds=_LONG_TASK_SECONDS)
        self._lab = PostPool(alone, configure, self._spawn, title="lab")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ---- device workers ---------------------------------------------------------------------------------------------

    def host(self, device: str, worker: InProcess) -> None:
        """From now on this device's frames go to something in this process."""
        self._hosted[device] = worker

    async def start_device(self, device: str) -> None:
        """Starts the device's worker and returns when its process exists. `heard` is told Ready, or Lost where it
        cannot be started or dies. Nothing happens where one lives. Raises KeyError for an unknown device.
        """
        if (hosted := self._hosted.get(device)) is not None:
            hosted.start(device)
            return
        info = self._devices[device]
        if self._closed or device in self._workers:
            return
        configure = self._configure(link_pb2.Configure.ROLE_DEVICE, engine=info.engine, address=info.address)
        settings = self._settings
        if info.engine == language.ENGINE:
            settings = replace(settings, stalled_seconds=settings.speechless_seconds)
        process = WorkerProcess(
            device.removeprefix("devices/"), settings, configure, lambda _, frame: self._on_device(device, frame)
        )
        self._workers[device] = process
        await process.start()

    def send(self, device: str, frame: link_pb2.ToWorker) -> bool:
        """Hands a frame to a device's worker without waiting. False where there is none: Lost was or will be heard."""
        if (hosted := self._hosted.get(device)) is not None:
            return hosted.send(device, frame)
        process = self._workers.get(device)
        return process is not None and process.send(frame)

    def kill(self, device: str, reason: str) -> None:
        """Kills a device's worker at once; Lost follows with the reason. Nothing happens where there is none."""
        if (hosted := self._hosted.get(device)) is not None:
            hosted.kill(device, reason)
            return
        process = self._workers.get(device)
        if process is not None:
            process.kill(reason)

    def status(self, device: str) -> WorkerStatus | None:
        """The device's worker as it is now; None where it has none."""
        process = self._workers.get(device)
        return None if process is None else process.status()

    # ---- post workers -----------------------------------------------------------------------------------------------

    def posts(self) -> list[WorkerStatus]:
        """The post workers as they are now."""
        return self._entered().statuses()

    async def start_posts(self) -> None:
        """Starts the post workers now instead of with the first task, and waits until one is ready."""
        await self._entered().start()

    async def run_task(self, task: link_pb2.Task) -> link_pb2.TaskDone:
        """Has a post worker do a task; its `id` is set here. Raises the worker's typed error, WorkerLost where two
        workers died over it, ShuttingDown after close.
        """
        return await self._entered().run(task)

    async def run_long_task(self, task: link_pb2.Task, follow: Follow | None = None) -> link_pb2.TaskDone:
        """Like `run_task`, for what takes long: on a worker apart; whoever stops waiting for it stops it."""
        assert self._lab is not None, "use the supervisor as an async context"
        return await self._lab.run(task, follow)

    # ---- end --------------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Ends every worker within two seconds; waiting tasks get ShuttingDown. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        pools = [pool for pool in (self._entered(), self._lab) if pool is not None]
        for pool in pools:
            pool.close()
        alive = [*self._workers.values(), *(process for pool in pools for process in pool.processes())]
        for process in alive:
            process.quit()
        await self._gone(alive, self._starts, _QUIT_SECONDS)
        for process in alive:
            process.kill("did not quit")
        await self._gone(alive, self._starts, _KILLED_SECONDS)

    # ---- inside -----------------------------------------------------------------------------------------------------

    @staticmethod
    async def _gone(processes: list[WorkerProcess], starts: set[asyncio.Task[None]], seconds: float) -> None:
        living = [process for process in processes if process.state is not WorkerState.DEAD]
        try:
            async with asyncio.timeout(seconds):
                for start in list(starts):
                    await start
                for process in living:
                    await process.gone()
        except TimeoutError:
            return

    def _entered(self) -> PostPool:
        assert self._pool is not None, "use the supervisor as an async context"
        return self._pool

    def _spawn(self, process: WorkerProcess) -> None:
        task = asyncio.get_running_loop().create_task(process.start(), name=f"start {process.name}")
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)

    def _on_device(self, device: str, frame: link_pb2.FromWorker | Lost) -> None:
        if isinstance(frame, Lost):
            del self._workers[device]
        if not self._closed:
            self._heard(device, frame)

    def _configure(
        self, role: link_pb2.Configure.Role.ValueType, *, engine: str = "", address: str = ""
    ) -> link_pb2.Configure:
        return link_pb2.Configure(
            role=role,
            engine=engine,
            device=address,
            threads=self._settings.threads,
            heartbeat_seconds=self._settings.heartbeat_seconds,
            max_pixels=self._settings.max_pixels,
            memory_limit_bytes=self._settings.memory_limit_bytes,
            gpu_layers=self._settings.gpu_layers,
            context_tokens=self._settings.context_tokens,
        )
