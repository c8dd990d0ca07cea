"""A supervisor over fake workers, and a way to wait for what is heard."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2
from bullpend.workers.model import DeviceInfo, Lost, WorkerSettings
from bullpend.workers.supervisor import Supervisor

FAKE = Path(__file__).parent.parent / "support" / "fake_worker.py"
CPU = DeviceInfo("devices/cpu", "cpu", "cpu", "a pretence", "torch", "for tests")
CUDA = DeviceInfo("devices/cuda-0", "cuda", "cuda:0", "a pretence", "torch", "for tests")
PATIENCE = 60.0


def settings(behaviour: str, **changes: object) -> WorkerSettings:
    numbers: dict[str, object] = {"heartbeat_seconds": 0.05, "hung_seconds": 10.0, "post_workers": 1}
    numbers["command"] = (sys.executable, str(FAKE), behaviour)
    return WorkerSettings(**(numbers | changes))  # type: ignore[arg-type]


class Heard:
    """Records what a supervisor tells and lets a test wait for it."""

    def __init__(self) -> None:
        self.all: list[tuple[str, link_pb2.FromWorker | Lost]] = []
        self._news = asyncio.Event()

    def __call__(self, device: str, frame: link_pb2.FromWorker | Lost) -> None:
        self.all.append((device, frame))
        self._news.set()

    async def until(self, wanted: Callable[[link_pb2.FromWorker | Lost], bool]) -> link_pb2.FromWorker | Lost:
        """The first thing heard that is wanted."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self._news.clear()
                for _, frame in self.all:
                    if wanted(frame):
                        return frame
                await self._news.wait()

    async def body(self, name: str) -> link_pb2.FromWorker:
        """The first frame with this body."""
        frame = await self.until(lambda f: not isinstance(f, Lost) and f.WhichOneof("body") == name)
        assert not isinstance(frame, Lost)
        return frame

    async def beats(self, count: int) -> None:
        """Waits for so many further heartbeats."""
        self.all.clear()

        def enough(_: link_pb2.FromWorker | Lost) -> bool:
            beats = [f for _, f in self.all if not isinstance(f, Lost) and f.HasField("heartbeat")]
            return len(beats) >= count

        await self.until(enough)

    async def lost(self) -> str:
        """Why the first worker was lost."""
        frame = await self.until(lambda f: isinstance(f, Lost))
        assert isinstance(frame, Lost)
        return frame.reason


@asynccontextmanager
async def supervised(behaviour: str, **changes: object) -> AsyncIterator[tuple[Supervisor, Heard]]:
    heard = Heard()
    async with Supervisor(settings(behaviour, **changes), [CUDA, CPU], heard) as supervisor:
        yield supervisor, heard


def sheet(title: str) -> link_pb2.Task:
    return link_pb2.Task(contact_sheet=link_pb2.ContactSheet(title=title))


def run_job(job: str, prompt: str = "", attempt: int = 1) -> link_pb2.ToWorker:
    model = link_pb2.ModelRef(name="models/x")
    return link_pb2.ToWorker(run_job=link_pb2.RunJob(job=job, attempt=attempt, model=model, prompt=prompt))
