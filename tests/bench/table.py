"""What a measurement gives: rows of one table, and the same as JSON."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

HEAD = ("what", "target", "measured", "verdict")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what was measured, what it should be, what it is. `ok` is None where there is nothing to hold."""

    what: str
    target: str
    measured: str
    ok: bool | None = None
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """A word for the last column."""
        return {True: "holds", False: "MISSED", None: "–"}[self.ok]

    def to_dict(self) -> dict[str, Any]:
        """The row for machines."""
        return {
            "what": self.what,
            "target": self.target,
            "measured": self.measured,
            "ok": self.ok,
            "values": self.values,
        }


@dataclass(frozen=True, slots=True)
class Series:
    """Repeated measurements of one thing, in one unit."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Series:
        """A series of at least one value."""
        assert values, "nothing was measured"
        return cls(tuple(values))

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    def percentile(self, percent: float) -> float:
        """Nearest rank: the smallest value that `percent` of all do not exceed."""
        ordered = sorted(self.values)
        return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]

    def text(self, unit: str, scale: float = 1.0, digits: int = 2) -> str:
        """The median with least and most: `1.20 (1.10–1.40) ms`."""
        low, high = min(self.values) * scale, max(self.values) * scale
        return f"{self.median * scale:.{digits}f} ({low:.{digits}f}–{high:.{digits}f}) {unit}"

    def to_dict(self) -> dict[str, Any]:
        """Median, extremes and every value."""
        return {"median": self.median, "min": min(self.values), "max": max(self.values), "values": list(self.values)}


def render(rows: Sequence[Row]) -> str:
    """The table as text, columns aligned."""
    lines = [HEAD, *((row.what, row.target, row.measured, row.verdict) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([shown[0], "  ".join("-" * width for width in widths), *shown[1:]])


def machine_load() -> str:
    """Cores, and how busy they are with other things: figures of a busy machine are ratios at best."""
    one, five, _ = os.getloadavg()
    return f"{os.cpu_count()} cores, load {one:.1f} over one minute, {five:.1f} over five"
