"""What is read of a run's row."""

from __future__ import annotations

from pathlib import Path

from bullpend.clock import ManualClock
from bullpend.db import Database
from bullpend.runs import store


async def test_a_run_is_read_whole_but_for_its_plan(tmp_path: Path) -> None:
    """Every column of the table is in a run's row, except the long one that only the log needs."""
    database = Database.open(tmp_path / "bullpen.sqlite3", ManualClock(), lambda events: None)
    try:
        columns = await database.read(lambda view: view.all("SELECT name FROM pragma_table_info('runs')"))
    finally:
        database.close()
    assert {row["name"] for row in columns} - set(store.RUN.split(", ")) == {"plan"}
    assert len(store.RUN.split(", ")) == len(columns) - 1
