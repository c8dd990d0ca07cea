"""The database: one writer connection on its own thread, a few read-only ones, and group commit.

Writes are whole synchronous functions that run on the writer thread inside one transaction; everything that waits at
that moment shares a commit, each function behind a savepoint of its own, so that one that raises takes nothing else
with it. A write has happened when `write` returns: the commit is synced to the disk (`synchronous=FULL`).

Events that a function emits become rows of the journal in the same transaction, and are handed on, in order, when it
is committed. A witness may add rows of its own beside each event: it is asked where the write is asked for, and so
knows on whose behalf.

What this process knows to be secret never gets into the file: it is masked in every value that is written.
"""

from __future__ import annotations

import asyncio
import errno
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, cast

import apsw

from bullpend import failpoints, redaction
from bullpend.clock import Clock
from bullpend.db import migrate
from bullpend.errors import BullpenError, DatabaseUnavailable, DiskFull, ShuttingDown

T = TypeVar("T")
Row = dict[str, Any]
Value = str | int | float | bytes | None
# Names of result columns by statement: they never change once the schema is up to date, and asking costs much.
Columns = dict[str, tuple[str, ...]]

MAX_GROUP = 256
READERS = 2
BUSY_MS = 5000


class Event(NamedTuple):
    """A committed row of the journal; `payload` is a serialized bullpen.v1.Event without revision and time."""

    revision: int
    time: float
    project: str
    subject: str
    kind: str
    payload: bytes


class View:
    """Reads on one connection. Rows come as dictionaries by column name."""

    def __init__(self, connection: apsw.Connection, columns: Columns) -> None:
        self._connection = connection
        self._columns = columns

    def all(self, sql: str, *args: Value) -> list[Row]:
        """Every row."""
        cursor = self._connection.execute(sql, args)
        names = self._columns.get(sql)
        rows = []
        for values in cursor:
            if names is None:
                names = self._columns[sql] = tuple(d[0] for d in cursor.get_description())
            rows.append(dict(zip(names, values, strict=True)))
        return rows

    def one(self, sql: str, *args: Value) -> Row | None:
        """The first row, if any."""
        rows = self.all(sql, *args)
        return rows[0] if rows else None

    def tuples(self, sql: str, *args: Value) -> Iterator[Any]:
        """Rows as tuples, read as they are asked for: where there are many and dictionaries would cost more."""
        return iter(self._connection.execute(sql, args))

    def value(self, sql: str, *args: Value) -> Any:
        """The first column of the first row, or None."""
        for values in self._connection.execute(sql, args):
            return values[0]
        return None

    def revision(self) -> int:
        """The last committed revision that this view can see."""
        return cast(int, self.value("SELECT coalesce(max(revision), 0) FROM journal"))


class Tx(View):
    """One write: statements, and the events that go with them."""

    def __init__(
        self,
        connection: apsw.Connection,
        columns: Columns,
        now: float,
        events: list[Event],
        witness: Witness | None = None,
    ) -> None:
        super().__init__(connection, columns)
        self.now = now
        self._events = events
        self._witness = witness
        self._next_revision = 0

    def run(self, sql: str, *args: Value) -> int:
        """Runs one statement to its end and returns how many rows it changed."""
        for _ in self._connection.execute(sql, tuple(map(redaction.mask, args))):
            pass
        return self._connection.changes()

    def insert(self, table: str, row: Row) -> int:
        """Inserts a row and returns its rowid. Column names come from our own code only."""
        columns = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        values = tuple(map(redaction.mask, row.values()))
        for _ in self._connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values):
            pass
        return self._connection.last_insert_rowid()

    def next_revision(self) -> int:
        """The revision that the next `emit` will have; rows store it before their payload is packed."""
        if not self._next_revision:
            last = self.value("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'journal'), 0)")
            self._next_revision = cast(int, last) + 1
        return self._next_revision

    def emit(self, project: str, subject: str, kind: str, payload: bytes) -> int:
        """Adds a row to the journal and returns its revision."""
        payload = redaction.mask(payload)
        sql = "INSERT INTO journal (time, project, subject, kind, payload) VALUES (?, ?, ?, ?, ?)"
        self.run(sql, self.now, project, subject, kind, payload)
        revision = self._connection.last_insert_rowid()
        self._next_revision = revision + 1
        event = Event(revision, self.now, project, subject, kind, payload)
        self._events.append(event)
        if self._witness is not None:
            self._witness(self, event)
        return revision


# Called in the transaction for each event that it emits.
Witness = Callable[[Tx, Event], None]


@dataclass
class _Write(Generic[T]):
    work: Callable[[Tx], T]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[T]
    witness: Witness | None = None
    result: T | None = None
    error: BaseException | None = None


class Database:
    """The daemon's SQLite file. Open with `Database.open`, end with `close`."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        on_commit: Callable[[list[Event]], None],
        witness: Callable[[], Witness | None] = lambda: None,
    ) -> None:
        self.path = path
        self._clock = clock
        self._on_commit = on_commit
        self._witness = witness
        self._queue: queue.SimpleQueue[_Write[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_loop, name="db-writer", daemon=True)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-reader")
        self._local = threading.local()
        self._reading: list[apsw.Connection] = []
        self._columns: Columns = {}
        self._closed = False
        self._writer: apsw.Connection | None = None
        self._inode = -1

    @classmethod
    def open(
        cls,
        path: Path,
        clock: Clock,
        on_commit: Callable[[list[Event]], None],
        witness: Callable[[], Witness | None] = lambda: None,
    ) -> Database:
        """Opens or creates the file and brings its schema up to date.

        `on_commit` gets each group's events on the event loop that asked for the last of its writes. `witness` is asked
        for each write, where that is asked for, who is to see its events inside the transaction.
        Raises SchemaTooNew, DatabaseUnavailable or DiskFull.
        """
        database = cls(path, clock, on_commit, witness)
        with mapped_errors():
            connection = apsw.Connection(str(path))
            try:
                connection.set_busy_timeout(BUSY_MS)
                # First of all: a file of a later version is not even put into another journal mode.
                migrate.check(connection)
                for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
                    for _ in connection.execute(f"PRAGMA {pragma}"):
                        pass
                migrate.apply(connection, path)
                path.chmod(0o600)
            except BaseException:
                connection.close()
                raise
        database._writer = connection
        database._inode = path.stat().st_ino
        database._thread.start()
        return database

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Runs `work` in a transaction; returns its result once that is durable, or raises what it raised."""
        if self._closed:
            raise ShuttingDown("The database is closed.")
        loop = asyncio.get_running_loop()
        item = _Write(work, loop, loop.create_future(), self._witness())
        self._queue.put(item)
        result: T = await item.future
        return result

    async def read(self, work: Callable[[View], T]) -> T:
        """Runs `work` on a read-only connection, with one consistent view of the file."""
        if self._closed:
            raise ShuttingDown("The database is closed.")
        loop = asyncio.get_running_loop()
        result: T = await loop.run_in_executor(self._readers, self._read, work)
        return result

    async def damage(self, *, deep: bool) -> str | None:
        """What a check of the whole file finds wrong, or None; `deep` also holds indexes against their tables.

        It has a connection of its own: one that has searched keeps the layout of the full-text index, and SQLite 3.54
        checks the file of now against that old layout, which looks like damage as soon as pictures were added.
        """

        def check() -> str | None:
            with mapped_errors(), closing(_reading(self.path)) as connection:
                found = connection.execute(f"PRAGMA {'integrity_check' if deep else 'quick_check'}(1)").get
                return None if found == "ok" else str(found)

        return await asyncio.get_running_loop().run_in_executor(self._readers, check)

    def file_in_place(self) -> bool:
        """False when the file was deleted or replaced under the daemon: writes would go nowhere."""
        try:
            return self.path.stat().st_ino == self._inode
        except OSError:
            return False

    def close(self) -> None:
        """Finishes what is queued and closes every connection."""
        if self._closed:
            return
        self._closed = True
        # The writer goes last: whoever closes last folds the write-ahead log into the file and removes it.
        self._readers.shutdown(wait=True)
        for connection in self._reading:
            connection.close()
        self._queue.put(None)
        self._thread.join()

    def _read(self, work: Callable[[View], T]) -> T:
        with mapped_errors():
            connection: apsw.Connection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = _reading(self.path)
                self._reading.append(connection)
            with _transaction(connection, "BEGIN"):
                return work(View(connection, self._columns))

    def _write_loop(self) -> None:
        connection = self._writer
        assert connection is not None
        ending = False
        while not ending:
            first = self._queue.get()
            group: list[_Write[Any]] = [] if first is None else [first]
            ending = first is None
            while len(group) < MAX_GROUP and not self._queue.empty():
                item = self._queue.get()
                if item is None:
                    ending = True
                else:
                    group.append(item)
            if group:
                self._commit(connection, group)
        connection.close()

    def _commit(self, connection: apsw.Connection, group: list[_Write[Any]]) -> None:
        events: list[Event] = []
        try:
            with mapped_errors(), _transaction(connection, "BEGIN IMMEDIATE"):
                for item in group:
                    kept = len(events)
                    _execute(connection, "SAVEPOINT item")
                    try:
                        item.result = item.work(Tx(connection, self._columns, self._clock.now(), events, item.witness))
                    except (apsw.FullError, apsw.IOError, apsw.CorruptError, apsw.NotADBError):
                        raise
                    except Exception as error:  # noqa: BLE001 -- handed to the one who asked
                        _execute(connection, "ROLLBACK TO item")
                        del events[kept:]
                        item.error = error
                    _execute(connection, "RELEASE item")
                if not self.file_in_place():
                    raise DatabaseUnavailable("The database file was deleted or replaced while the daemon runs.")
                failpoints.reach("database.committing")
            failpoints.reach("database.committed")
        except Exception as error:  # noqa: BLE001 -- the commit failed: everyone in the group hears of it
            events = []
            for item in group:
                item.error = item.error or error
        by_loop = group[-1].loop
        try:
            by_loop.call_soon_threadsafe(_deliver, group, events, self._on_commit)
        except RuntimeError:
            return  # the loop ended while the daemon stops; what is committed stays


def _deliver(group: Sequence[_Write[Any]], events: list[Event], on_commit: Callable[[list[Event]], None]) -> None:
    # Those who wait go first: watchers may hear of it a moment later.
    for item in group:
        if item.future.done():
            continue
        if item.error is not None:
            item.future.set_exception(item.error)
        else:
            item.future.set_result(item.result)
    if events:
        on_commit(events)


def _reading(path: Path) -> apsw.Connection:
    """A connection that only reads."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(BUSY_MS)
    return connection


def _execute(connection: apsw.Connection, sql: str) -> None:
    for _ in connection.execute(sql):
        pass


@contextmanager
def _transaction(connection: apsw.Connection, begin: str) -> Iterator[None]:
    _execute(connection, begin)
    try:
        yield
    except BaseException:
        if not connection.get_autocommit():
            _execute(connection, "ROLLBACK")
        raise
    _execute(connection, "COMMIT")


@contextmanager
def mapped_disk_errors() -> Iterator[None]:
    """Turns a full disk into DiskFull; other errors of the system pass."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("The disk of the daemon's home is full.") from error
        raise


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Turns SQLite's errors into those of the daemon."""
    try:
        yield
    except BullpenError:
        raise
    except apsw.FullError as error:
        raise DiskFull("The disk of the database is full.") from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise DatabaseUnavailable(f"The database is damaged: {error}.") from error
    except (apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.BusyError, apsw.LockedError) as error:
        raise DatabaseUnavailable(f"The database cannot be used: {type(error).__name__}: {error}.") from error
