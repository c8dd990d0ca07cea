"""Keeps the daemon reachable: a socket, endpoint file or lock that somebody deleted under it is made again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from bullpend.errors import HomeLocked
from bullpend.rpc.endpoint import Endpoint, HomeLock, read_instance, write_endpoint
from bullpend.rpc.server import Server

log = structlog.get_logger("rpc")
LOOK_SECONDS = 1.0


async def keep_reachable(server: Server, path: Path, run_folder: Path, endpoint: Endpoint, lock: HomeLock) -> None:
    """Looks every second, for ever. Whoever is connected already stays connected."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            lock.restore()
            if not server.in_place():
                log.warning("socket.lost", path=str(path))
                await server.start(path)
            if read_instance(run_folder) != endpoint.instance:
                run_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_endpoint(run_folder, endpoint)
        except (OSError, RuntimeError, HomeLocked) as error:
            # The folder may be gone for good, or the disk full; it is tried again.
            log.error("socket.not_made", error=str(error))
