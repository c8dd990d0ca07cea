"""How many panels a second the renderer draws on one core, over the chains that training data is made of."""

from __future__ import annotations

import asyncio
import time

from bullpen_starter.render import render
from bullpen_starter.train.data import chain

from tests.bench.effort import Effort
from tests.bench.table import Row, Series

SIZE = (128, 128)
LEAST = 200.0


async def measure(effort: Effort) -> list[Row]:
    """Panels per second of processor time; each value is a batch of eight layouts, one of each place."""
    return await asyncio.to_thread(_row, effort.count(12, 3))


def _row(batches: int) -> list[Row]:
    rates = Series.of([_rate(8 * number) for number in range(batches + 1)][1:])
    return [
        Row(
            "starter panels drawn, 128×128, one core",
            f"≥ {LEAST:.0f}/s",
            rates.text("/s", digits=0),
            rates.median >= LEAST,
            {"rates": list(rates.values)},
        )
    ]


def _rate(first: int) -> float:
    began, panels = time.process_time(), 0
    for layout in range(first, first + 8):
        for spec in chain(layout)[0]:
            render(spec, SIZE)
            panels += 1
    return panels / (time.process_time() - began)
