"""The daemon's life: has the rooms put together (`assembly`), serves, and takes them apart in order.

lock → database (migrations) → workers → dispatcher (recovery) → services → socket → endpoint.json
signal → refuse calls → drain → workers gone → database closed → endpoint.json and lock given back
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from bullpend import __version__, redaction
from bullpend.assembly import ground, services, works
from bullpend.audit.service import Notes
from bullpend.clock import SystemClock, new_id
from bullpend.failpoints import arm
from bullpend.logs.kept import KeptLog
from bullpend.rpc.endpoint import Endpoint, HomeLock, notify_ready, remove_endpoint, socket_path, write_endpoint
from bullpend.rpc.interceptor import Guard
from bullpend.rpc.keeping import keep_reachable
from bullpend.rpc.server import Server
from bullpend.settings import Settings
from bullpend.system.service import Identity

log = structlog.get_logger("daemon")

DRAIN_SECONDS = 10.0
GRACE_SECONDS = 1.0


@dataclass
class Stop:
    """Why and how the daemon is to end."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    now: bool = False

    def ask(self, now: bool) -> None:
        """Ends the daemon; a second, impatient call shortens the first."""
        self.now = self.now or now or self.asked.is_set()
        self.asked.set()


async def serve(settings: Settings, kept_log: KeptLog) -> None:
    """Serves until a signal or a Shutdown call. Raises HomeLocked, SchemaTooNew, DatabaseUnavailable, DiskFull,
    SettingInvalid or DeviceUnavailable before it serves.
    """
    arm(settings.testing.failpoint)
    home, stop = settings.home, Stop()
    clock = SystemClock()
    identity = Identity(new_id(), os.getpid(), clock.now(), clock.monotonic())
    async with AsyncExitStack() as stack:
        lock = HomeLock(home.run)
        lock.acquire()
        stack.callback(lock.release)
        sweep(home.tmp, *home.projects.glob("*/assets/.tmp"))
        base = await ground.lay(settings, stack)
        at_work = await works.start(base, stack, lambda: stop.now)
        served = await services.assemble(base, at_work, stack, identity, kept_log, stop.ask)
        token = secrets.token_urlsafe(32)
        redaction.remember(token, "token of this daemon")
        server = Server(Guard(token, Notes(base.database)), served.mounts)
        path = socket_path(home.root)
        await served.copilot.start(served.mounts)
        stack.push_async_callback(served.copilot.close)
        address = await server.start(path)
        endpoint = Endpoint(address, token, identity.pid, __version__, identity.instance)
        write_endpoint(home.run, endpoint)
        stack.callback(remove_endpoint, home.run, identity.instance)
        keeping = asyncio.create_task(keep_reachable(server, path, home.run, endpoint, lock))
        stack.callback(keeping.cancel)
        listen(stop)
        notify_ready()
        devices = [device.name for device in base.machine.chosen]
        log.info("daemon.serving", address=address, recovered=at_work.recovered, devices=devices)
        await stop.asked.wait()
        log.info("daemon.stopping", now=stop.now)
        await served.close()
        keeping.cancel()
        await server.stop(GRACE_SECONDS)
        path.unlink(missing_ok=True)
        await at_work.dispatcher.drain(0.0 if stop.now else DRAIN_SECONDS)
    log.info("daemon.stopped")


def sweep(*folders: Path) -> None:
    """Removes what an earlier daemon left unfinished."""
    for folder in folders:
        for path in folder.iterdir():
            with suppress(OSError):
                path.unlink()


def listen(stop: Stop) -> None:
    """SIGTERM and SIGINT end the daemon; a second one ends it at once."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":  # not run in the tests of this project
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(stop.ask, False))
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.ask, False)
