"""When a stream breaks: whether it is taken up again, after which pause, and what its reader is told of it.

Every stream that is followed over restarts of the daemon (`watch.py`, `log.py`) counts its breaks here.
"""

from __future__ import annotations

from dataclasses import dataclass

from bullpen_client import errors

# The connection broke, or the daemon asked for a resume; a restarted daemon has a new token, which the session has read
# by the next attempt. Anything else is an answer that will not change.
MENDABLE = (
    errors.DaemonUnavailable,
    errors.DaemonSilent,
    errors.ShuttingDown,
    errors.WatcherTooSlow,
    errors.DatabaseUnavailable,
    errors.TokenInvalid,
)


@dataclass(frozen=True)
class Reconnecting:
    """The connection is gone; the next attempt begins in `delay` seconds. Sent before every attempt."""

    attempt: int
    delay: float
    error: errors.BullpenError


@dataclass(frozen=True)
class Reconnected:
    """The stream goes on after `revision`; everything missed follows."""

    revision: int


@dataclass(frozen=True)
class Backoff:
    """Pauses between attempts in seconds: `first`, doubled each time, at most `longest`; `attempts` 0 has no end."""

    first: float = 0.1
    longest: float = 5.0
    attempts: int = 0

    def delay(self, attempt: int) -> float:
        """Pause before an attempt, counted from 1."""
        return float(min(self.longest, self.first * 2 ** min(attempt - 1, 16)))


USUAL = Backoff()


class Breaks:
    """The breaks of one stream since it was last heard of."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._token_refused = False
        # 0 while the connection stands.
        self.attempt = 0

    def connected(self) -> None:
        """The daemon answers again; the next break is the first of its row. Its token was not tried yet."""
        self.attempt = 0

    def heard(self) -> None:
        """The stream has said something."""
        self.attempt = 0
        self._token_refused = False

    def next(self, error: errors.BullpenError) -> Reconnecting:
        """One more of `MENDABLE`: what the reader is told before the pause. Raises the error where trying again is
        over: a token that is refused twice, or attempts that are used up.
        """
        refused = isinstance(error, errors.TokenInvalid)
        if refused and self._token_refused:
            raise error
        self._token_refused |= refused
        self.attempt += 1
        if self._backoff.attempts and self.attempt > self._backoff.attempts:
            raise error
        return Reconnecting(self.attempt, self._backoff.delay(self.attempt), error)
