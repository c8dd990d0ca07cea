"""Places where a test may have the daemon die: at each of them the process kills itself as `kill -9` would.

The setting `testing.failpoint` names one, with `@3` behind it the third time that it is passed; in ordinary use it is
empty and passing a point costs one comparison. A few lie in worker processes (`bullpen_worker/failpoints.py`), which
kill the daemon and themselves; those need the setting in the environment.
"""

from __future__ import annotations

import os
import signal

from bullpend.errors import SettingInvalid

PAID = (
    # The request is written down; nothing was sent.
    "paid.prepared",
    # It is marked as sent; the first byte goes out next.
    "paid.marked_sent",
    # The whole answer is in memory and nowhere else.
    "paid.answer_received",
    # The answer lies in its file; the database does not know.
    "paid.answer_kept",
    # Answer and cost are in the database; the picture is not made.
    "paid.answer_booked",
)
AGENT = (
    # A delivery to the external agent is marked; its first byte goes out next.
    "agent.marked_sent",
    # The agent's answer is in memory and nowhere else.
    "agent.answer_received",
)
EXPORT = (
    # A part of an archive is written, under a temporary name.
    "export.writing",
    # An export is complete and the database knows its hash; it has its temporary name.
    "export.sealed",
    # It has its name; the database does not know.
    "export.placed",
)
DATABASE = (
    # A group of writes is done but for its commit.
    "database.committing",
    # It is committed, and nobody was told.
    "database.committed",
)
DAEMON = (
    # Leased jobs are queued again; the scheduler knows nothing yet.
    "start.recovered",
    # An imported picture lies in the store and is not registered.
    "import.stored",
    # A run is durable; its client and the scheduler were not told.
    "run.created",
    # A job is leased; its worker has no order.
    "job.leased",
    # A picture lies in the store and is not registered.
    "picture.stored",
    # The last picture of a job is registered, and the job has ended with it; nothing was told.
    "picture.registered",
    # A file that the daemon writes is there under its temporary name.
    "log.drafted",
    # A run's log is in its place; the database does not know.
    "log.written",
)
WORKER = (
    # The device worker wrote its raw picture.
    "raw.written",
    # A file of the store is written and not synced.
    "store.written",
    # It is synced, under its temporary name.
    "store.synced",
    # The sidecar has its name, its content has not.
    "store.sidecar_named",
    # Both have their names, which are not synced.
    "store.content_named",
    # All is durable; the thumbnail is missing.
    "store.published",
)
# Points that only their own kind of work passes.
APART = (*PAID, *AGENT, *EXPORT)
POINTS = (*APART, *DATABASE, *DAEMON, *WORKER)


class Failpoints:
    """The point that is armed, if any."""

    def __init__(self, armed: str = "") -> None:
        """Raises ValueError for a point that is not listed."""
        name, _, times = armed.partition("@")
        if (armed and name not in POINTS) or (times and not times.isdecimal()):
            raise ValueError(f"{armed} is none of {', '.join(POINTS)}")
        self._armed = name
        self._left = int(times or 1)

    def reach(self, name: str) -> None:
        """Does nothing, or does not come back."""
        if name == self._armed:
            self._left -= 1
            if self._left <= 0:
                # SIGKILL; Windows has no such signal and ends the process at once by SIGTERM.
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


_everywhere = Failpoints()


def arm(name: str) -> None:
    """Arms a point of this process, once at its start. Raises SettingInvalid for one that is not listed."""
    global _everywhere
    try:
        _everywhere = Failpoints(name)
    except ValueError as error:
        raise SettingInvalid(
            f"There is no failpoint {name!r}.", field="testing.failpoint", remedy=f"Give one of {', '.join(POINTS)}."
        ) from error


def reach(name: str) -> None:
    """Passes a point; does nothing, or does not come back."""
    _everywhere.reach(name)
