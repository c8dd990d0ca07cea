"""What a picture's structure looks like to a ControlNet: white lines on black, found without a model.

`canny` gives thin lines wherever the picture changes: Canny (1986), "A Computational Approach to Edge Detection", with
thresholds that follow the picture. `line` gives what a pen would draw, dark strokes and contours at their width: the
extended difference of Gaussians of Winnemöller, Kyprianidis, Olsen (2012), https://doi.org/10.1016/j.cag.2012.03.004.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Radii in pixels at this longer side; they grow with the picture.
_BASE_SIDE = 512
# Shares of the pixels that are weaker than a sure edge, and how weak a doubtful one may be beside it.
_SURE, _DOUBTFUL = 0.90, 0.4
# Gradient in luma a pixel below which nothing is an edge.
_FAINTEST = 4.0


def canny(image: Image.Image) -> Image.Image:
    """Edges of an RGB picture as an RGB picture of its size, white on black."""
    luma = _blurred(_luma(image), 1.4 * _scale(image))
    down, across = (np.asarray(part, np.float32) for part in np.gradient(luma))
    strength = np.hypot(across, down)
    ridge = strength * _is_ridge(strength, across, down)
    sure = max(_FAINTEST, float(np.quantile(strength, _SURE)))
    return _drawn(_connected(ridge >= sure, ridge >= max(_FAINTEST / 2, sure * _DOUBTFUL)).astype(np.float32))


def line(image: Image.Image) -> Image.Image:
    """The drawing in an RGB picture as an RGB picture of its size, white on black."""
    luma, scale = _luma(image), _scale(image)
    near, far = _blurred(luma, 0.8 * scale), _blurred(luma, 0.8 * 1.6 * scale)
    # How much darker than its surroundings, in luma; flat areas are 0 whatever their tone.
    darker = far - near
    contrast = max(1.0, float(np.quantile(np.abs(darker), 0.98)))
    return _drawn(np.clip((darker / contrast - 0.15) / 0.5, 0.0, 1.0))


# By the kind that a ControlNet was trained on.
DRAWN: dict[str, Callable[[Image.Image], Image.Image]] = {"canny": canny, "line": line}


def _scale(image: Image.Image) -> float:
    return max(0.5, max(image.size) / _BASE_SIDE)


def _luma(image: Image.Image) -> FloatArray:
    return np.asarray(image.convert("L"), np.float32)


def _blurred(plane: FloatArray, radius: float) -> FloatArray:
    kernel = _kernel(radius)
    return _along(_along(plane, kernel, 0), kernel, 1)


def _kernel(radius: float) -> FloatArray:
    reach = max(1, round(3 * radius))
    at = np.arange(-reach, reach + 1, dtype=np.float32)
    weights = np.exp(-(at**2) / (2 * radius**2))
    return np.asarray(weights / weights.sum(), np.float32)


def _along(plane: FloatArray, kernel: FloatArray, axis: int) -> FloatArray:
    reach = len(kernel) // 2
    width = [(0, 0), (0, 0)]
    width[axis] = (reach, reach)
    padded = np.pad(plane, width, mode="edge")
    length = plane.shape[axis]
    found = np.zeros_like(plane)
    for index, weight in enumerate(kernel):
        found += weight * padded.take(range(index, index + length), axis=axis)
    return found


def _is_ridge(strength: FloatArray, across: FloatArray, down: FloatArray) -> Mask:
    """Where the gradient is not weaker than its two neighbours across the edge."""
    padded = np.pad(strength, 1, mode="edge")
    turn = np.round(np.arctan2(down, across) / (np.pi / 4)).astype(int) % 4
    high, wide = strength.shape
    ridge: Mask = np.zeros(strength.shape, np.bool_)
    for index, (y, x) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = padded[1 + y : 1 + y + high, 1 + x : 1 + x + wide]
        behind = padded[1 - y : 1 - y + high, 1 - x : 1 - x + wide]
        ridge |= (turn == index) & (strength >= ahead) & (strength > behind)
    return ridge


def _connected(sure: Mask, doubtful: Mask) -> Mask:
    """The sure edges with every doubtful one that hangs on them."""
    found = sure
    while True:
        spread = Image.fromarray(found).convert("L").filter(ImageFilter.MaxFilter(3))
        grown: Mask = (np.asarray(spread) > 0) & doubtful | found
        if np.array_equal(grown, found):
            return found
        found = grown


def _drawn(share: FloatArray) -> Image.Image:
    return Image.fromarray(np.round(share * 255).astype(np.uint8)).convert("RGB")
