"""How long a run takes and how much memory, from what this machine has measured. Pure functions.

A time is measured where the same model made pictures of the same size by the same strategy on the same device. From
anything else it is a guess, and called one: another size or strategy of the model, scaled by the pixels; or another
model of the device, scaled by the size of its weights too, because a step touches each of them once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bullpend.models.model import Model
from bullpend.runs.method import Method
from bullpend.runs.model import Sampling

# Bytes of work for each pixel where nothing was measured, and the least of it: a decoder of the usual kind holds 512
# channels of half precision at an eighth of the size and 128 at full size, several at a time.
BYTES_PER_PIXEL = 2_000
LEAST_WORK = 64 * 1024 * 1024


class Basis(StrEnum):
    """How an estimate was found; the names are those of bullpen.v1.Plan.EstimateBasis."""

    MEASURED = "MEASURED"
    GUESS = "GUESS"


@dataclass(frozen=True, slots=True)
class Timing:
    """Measured seconds of a denoising step on one device. `pixels` 0 and an empty strategy mean any."""

    model: str
    strategy: str
    pixels: int
    step_seconds: float
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of a whole run, and how they were found."""

    seconds: float
    basis: Basis


def steps(sampling: Sampling, method: Method) -> int:
    """Denoising steps of one picture: an edit that goes only part of the way to noise takes only that part of them."""
    if method.strength is None:
        return sampling.steps
    asked = max(sampling.steps, math.ceil(1 / method.strength))
    return max(1, min(int(asked * method.strength), asked))


def duration(
    timings: Sequence[Timing],
    model: Model,
    sampling: Sampling,
    method: Method,
    pictures: int,
    load_seconds: float = 0.0,
) -> Estimate | None:
    """The time of a run of so many pictures; None where the device has measured nothing yet."""
    pixels, strategy = sampling.width * sampling.height, method.strategy.value
    own = [timing for timing in timings if timing.model == model.name]
    for timing in own:
        if (timing.pixels, timing.strategy) == (pixels, strategy):
            return Estimate(load_seconds + timing.step_seconds * steps(sampling, method) * pictures, Basis.MEASURED)
    known = own or [timing for timing in timings if timing.size_bytes > 0 and timing.pixels]
    if not known:
        return None
    nearest = min(known, key=lambda timing: (_far(timing, model, pixels), timing.strategy != strategy))
    seconds = nearest.step_seconds * (pixels / nearest.pixels if nearest.pixels else 1.0)
    if nearest.model != model.name:
        seconds *= max(model.size_bytes, 1) / nearest.size_bytes
    return Estimate(load_seconds + seconds * steps(sampling, method) * pictures, Basis.GUESS)


def _far(timing: Timing, model: Model, pixels: int) -> float:
    """How unlike a measurement is, in doublings; one of any size is less like than one of a known size."""
    size = abs(math.log2(timing.pixels / pixels)) if timing.pixels else 8.0
    if timing.model == model.name:
        return size
    return size + abs(math.log2(max(timing.size_bytes, 1) / max(model.size_bytes, 1)))


def memory(models: Sequence[Model], footprints: Sequence[tuple[int, int]], sampling: Sampling) -> int:
    """Bytes of the device that the weights and the work on one picture take together.

    `footprints` are (pixels, bytes) that were measured of the model's work.
    """
    return sum(model.size_bytes for model in models) + work(footprints, sampling)


def work(footprints: Sequence[tuple[int, int]], sampling: Sampling) -> int:
    """Bytes that the work on one picture takes beside the weights; `footprints` as of `memory`."""
    pixels = sampling.width * sampling.height
    if not footprints:
        return max(LEAST_WORK, pixels * BYTES_PER_PIXEL)
    size, taken = min(footprints, key=lambda item: abs(math.log2(max(item[0], 1) / max(pixels, 1))))
    return taken if size == pixels else round(taken * pixels / size)
