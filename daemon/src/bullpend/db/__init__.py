"""SQLite: one writer thread with group commit, a few readers, numbered migrations, and the journal."""

from bullpend.db.database import Database, Event, Row, Tx

__all__ = ["Database", "Event", "Row", "Tx"]
