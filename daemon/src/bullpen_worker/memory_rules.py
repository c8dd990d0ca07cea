"""Arithmetic of a device's memory: does a model fit, how is it placed, who makes room. Pure functions.

Sizes are bytes. The order of means is: as it is; after others made room; in parts; in pieces; refused. Making room
comes before placing in parts, because a model that was put out costs one activation from the page cache when it is
wanted again, and a model in parts costs a transfer in every job, one in pieces in every step. `Prefer.PARTS` turns
that round: for a device whose models are wanted in turns and are slow to come back.

A guess never refuses: what was not measured may lead to more room being made than was needed, but a model is refused
only for what is certain.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

# Of what is measured or estimated, for what nobody measures: fragments, buffers of libraries, the next larger block.
MARGIN = 0.05
# Bytes of work for each pixel where nothing was measured yet, and the least of it: a decoder of the usual kind holds
# 512 channels of half precision at an eighth of the size and 128 at full size, several at a time.
UNMEASURED_BYTES_PER_PIXEL = 2_000
LEAST_WORK = 64 * 1024 * 1024
# Memory that came back is near enough to what was to come back. Less than `BACK_LEAST` cannot be told from what other
# programs take and give meanwhile, and is not waited for.
BACK_SHARE = 0.8
BACK_LEAST = 256 * 1024 * 1024


class Placement(Enum):
    """Where a model's weights are while it works, from fastest to slowest."""

    # All on the device.
    WHOLE = "whole"
    # One network at a time on the device, the others in main memory.
    PARTS = "parts"
    # One layer at a time.
    PIECES = "pieces"


class Prefer(Enum):
    """What is tried first when a model does not fit beside the others."""

    ROOM = "room"
    PARTS = "parts"


@dataclass(frozen=True, slots=True)
class Need:
    """What a model takes: all its weights, the largest network of them, the largest layer; and the work beside them, as
    it is expected and as it is certain.
    """

    whole: int
    parts: int
    pieces: int
    work: int
    certain: int = 0

    def of(self, placement: Placement) -> int:
        """Bytes on the device for one placement, with the expected work and the margin."""
        return round((self.weights(placement) + self.work) * (1 + MARGIN))

    def weights(self, placement: Placement) -> int:
        """Bytes of weights that are on the device at one time."""
        return {Placement.WHOLE: self.whole, Placement.PARTS: self.parts, Placement.PIECES: self.pieces}[placement]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A model in memory: what it takes on the device, when it was used last (any rising number), whether it may go."""

    name: str
    size: int
    last_used: float
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model is placed, and who leaves first, in that order."""

    placement: Placement
    evict: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """It fits in no way: the least that it would need, and the most that can be had without the pinned ones."""

    needed: int
    available: int


def plan(
    need: Need,
    tenants: Sequence[Tenant],
    free: int,
    placements: Collection[Placement],
    prefer: Prefer = Prefer.ROOM,
) -> Plan | Refusal:
    """How a model that is not in memory comes there. `free` is what the device has left now."""
    order = [placement for placement in Placement if placement in placements]
    if prefer is Prefer.PARTS:
        for placement in order:
            if need.of(placement) <= free:
                return Plan(placement)
    for placement in order:
        evict = room(need.of(placement), tenants, free)
        if evict is not None:
            return Plan(placement, evict)
    for placement in order:
        evict = room(need.weights(placement) + need.certain, tenants, free)
        if evict is not None:
            # The work may fit or not; every byte that can be had is made free for it.
            return Plan(placement, tuple(tenant.name for tenant in _oldest_first(tenants)))
    least = min((need.weights(placement) + need.certain for placement in order), default=0)
    return Refusal(least, free + sum(tenant.size for tenant in tenants if not tenant.pinned))


def room(wanted: int, tenants: Sequence[Tenant], free: int) -> tuple[str, ...] | None:
    """Who has to leave so that `wanted` bytes are free: nobody where they are, None where it would not be enough.

    The longest unused go first; of those chosen, whoever turns out not to be needed stays, the latest used first.
    """
    if wanted <= free:
        return ()
    chosen: list[Tenant] = []
    freed = free
    for tenant in _oldest_first(tenants):
        chosen.append(tenant)
        freed += tenant.size
        if freed >= wanted:
            break
    else:
        return None
    for tenant in reversed(chosen[:]):
        if freed - tenant.size >= wanted:
            chosen.remove(tenant)
            freed -= tenant.size
    return tuple(tenant.name for tenant in chosen)


def work(measured: Sequence[tuple[int, int]], pixels: int) -> int:
    """Bytes that a job of one picture of `pixels` is expected to take beside the weights, from (pixels, bytes) before.

    Never less than any smaller picture took. Between two measured sizes it lies on the line between them, beyond the
    largest it grows as it did so far, but no faster than by the rule of thumb that holds where nothing was measured.
    """
    if not measured:
        return max(LEAST_WORK, UNMEASURED_BYTES_PER_PIXEL * pixels)
    points: list[tuple[int, int]] = [(0, 0)]
    for at, size in sorted(measured):
        points.append((at, max(size, points[-1][1])))
    for (low, less), (high, more) in pairwise(points):
        if pixels <= high:
            return less + (more - less) * (pixels - low) // max(1, high - low)
    largest, size = points[-1]
    rate = min(UNMEASURED_BYTES_PER_PIXEL, -(-size // max(1, largest)))
    return size + rate * (pixels - largest)


def certain(measured: Sequence[tuple[int, int]], pixels: int) -> int:
    """Bytes that a job of `pixels` takes at least: what an equal or smaller one took."""
    return max((size for at, size in measured if at <= pixels), default=0)


def grown(measured: Sequence[tuple[int, int]], pixels: int, size: int) -> tuple[tuple[int, int], ...] | None:
    """What is known after one more measurement, by rising pixels; None where that tells nothing new."""
    known = dict(measured)
    if known.get(pixels, -1) >= size:
        return None
    known[pixels] = size
    return tuple(sorted(known.items()))


def largest_side(measured: Sequence[tuple[int, int]], available: int) -> int:
    """Side in pixels, in steps of 64, of the largest square picture whose work fits; 0 where none does."""
    side = 64
    while work(measured, side * side) * (1 + MARGIN) <= available and side < 16_384:
        side += 64
    return side - 64


def is_back(before: int, now: int, expected: int) -> bool:
    """Whether memory that was given up is really free again; `before` and `now` are free bytes."""
    return expected < BACK_LEAST or now - before >= BACK_SHARE * expected


def _oldest_first(tenants: Sequence[Tenant]) -> list[Tenant]:
    """Those that may go, the longest unused first."""
    return sorted(
        (tenant for tenant in tenants if not tenant.pinned), key=lambda tenant: (tenant.last_used, tenant.name)
    )
