"""Drives a real worker process from a test, by the frames of the link."""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bullpen_api.worker.v1 import link_pb2

PATIENCE = 60.0
OUTCOME = link_pb2.JobEnded


class Worker:
    """A worker process with its link."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.heard: list[link_pb2.FromWorker] = []

    def send(self, **body: Any) -> None:
        data = link_pb2.ToWorker(**body).SerializeToString()
        self.send_bytes(struct.pack(">I", len(data)) + data)

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def hang_up(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def next(self) -> link_pb2.FromWorker:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            (length,) = struct.unpack(">I", await self.process.stdout.readexactly(4))
            frame = link_pb2.FromWorker.FromString(await self.process.stdout.readexactly(length))
        self.heard.append(frame)
        return frame

    async def until(self, body: str, **wanted: Any) -> Any:
        """The next frame of this kind whose fields have the wanted values; those before it are kept in `heard`."""
        while True:
            frame = await self.next()
            if frame.WhichOneof("body") == body:
                found = getattr(frame, body)
                if all(getattr(found, name) == value for name, value in wanted.items()):
                    return found

    async def exit_status(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def worker(environment: Mapping[str, str] | None = None, **configure: Any) -> AsyncIterator[Worker]:
    """A started worker; without arguments it has not been configured yet."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bullpen_worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | dict(environment or {}),
    )
    started = Worker(process)
    try:
        if configure:
            started.send(configure=link_pb2.Configure(**configure))
            await started.until("ready")
        yield started
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        # The transports close with their pipes, not with the process.
        started.hang_up()
        process._transport.close()  # type: ignore[attr-defined]  # asyncio offers no public way


def scripted() -> dict[str, Any]:
    return {"role": link_pb2.Configure.ROLE_DEVICE, "engine": "scripted", "device": "scripted"}


def post() -> dict[str, Any]:
    return {"role": link_pb2.Configure.ROLE_POST, "max_pixels": 1_000_000}


def job(out: Path, prompt: str, name: str = "job", seeds: tuple[int, ...] = (1,), **fields: Any) -> link_pb2.RunJob:
    values: dict[str, Any] = {
        "job": name,
        "attempt": 1,
        "model": link_pb2.ModelRef(name="models/scripted", family="scripted"),
        "prompt": prompt,
        "steps": 4,
        "guidance_scale": 2.0,
        "image_guidance_scale": 1.5,
        "out_folder": str(out),
        "candidates": [link_pb2.CandidateTask(name=f"{name}/{number}", seed=seed) for number, seed in enumerate(seeds)],
    }
    return link_pb2.RunJob(**(values | fields))
