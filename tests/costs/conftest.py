"""A database on a disk of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpend.clock import ManualClock
from bullpend.db import Database


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock) -> Iterator[Database]:
    made = Database.open(tmp_path / "b.sqlite3", clock, lambda events: None)
    yield made
    made.close()
