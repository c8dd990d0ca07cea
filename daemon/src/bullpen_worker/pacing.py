"""How often previews may be made: never at a noticeable cost.

Previews run on the device thread, so each one delays the picture. The pacer lets them take a fixed small share of the
time that denoising took so far, and bounds how many go over the link.
"""

from __future__ import annotations

SHARE = 0.01
MIN_INTERVAL_SECONDS = 0.1
_MAX_CREDIT_SECONDS = 1.0


class PreviewPacer:
    """Decides whether a preview is due. All times are seconds of one monotonic clock, given by the caller."""

    def __init__(self) -> None:
        self._credit = 0.0
        self._cost: float | None = None
        self._last: float | None = None

    def earned(self, step_seconds: float) -> None:
        """Adds the credit of one denoising step."""
        self._credit = min(self._credit + SHARE * step_seconds, _MAX_CREDIT_SECONDS)

    def due(self, now: float) -> bool:
        """Whether a preview may be made now. The first one is made on trust: its cost is not known yet."""
        if self._last is not None and now - self._last < MIN_INTERVAL_SECONDS:
            return False
        return self._cost is None or self._cost <= self._credit

    def spent(self, seconds: float, now: float) -> None:
        """Books what a preview took. The estimate follows the last ones, so that a slow outlier is forgotten."""
        self._cost = seconds if self._cost is None else (self._cost + seconds) / 2
        self._credit -= seconds
        self._last = now
