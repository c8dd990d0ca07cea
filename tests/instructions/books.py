"""A database in memory whose transactions are driven by hand, and rows of instructions to put into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import apsw
from bullpend.db import Event, Row, Tx
from bullpend.db.migrate import scripts

T = TypeVar("T")

PROJECT: Row = {
    "slug": "p",
    "title": "P",
    "story": "",
    "storage": "LOCAL",
    "create_time": 0.0,
    "update_time": 0.0,
    "revision": 0,
}


class Books:
    """The schema as it is, one connection, a clock that the test moves, and every event that was emitted."""

    def __init__(self) -> None:
        self.connection = apsw.Connection(":memory:")
        for _, sql in scripts():
            for _ in self.connection.execute(sql):
                pass
        self.now = 1000.0
        self.events: list[Event] = []
        self.columns: dict[str, tuple[str, ...]] = {}
        self.write(lambda tx: tx.insert("projects", PROJECT))

    def write(self, work: Callable[[Tx], T]) -> T:
        """One transaction; one that raises leaves nothing."""
        events: list[Event] = []
        with self.connection:
            result = work(Tx(self.connection, self.columns, self.now, events))
        self.events += events
        return result

    def close(self) -> None:
        """Gives the memory back."""
        self.connection.close()


def draft(**more: Any) -> Row:
    """The columns of a new instruction."""
    return {
        "project": "p",
        "type": "CUSTOM",
        "objective": "Stop it",
        "method": "bullpen.v1.RunService/CancelRun",
        "inputs": "{}",
        "constraints": "{}",
        "requested_by": "client",
        "chat_session": "",
        "confirmation_required": 1,
        "max_attempts": 3,
        "retry_of": "",
        "preview": b"",
        "plan": b"",
        "plan_digest": "",
        "digest": "d1",
        "expire_time": 2000.0,
        **more,
    }
