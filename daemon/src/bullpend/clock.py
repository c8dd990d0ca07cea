"""Time and identity as arguments: the only two sources of chance that the daemon's rules may be given."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """Wall time for what is stored and shown; monotonic time for what is waited for."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()


@dataclass
class ManualClock:
    """A clock that tests move by hand."""

    at: float = field(default=1_700_000_000.0)

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return self.at

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return self.at


def new_id(bytes_: int = 8) -> str:
    """A random lower-case hexadecimal id of `bytes_` × 2 characters."""
    return secrets.token_hex(bytes_)
