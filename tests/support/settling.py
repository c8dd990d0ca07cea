"""When a studio under test stands still, told by what is left to do and not by how fast the machine does it.

Textual's pilot takes a process for idle that used little processor time while the clock went on. On a busy machine
that is every process which waits for its turn: the keys go on before their effect is there. Here a process is idle
when nothing on its loop is ready, no other thread of it is running or wants to run, and so it stays for a moment.
"""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

MOMENT = 1 / 50
"""How long it has to stand still, in seconds; longer than the pause between two paintings of a screen."""
BUSY = MOMENT / 20
"""Processor seconds in a moment from which on something is still being done."""
MOST = 1.0
"""Processor seconds after which a screen that never stands still, as one with a moving picture, is taken as it is."""
_FEW = 5


async def settled(min_sleep: float = MOMENT, max_sleep: float = MOST) -> None:
    """Waits until nothing is left to do; takes the place of `textual.pilot.wait_for_idle`."""
    began, worked = time.monotonic(), time.process_time()
    while True:
        before = time.process_time()
        await asyncio.sleep(MOMENT)
        while not await _nothing_ready() and time.process_time() - worked < max_sleep:
            pass
        spent = time.process_time() - before
        if time.process_time() - worked >= max_sleep:
            return
        if spent < BUSY and not _working() and time.monotonic() - began > min_sleep:
            return


async def _nothing_ready() -> bool:
    """Whether other tasks left the loop alone for some turns."""
    loop = asyncio.get_running_loop()
    ready = getattr(loop, "_ready", ())  # a loop that does not show it is believed
    for _ in range(_FEW):
        await asyncio.sleep(0)
        if ready:
            return False
    return True


def _working() -> bool:
    """Whether another thread of this process is at work."""
    return at_work("self", threading.get_native_id())


def at_work(process: int | str, but: int = 0) -> bool:
    """Whether a thread of a process, `but` one, runs, waits for its turn or for a disk, or was stopped; proc(5).

    False where the system does not tell.
    """
    try:
        tasks = [task for task in Path(f"/proc/{process}/task").iterdir() if int(task.name) != but]
    except OSError:
        return False
    return any(_state(task) in {"R", "D", "T"} for task in tasks)


def _state(task: Path) -> str:
    try:
        return (task / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""  # it has ended
