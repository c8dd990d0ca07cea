"""Workers go when the daemon goes, however it goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.support.daemon import survivors
from tests.workers.scene import FAKE

SECONDS = 30.0

_DAEMON = """
import asyncio, sys
from bullpend.workers.model import DeviceInfo, WorkerSettings
from bullpend.workers.supervisor import Supervisor

async def main():
    devices = [DeviceInfo(f"devices/cuda-{n}", "cuda", f"cuda:{n}", "", "torch", "") for n in range(3)]
    settings = WorkerSettings(command=(sys.executable, sys.argv[1], "good"), heartbeat_seconds=60)
    ready = asyncio.Queue()
    async with Supervisor(settings, devices, lambda device, frame: ready.put_nowait(frame)) as supervisor:
        for device in devices:
            await supervisor.start_device(device.name)
        await supervisor.start_posts()
        pids = [(await ready.get()).ready.pid for _ in devices] + [post.pid for post in supervisor.posts()]
        print(*pids, flush=True)
        await asyncio.Event().wait()

if sys.argv[2] == "uvloop":
    import uvloop
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
else:
    asyncio.run(main())
"""


@pytest.mark.faults
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_no_worker_outlives_a_killed_daemon(loop: str) -> None:
    """A daemon killed with SIGKILL leaves no worker: no worker holds another's pipe, so each sees its input end.

    The fake worker asks the system for no signal: only the end of its input can stop it, and its heartbeat is too
    rare to notice that nobody reads. How soon they are gone is for the bench to say.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _DAEMON, str(FAKE), loop], stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout is not None
        workers = [psutil.Process(int(pid)) for pid in daemon.stdout.readline().split()]
        assert len(workers) >= 4
        os.kill(daemon.pid, signal.SIGKILL)
        assert survivors(workers, SECONDS) == []
