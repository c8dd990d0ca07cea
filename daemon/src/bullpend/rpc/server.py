"""Builds the grpc.aio server: limits, health, reflection, and the socket."""

from __future__ import annotations

import os
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_NAME
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]  # missing in the stubs
from grpc_reflection.v1alpha import reflection

from bullpend.rpc.interceptor import Guard
from bullpend.rpc.mounting import Mount

MAX_MESSAGE = 4 * 1024 * 1024
OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", 16 * MAX_MESSAGE),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
]


class Server:
    """The daemon's gRPC server on one Unix socket. Where the socket is taken away, `start` makes a new one."""

    def __init__(self, guard: Guard, mounts: list[Mount]) -> None:
        self._guard = guard
        self._mounts = mounts
        # The last one serves; those before it still hold the connections of a socket that was taken away.
        self._listeners: list[_Listener] = []
        self._path: Path | None = None
        self._inode = -1

    async def start(self, path: Path) -> str:
        """Binds and serves; returns the address. The caller holds the lock of the home."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        listener = _Listener(self._guard, self._mounts)
        await listener.start(path)
        self._listeners.append(listener)
        self._path, self._inode = path, _inode(path)
        return f"unix:{path}"

    def in_place(self) -> bool:
        """False where the socket was deleted or replaced under the daemon: nobody new would reach it."""
        return self._path is not None and _inode(self._path) == self._inode

    async def stop(self, grace: float) -> None:
        """Refuses new calls, lets running ones end within `grace` seconds, then cuts them."""
        self._guard.closing = True
        for listener in self._listeners:
            await listener.leave()
        for listener in self._listeners:
            await listener.stop(grace)


class _Listener:
    """One grpc.aio server, which can be bound once."""

    def __init__(self, guard: Guard, mounts: list[Mount]) -> None:
        self._server = grpc.aio.server(interceptors=[guard], options=OPTIONS)
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._names = [reflection.SERVICE_NAME, HEALTH_NAME]
        for add, servicer, name in mounts:
            add(servicer, self._server)
            self._names.append(name)
        reflection.enable_server_reflection(self._names, self._server)

    async def start(self, path: Path) -> None:
        before = os.umask(0o177)
        try:
            self._server.add_insecure_port(f"unix:{path}")
            await self._server.start()
        finally:
            os.umask(before)
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def leave(self) -> None:
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace: float) -> None:
        await self._server.stop(grace)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return -1
