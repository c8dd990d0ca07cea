"""Which call the present task works for, so that what it writes can be put down to it.

A call is entered at the edge: by the interceptor for those that come over the socket, by `rpc/inside.py` for those that
the daemon makes on somebody's behalf. From then on `witness`, which the database asks at each write, gives the one who
adds an audit entry beside each event of that write, in the same transaction.

Only the call's own task counts, and those that it lets join. A task that is merely started in the course of a call,
such as the scheduler's, inherits the call's context and yet acts by itself: what it changes is in the journal.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from bullpend.audit import store
from bullpend.db import Event, Tx
from bullpend.db.database import Witness

MOST_CLIENT = 100


@dataclass(slots=True)
class Call:
    """A call that is under way, and how many entries it has so far."""

    actor: str
    client: str
    method: str
    tasks: set[asyncio.Task[Any] | None] = field(default_factory=set)
    entries: int = 0

    def witness(self, tx: Tx, event: Event) -> None:
        """Adds an entry for an event."""
        store.add(tx, self.actor, self.client, self.method, event)
        self.entries += 1


_current: ContextVar[Call | None] = ContextVar("bullpen_call", default=None)


@contextmanager
def entered(method: str, actor: str, client: str = "") -> Iterator[Call]:
    """What the present task writes inside is put down to this call; `method` is `bullpen.v1.Service/Method`."""
    call = Call(actor, client[:MOST_CLIENT], method, {asyncio.current_task()})
    before = _current.get()
    _current.set(call)
    try:
        yield call
    finally:
        # Not by a token: a generator that nobody reads to its end is closed in another context.
        _current.set(before)


def joined(task: asyncio.Task[Any]) -> asyncio.Task[Any]:
    """Lets a task that the present one has just made count as part of its call."""
    call = _current.get()
    if call is not None and asyncio.current_task() in call.tasks:
        call.tasks.add(task)
    return task


def witness() -> Witness | None:
    """For the database: who is to see the events of what the present task writes."""
    call = _current.get()
    if call is None or asyncio.current_task() not in call.tasks:
        return None
    return call.witness


def local_user() -> str:
    """The user that the daemon runs as: whoever has its token is this user, or one whom they gave it to."""
    try:
        import pwd

        return f"user:{pwd.getpwuid(os.getuid()).pw_name}"
    except (ImportError, KeyError):  # Windows, or a user without a name
        return f"user:{os.environ.get('USERNAME') or os.getuid()}"
