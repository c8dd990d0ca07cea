"""A gRPC server that does nothing else: one call that answers what it was asked, one stream of stamped messages.

The measure of what the wire itself takes, in a process of its own as the daemon is, with the same event loop. Run as a
program: arguments are the socket's path and a folder for the rows that its stream commits.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import apsw
import grpc
import grpc.aio
import uvloop
from bullpen_api.v1 import event_pb2
from bullpen_client.channel import OPTIONS

SERVICE = "bench.Bare"
READY_SECONDS = 20.0
# About what the event of a candidate takes, and how many of them a job makes at once.
PAYLOAD, BURST = "x" * 500, 5


async def _echo(request: bytes, context: Any) -> bytes:
    return request


def _stream(folder: Path) -> Any:
    """Bursts of messages as a job makes them; each burst is one durable commit, where that is asked for."""
    writer = ThreadPoolExecutor(1)
    connection = apsw.Connection(str(folder / "bare.sqlite3"))
    for sql in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE t (time REAL, payload TEXT)"):
        connection.execute(sql).fetchall()

    def commit() -> None:
        rows = [(time.time(), PAYLOAD)] * BURST
        with connection:
            connection.executemany("INSERT INTO t VALUES (?, ?)", rows).fetchall()

    async def stream(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        asked = json.loads(request)
        for _ in range(asked["bursts"]):
            now = time.time()
            if asked["durable"]:
                await asyncio.get_running_loop().run_in_executor(writer, commit)
            for _ in range(BURST):
                message = event_pb2.WatchResponse(event=event_pb2.Event(subject=PAYLOAD, revision=int(now * 1e6)))
                await context.write(message.SerializeToString())
            await asyncio.sleep(asked["pause"])

    return stream


async def _serve(path: str, folder: Path) -> None:
    server = grpc.aio.server()
    handlers = {
        "Echo": grpc.unary_unary_rpc_method_handler(_echo),
        "Stream": grpc.unary_stream_rpc_method_handler(_stream(folder)),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.wait_for_termination()


class Bare:
    """The server and a channel to it. Use it as `async with`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        path = self._folder / "bare.sock"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.bench.bare_grpc", str(path), str(self._folder)),
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[2],
            env=dict(os.environ),
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(READY_SECONDS):
            await self._process.stdout.readline()
        self._channel = grpc.aio.insecure_channel(f"unix:{path}", options=OPTIONS)
        self._echo = self._channel.unary_unary(f"/{SERVICE}/Echo", None, None)
        self._stream = self._channel.unary_stream(f"/{SERVICE}/Stream", None, None)
        await self.echo(b"")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close(None)
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def echo(self, message: bytes) -> float:
        """Seconds of one call that answers what it was asked."""
        began = time.perf_counter()
        await self._echo(message)
        return time.perf_counter() - began

    async def latencies(self, bursts: int, pause: float, *, durable: bool) -> list[float]:
        """Seconds of each message from its stamp, before its commit where that is `durable`, to its arrival."""
        asked = json.dumps({"bursts": bursts, "pause": pause, "durable": durable}).encode()
        seen = []
        async for data in self._stream(asked):
            message = event_pb2.WatchResponse.FromString(data)
            seen.append(time.time() - message.event.revision / 1e6)
        return seen


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(sys.argv[1], Path(sys.argv[2])))
