"""Places where a test may have the daemon die: at each of them the process kills itself as `kill -9` would.

The setting `testing.failpoint` names one; in ordinary use it is empty and passing a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

POINTS = (
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


class Failpoints:
    """The point that is armed, if any."""

    def __init__(self, armed: str = "") -> None:
        if armed and armed not in POINTS:
            raise ValueError(f"{armed} is none of {', '.join(POINTS)}")
        self._armed = armed

    def reach(self, name: str) -> None:
        """Does nothing, or does not come back."""
        if name == self._armed:
            # SIGKILL; Windows has no such signal and ends the process at once by SIGTERM.
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
