"""A database on a disk of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from bullpend.clock import ManualClock
from bullpend.db import Database, Event


@dataclass
class Desk:
    """A database, and what was delivered from it."""

    path: Path
    database: Database = field(init=False)
    delivered: list[list[Event]] = field(default_factory=list)

    def open(self) -> Database:
        """Opens it, again after a close."""
        self.database = Database.open(self.path, ManualClock(), self.delivered.append)
        return self.database

    @property
    def events(self) -> list[str]:
        """Kinds of the delivered events, in order."""
        return [event.kind for group in self.delivered for event in group]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "b.sqlite3")
    made.open()
    yield made
    made.database.close()
