"""Where moved jobs stand: new places between old ones, with as few changes as there can be. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Standing:
    """A waiting job with its place among the jobs of its project and priority."""

    id: int
    place: float


def arrange(waiting: Sequence[Standing], moving: Sequence[int], before: int | None) -> dict[int, float]:
    """New places, by id, so that `moving` stand in this order just before the job `before`, or last where it is None.

    `waiting` is in its order and holds all of them; `before` is none of the moving ones. Other jobs get another place
    only where no number is left between two neighbours: then all are counted anew.
    """
    gone = set(moving)
    rest = [each for each in waiting if each.id not in gone]
    at = len(rest) if before is None else next(n for n, each in enumerate(rest) if each.id == before)
    low = rest[at - 1].place if at else None
    high = rest[at].place if at < len(rest) else None
    places = _between(low, high, len(moving))
    if places is not None:
        return dict(zip(moving, places, strict=True))
    order = [*(each.id for each in rest[:at]), *moving, *(each.id for each in rest[at:])]
    first = float(round(min(each.place for each in waiting)))
    return {name: first + number for number, name in enumerate(order)}


def _between(low: float | None, high: float | None, count: int) -> list[float] | None:
    """That many numbers in rising order between two, None where floating point has none left."""
    if low is None and high is None:
        return [float(number) for number in range(count)]
    if low is None:
        assert high is not None
        return [high - count + number for number in range(count)]
    if high is None:
        return [low + 1.0 + number for number in range(count)]
    share = (high - low) / (count + 1)
    places = [low + share * (number + 1) for number in range(count)]
    sound = all(first < second for first, second in pairwise([low, *places, high]))
    return places if sound else None
