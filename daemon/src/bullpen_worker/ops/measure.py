"""What can be measured of a picture without a model. Values only: which of them are too high or too low is decided by
the daemon.

| name | meaning | unit |
|---|---|---|
| `width`, `height` | size | pixels |
| `luminance_mean`, `luminance_std` | mean and standard deviation of luma (ITU-R BT.601) | 0–255 |
| `blank` | largest standard deviation of the three channels; near 0 for a picture of one colour | 0–255 |
| `chroma_mean`, `chroma_p95` | mean and 95th percentile of chroma C* = √(a*² + b*²) (CIE L*a*b*, D65) | 0 – about 130 |
| `sharpness` | variance of the Laplacian of luma | luma² |
| `structure_f1` | agreement of edges with the source, 0–1; only with a source | share |

Chroma is taken from at most 128×128 evenly spaced pixels. The edges of picture and source agree within two pixels;
F1 is the harmonic mean of the share of the picture's edges that the source has and of the source's that the picture
has, after Martin, Fowlkes, Malik (2004), "Learning to detect natural image boundaries", section 5, without matching.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]

_MAX_CHROMA_SIDE = 128
_MAX_EDGE_SIDE = 512
_EDGE_TOLERANCE = 2
# A gradient this weak, in luma a pixel, is no edge whatever the rest of the picture looks like.
_FAINTEST_EDGE = 8.0

# sRGB (IEC 61966-2-1) to linear light, for all 256 values.
_RAMP = np.arange(256, dtype=np.float32) / 255
_LINEAR: Plane = np.where(_RAMP <= 0.04045, _RAMP / 12.92, ((_RAMP + 0.055) / 1.055) ** 2.4).astype(np.float32)
# Linear sRGB to CIE XYZ relative to the D65 white point, so that white is (1, 1, 1).
_XYZ = (
    np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
    / np.array([[0.95047], [1.0], [1.08883]])
).astype(np.float32)


def measure(image: Image.Image, source: Image.Image | None) -> dict[str, float]:
    """Measures an RGB picture; `source` is RGB too, of any size and the same proportions."""
    width, height = image.size
    grey = image.convert("L")
    luma: Plane = np.asarray(grey, np.float32)
    chroma = _chroma(np.asarray(image))
    values = {
        "width": float(width),
        "height": float(height),
        "luminance_mean": float(luma.mean()),
        "luminance_std": float(luma.std()),
        "blank": _largest_deviation(image),
        "chroma_mean": float(chroma.mean()),
        "chroma_p95": _percentile(chroma, 95),
    }
    if min(width, height) >= 3:
        values["sharpness"] = float(_laplacian(luma).var())
        if source is not None:
            values["structure_f1"] = _structure_f1(grey, source)
    return values


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


def _structure_f1(grey: Image.Image, source: Image.Image) -> float:
    """F1 of the two edge maps; 1 where neither has edges, 0 where only one has."""
    shrink = min(1.0, _MAX_EDGE_SIDE / max(grey.size))
    size = (max(3, round(grey.width * shrink)), max(3, round(grey.height * shrink)))
    made = _edges(_luma_plane(grey, size))
    wanted = _edges(_luma_plane(source.convert("L"), size))
    count_made, count_wanted = int(made.sum()), int(wanted.sum())
    if not count_made or not count_wanted:
        return 1.0 if count_made == count_wanted else 0.0
    precision = int((made & _grow(wanted)).sum()) / count_made
    recall = int((wanted & _grow(made)).sum()) / count_wanted
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _luma_plane(grey: Image.Image, size: tuple[int, int]) -> NDArray[np.int16]:
    if grey.size != size:
        grey = grey.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(grey, np.int16)


def _edges(luma: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Where the Sobel gradient stands out: stronger than mean plus one standard deviation of this picture's."""
    padded = _with_border(luma)
    down = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    across = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    x = (down[:, 2:] - down[:, :-2]).astype(np.float32)
    y = (across[2:] - across[:-2]).astype(np.float32)
    strength = np.sqrt(x * x + y * y)
    edges: NDArray[np.bool_] = strength > max(float(strength.mean() + strength.std()), 8 * _FAINTEST_EDGE)
    return edges


def _with_border(luma: NDArray[np.int16]) -> NDArray[np.int16]:
    """The plane with its outermost rows and columns repeated once; what `np.pad` does, at a tenth of its cost."""
    padded = np.empty((luma.shape[0] + 2, luma.shape[1] + 2), luma.dtype)
    padded[1:-1, 1:-1] = luma
    padded[0, 1:-1], padded[-1, 1:-1] = luma[0], luma[-1]
    padded[:, 0], padded[:, -1] = padded[:, 1], padded[:, -2]
    return padded


def _grow(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask with everything within the tolerance of it, row- and column-wise."""
    for axis in (0, 1):
        grown = mask.copy()
        for shift in range(1, _EDGE_TOLERANCE + 1):
            there, back = [slice(None)] * 2, [slice(None)] * 2
            there[axis], back[axis] = slice(shift, None), slice(None, -shift)
            grown[tuple(there)] |= mask[tuple(back)]
            grown[tuple(back)] |= mask[tuple(there)]
        mask = grown
    return mask
