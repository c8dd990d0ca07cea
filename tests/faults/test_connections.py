"""Connections that say nothing, or nonsense, and stay: they cost the daemon a file each, and nobody else anything."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from bullpen_api.v1 import run_pb2, system_pb2
from bullpen_client import Session

from tests.support.daemon import Daemon
from tests.support.studio import PATIENCE, Studio

pytestmark = pytest.mark.faults

FEW, IDLE = 128, 400
# The beginning of HTTP/2, and then no frame.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Poor(Daemon):
    """A daemon that is started with few open files allowed, as some systems do, but not kept from having more."""

    @property
    def command(self) -> list[str]:
        """The command line, below a shell that sets the limit."""
        return ["sh", "-c", f'ulimit -Sn {FEW}; exec "$@"', "sh", *super().command]


async def test_idle_and_raw_connections_leave_others_served(tmp_path: Path) -> None:
    """Hundreds of connections stay open, some after garbage, on a system that allows a hundred files at first: new
    clients are served and a run is made; what hung up is forgotten.
    """
    with Poor(tmp_path / "home") as daemon, ExitStack() as stack:
        path = daemon.endpoint.address.removeprefix("unix:")
        for number in range(IDLE):
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.connect(path)
            if number % 4 == 0:
                connection.sendall((PREFACE if number % 8 else b"") + b"\xff" * 600)
        async with Session(daemon.home) as session:
            run = await Studio(session, tmp_path).run(await Studio(session, tmp_path).universe(1))
            assert run.state == run_pb2.Run.STATE_SUCCEEDED
            held = (await session.system.GetMetrics(system_pb2.GetMetricsRequest())).daemon_descriptors
            assert held > FEW
            stack.close()
            async with asyncio.timeout(PATIENCE):
                while (await session.system.GetMetrics(system_pb2.GetMetricsRequest())).daemon_descriptors > FEW:
                    pass
    assert "Traceback" not in daemon.said.decode()
