"""`bullpen doctor --repair` and `--rebuild`: having the daemon mend its store, and giving it a new database."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bullpen_api.v1 import system_pb2
from bullpen_client import lock
from bullpen_client.errors import StateConflict

from bullpen_cli import output
from bullpen_cli.command import State
from bullpen_cli.failure import FAILED, OK

if TYPE_CHECKING:
    from bullpen_client import Session

DATABASE = "bullpen.sqlite3"
# Repairs of one kind that are told one by one.
SHOWN = 5


def run(state: State, *, dry_run: bool) -> int:
    """Repairs, says what was done, and gives the exit status: 1 where something could not be mended."""

    async def body(session: Session) -> list[system_pb2.Repair]:
        return list((await session.system.Repair(system_pb2.RepairRequest(dry_run=dry_run))).repairs)

    found = state.with_session(body)
    left = [repair for repair in found if not repair.done]
    if state.json:
        output.emit({"repairs": [output.as_dict(repair) for repair in found]})
        return FAILED if left and not dry_run else OK
    for alike in crowds(found):
        for repair in alike[:SHOWN]:
            output.say(f"{'✓' if repair.done else '⚑'} {repair.kind:<10} {repair.subject}", wrap=13)
            output.say(f"    {repair.message}", wrap=4)
        if len(alike) > SHOWN:
            output.say(f"  … and {len(alike) - SHOWN} more that were {alike[0].kind}; --json has them all", style="dim")
    if not found:
        output.say("Nothing needs to be mended.")
    return FAILED if left and not dry_run else OK


def crowds(found: Sequence[system_pb2.Repair]) -> list[list[system_pb2.Repair]]:
    """Repairs in their order, one list for those of a kind that were done, whose words are alike; what is left to a
    person stands alone and is never counted only.
    """
    together: list[list[system_pb2.Repair]] = []
    for repair in found:
        last = together[-1][-1] if together else None
        if last is not None and repair.done and last.done and last.kind == repair.kind:
            together[-1].append(repair)
        else:
            together.append([repair])
    return together


def set_database_aside(home: Path) -> None:
    """Moves the database of a home whose daemon is stopped into a folder of its own. Raises StateConflict."""
    with lock.alone(home) as nobody:
        if not nobody:
            process = lock.holder(home)
            raise StateConflict(
                f"A daemon serves {home}{f' (process {process})' if process else ''}.",
                remedy="Stop it with `bullpen daemon stop`, then rebuild.",
            )
        _move(home)


def _move(home: Path) -> None:
    files = sorted(home.glob(f"{DATABASE}*"))
    if not files:
        return
    target = home / "set-aside" / time.strftime("database-%Y%m%d-%H%M%S")
    target.mkdir(mode=0o700, parents=True)
    for file in files:
        file.rename(target / file.name)
    if _salvage(target / DATABASE, home / DATABASE):
        output.note(
            f"The tables of the damaged database could be read, and are kept. The file itself lies in {target}."
        )
    else:
        output.note(f"The damaged database lies in {target}; its tables cannot be read.")
        output.note("Pictures, bibles and ended runs come back from the files of the projects.")
        output.note("Open runs, chats, instructions and costs are lost with it.")


def _salvage(damaged: Path, fresh: Path) -> bool:
    """Writes a new database from the tables of a damaged one, indexes made anew; False where they cannot be read."""
    copy, draft = fresh.with_suffix(".copy"), fresh.with_suffix(".rebuilt")
    try:
        for ending in ("", "-wal"):
            if (source := damaged.with_name(damaged.name + ending)).exists():
                shutil.copy(source, copy.with_name(copy.name + ending))
        sound = _copy_tables(copy, draft)
        if sound:
            draft.chmod(0o600)
            draft.replace(fresh)
    except sqlite3.Error:
        sound = False
    finally:
        for file in (copy, draft):
            for leftover in file.parent.glob(f"{file.name}*"):
                leftover.unlink()
    return sound


def _copy_tables(source: Path, target: Path) -> bool:
    """Copies a database but for its indexes, and makes those anew. `source` is changed. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(source)) as connection:
        own = "type = 'index' AND sql IS NOT NULL"
        indexes = [sql for (sql,) in connection.execute(f"SELECT sql FROM sqlite_schema WHERE {own}")]
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(f"DELETE FROM sqlite_schema WHERE {own}")
        connection.commit()
    with contextlib.closing(sqlite3.connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    with contextlib.closing(sqlite3.connect(target)) as connection:
        for sql in indexes:
            connection.execute(sql)
        connection.commit()
        return bool(connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
