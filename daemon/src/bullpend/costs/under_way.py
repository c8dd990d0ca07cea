"""Seconds that devices spend on pictures which are not ready, noted while they go on, for a daemon that dies.

Whoever is killed books nothing any more. So what is under way is written to a small file while it lasts, and the next
daemon books what it finds there: up to the last note, which was `SECONDS` old at most, or later than that on a machine
that had no time for it. The file is not synced; it outlives a process, and after a loss of power it may be missing.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from bullpend.clock import new_id
from bullpend.costs import local, store
from bullpend.costs.model import CostEvent
from bullpend.db import Database, Tx
from bullpend.dispatch.spent import InVain

log = structlog.get_logger("costs")
FILE = "under-way.json"
SECONDS = 1.0
WHY = "The daemon ended in the midst of it; the seconds are those of its last note."


class UnderWay:
    """The file of one daemon, in its folder `run`. `begun` says what is under way now; it is asked on the loop."""

    def __init__(self, database: Database, run: Path, begun: Callable[[], Sequence[InVain]]) -> None:
        self._database = database
        self._path = run / FILE
        self._begun = begun
        # Names of the lab's orders begin anew with each daemon.
        self._daemon = new_id()
        self._noted = False
        self._task: asyncio.Task[None] | None = None

    async def book(self) -> int:
        """Books what the daemon before had under way; returns how many lines that made. Called before anything else
        changes the jobs that it left.
        """
        daemon, left = await asyncio.to_thread(self._read)
        if left:
            lines = await self._database.write(lambda tx: sum(_book(tx, daemon, one) for one in left))
            log.info("costs.cut_off", pictures=lines)
        else:
            lines = 0
        await asyncio.to_thread(self._path.unlink, missing_ok=True)
        return lines

    def start(self) -> None:
        """Takes notes until `close`."""
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Takes the last note: of what an orderly stop has cut off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._note()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            await self._note()

    async def _note(self) -> None:
        begun = self._begun()
        if begun or self._noted:
            try:
                await asyncio.to_thread(self._write, begun)
                self._noted = bool(begun)
            except OSError as error:
                log.warning("costs.not_noted", error=error.strerror)

    def _write(self, begun: Sequence[InVain]) -> None:
        """A reader finds the note before or this one, never half of it."""
        if not begun:
            self._path.unlink(missing_ok=True)
            return
        draft = self._path.with_suffix(".tmp")
        text = json.dumps({"daemon": self._daemon, "pictures": [asdict(one) for one in begun]})
        draft.write_text(text, encoding="utf-8")
        draft.replace(self._path)

    def _read(self) -> tuple[str, list[InVain]]:
        """Which daemon left what; nothing where there is no note, or none that can be read."""
        try:
            said = json.loads(self._path.read_text(encoding="utf-8"))
            return str(said["daemon"]), [_picture(one) for one in said["pictures"]]
        except FileNotFoundError:
            return "", []
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("costs.note_unreadable", path=str(self._path), error=type(error).__name__)
            return "", []


def _picture(said: Any) -> InVain:
    """A picture of a note. Raises ValueError, KeyError or TypeError where it is none."""
    seconds = float(said["seconds"])
    if not 0 <= seconds < math.inf:
        raise ValueError("no duration")
    candidate, device = str(said["candidate"]), str(said["device"])
    return InVain(str(said["job"]), int(said["attempt"]), candidate, device, seconds, str(said["model"]))


def _book(tx: Tx, daemon: str, begun: InVain) -> bool:
    """One line; False where the picture was made, or the attempt is booked already."""
    if not begun.model:
        return local.cut_off(tx, begun.job, begun.attempt, begun.candidate, begun.device, begun.seconds, WHY)
    return store.record(
        tx,
        CostEvent(
            key=f"lab/{daemon}/{begun.candidate}/{begun.attempt}",
            provider="local",
            operation="generate",
            model=begun.model,
            device=begun.device,
            device_seconds=begun.seconds,
            note=f"It brought no picture. {WHY}",
        ),
    )
