"""What can be measured of a picture without a model. Values only: which of them are too high or too low is decided by
the daemon.

| name | meaning | unit |
|---|---|---|
| `width`, `height` | size | pixels |
| `luminance_mean`, `luminance_std` | mean and standard deviation of luma (ITU-R BT.601) | 0–255 |
| `blank` | largest standard deviation of the three channels; near 0 for a picture of one colour | 0–255 |
| `chroma_mean`, `chroma_p95` | mean and 95th percentile of chroma C* = √(a*² + b*²) (CIE L*a*b*, D65) | 0 – about 130 |
| `sharpness` | variance of the Laplacian of luma | luma² |
| `structure_f1` | agreement of edges with the source outside of a local edit, 0–1; only with a source | share |
| `edit_share` | how much of the picture a local edit covers, 0–1; only where there is one | share |

Chroma is taken from at most 128×128 evenly spaced pixels. A measure that raises costs its value, never the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bullpen_worker.failures import classify
from bullpen_worker.ops.edges import agreement, edge_map, map_size
from bullpen_worker.ops.edited import Edit, find_edit
from bullpen_worker.ops.source import SourceView, small, small_size

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
# Gives the source's view for a candidate's size (width, height).
ReadSource = Callable[[tuple[int, int]], SourceView]

_MAX_CHROMA_SIDE = 128

# sRGB (IEC 61966-2-1) to linear light, for all 256 values.
_RAMP = np.arange(256, dtype=np.float32) / 255
_LINEAR: Plane = np.where(_RAMP <= 0.04045, _RAMP / 12.92, ((_RAMP + 0.055) / 1.055) ** 2.4).astype(np.float32)
# Linear sRGB to CIE XYZ relative to the D65 white point, so that white is (1, 1, 1).
_XYZ = (
    np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
    / np.array([[0.95047], [1.0], [1.08883]])
).astype(np.float32)


class NotApplicableError(Exception):
    """A measure means nothing for this picture; the words say why."""


@dataclass(slots=True)
class Measured:
    """Values by name; why others could not be taken (`failed`); why others do not apply (`not_applicable`); which
    reference a value was nearest to (`nearest`); and how it was found where to measure (`basis`).
    """

    values: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    not_applicable: dict[str, str] = field(default_factory=dict)
    nearest: dict[str, str] = field(default_factory=dict)
    basis: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, measure: Callable[[], Mapping[str, float]]) -> None:
        """Takes values; where that fails, keeps the words under `name` in their place."""
        try:
            self.values.update(measure())
        except NotApplicableError as why:
            self.not_applicable[name] = str(why)
        except Exception as error:  # noqa: BLE001 - whatever a measure meets, the picture is more worth than its figures
            self.failed[name] = classify(error, "INTERNAL").message


class Subject:
    """A picture under measurement; planes that several measures need are made once.

    `edit_share` is the largest share of the picture that may count as a local edit; 0 where there is none.
    """

    def __init__(self, image: Image.Image, source: ReadSource | None = None, edit_share: float = 0.0) -> None:
        self.image = image
        self.read_source = source
        self.edit_share = edit_share

    @cached_property
    def grey(self) -> Image.Image:
        """The picture in mode L."""
        return self.image.convert("L")

    @cached_property
    def luma(self) -> Plane:
        """Luma, (height, width)."""
        return np.asarray(self.grey, np.float32)

    @cached_property
    def small(self) -> NDArray[np.int16]:
        """The picture at the size at which colours are compared."""
        return small(self.image, small_size(self.image.size))

    @cached_property
    def source(self) -> SourceView | None:
        """What is needed of the source. Raises WorkerError where it cannot be read."""
        return None if self.read_source is None else self.read_source(self.image.size)

    @cached_property
    def edit(self) -> Edit | None:
        """The area of a local edit."""
        if self.source is None or not self.edit_share:
            return None
        return find_edit(self.small, self.source.small, self.edit_share)


Measure = Callable[[Subject], Mapping[str, float]]


def measure(subject: Subject, measures: Sequence[tuple[str, Measure]] | None = None) -> Measured:
    """Takes every measure of a picture. Never raises for what a measure meets."""
    found = Measured()
    for name, one in MEASURES if measures is None else measures:
        found.take(name, lambda one=one: one(subject))  # type: ignore[misc]  # mypy sees no type of a lambda's default
    return found


def _size(subject: Subject) -> dict[str, float]:
    return {"width": float(subject.image.width), "height": float(subject.image.height)}


def _light(subject: Subject) -> dict[str, float]:
    return {"luminance_mean": float(subject.luma.mean()), "luminance_std": float(subject.luma.std())}


def _blank(subject: Subject) -> dict[str, float]:
    return {"blank": _largest_deviation(subject.image)}


def _colour(subject: Subject) -> dict[str, float]:
    chroma = _chroma(np.asarray(subject.image))
    return {"chroma_mean": float(chroma.mean()), "chroma_p95": _percentile(chroma, 95)}


def _sharpness(subject: Subject) -> dict[str, float]:
    return {"sharpness": float(_laplacian(subject.luma).var())} if min(subject.image.size) >= 3 else {}


def _structure(subject: Subject) -> dict[str, float]:
    if min(subject.image.size) < 3 or subject.source is None:
        return {}
    size = map_size(subject.image.size)
    made, edit = edge_map(subject.grey, size), subject.edit
    values = {"structure_f1": agreement(made, subject.source.edges, edit.outside(size) if edit else None)}
    return values | ({"edit_share": edit.share} if edit else {})


MEASURES: tuple[tuple[str, Measure], ...] = (
    ("width", _size),
    ("luminance_mean", _light),
    ("blank", _blank),
    ("chroma_mean", _colour),
    ("sharpness", _sharpness),
    ("structure_f1", _structure),
)


def _chroma(pixels: Pixels) -> Plane:
    """CIE L*a*b* chroma of evenly spaced pixels."""
    across = -(-pixels.shape[1] // _MAX_CHROMA_SIDE)
    down = -(-pixels.shape[0] // _MAX_CHROMA_SIDE)
    linear = _LINEAR[pixels[::down, ::across]].reshape(-1, 3)
    xyz = linear @ _XYZ.T
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), xyz * np.float32(841 / 108) + np.float32(4 / 29))
    chroma: Plane = np.hypot(500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2]))
    return chroma


def _largest_deviation(image: Image.Image) -> float:
    """The largest of the three channels' standard deviations, by their histograms."""
    counts = np.asarray(image.histogram(), np.float64).reshape(3, 256) / (image.width * image.height)
    values = np.arange(256)
    mean = counts @ values
    return float(np.sqrt(np.maximum(counts @ (values * values) - mean * mean, 0).max()))


def _percentile(values: Plane, percent: int) -> float:
    """The smallest value that at least `percent` of all values do not exceed: the nearest-rank definition."""
    rank = max(0, -(-values.size * percent // 100) - 1)
    return float(np.partition(values, rank)[rank])


def _laplacian(luma: Plane) -> Plane:
    middle = luma[1:-1, 1:-1]
    return luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * middle
