"""How many candidates of a job are computed together: as many as measurements say pays. Pure.

A table holds, for each model, device and size of picture, what a step took for one picture in batches of each size. A
size that was not measured yet is measured by being used, from the smallest up, for as long as each was worth more than
the one before it. A batch changes the last bits of its pictures: so the size is settled once, when a run is made, and
kept with it, its recipes and its log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SIZES = (1, 2, 4, 8)
# Pictures after which a figure is believed.
SAMPLES = 2
# What a larger batch may take at most of the time that a smaller one takes, to be worth its memory.
GAIN = 0.95


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds that a step took for one picture, and of how many pictures that is the mean."""

    samples: int
    seconds: float


def sizes(candidates: int, limit: int) -> tuple[int, ...]:
    """The sizes that a job of so many candidates can be cut into, 1 first; `limit` is the most that is allowed."""
    return tuple(size for size in SIZES if size == 1 or (size <= limit and candidates % size == 0))


def choose(measured: Mapping[int, Measured], candidates: int, limit: int) -> int:
    """The size of the batches for a job of so many candidates."""
    best = 1
    for size in sizes(candidates, limit):
        known = measured.get(size)
        if known is None or known.samples < SAMPLES:
            return size
        if size > 1 and known.seconds > GAIN * measured[best].seconds:
            break
        best = size
    return best
