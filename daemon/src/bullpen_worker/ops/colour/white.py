"""White balance: which white a neutral grey of the picture becomes.

A white is named by the temperature of daylight in kelvin (CIE 015:2018, 4000 to 25 000 K; 6504 is the screen's own) and
by its distance from daylight in the CIE 1960 diagram (Duv; above 0 greener, below 0 pinker). The change is made as an
eye adapts: in the cone space of Bradford (Lam 1985), keeping the luminance of white.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEUTRAL_KELVIN = 6504.0
LOWEST_KELVIN, HIGHEST_KELVIN = 4000.0, 25_000.0

_Matrix = NDArray[np.float64]

# Linear sRGB to XYZ (IEC 61966-2-1), and XYZ to cones.
_TO_XYZ: _Matrix = np.array(
    ((0.4123908, 0.3575843, 0.1804808), (0.2126390, 0.7151687, 0.0721923), (0.0193308, 0.1191948, 0.9505322))
)
_TO_CONES: _Matrix = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))


def balance(kelvin: float, duv: float) -> NDArray[np.float32]:
    """The (3, 3) matrix that takes linear RGB under the screen's white to RGB under another; identity for neutral."""
    if kelvin == NEUTRAL_KELVIN and duv == 0:
        return np.eye(3, dtype=np.float32)
    # The ratio of two whites of one formula, so that 6504 K without tint is exactly no change.
    whites = [_TO_CONES @ _white(*pair) for pair in ((kelvin, duv), (NEUTRAL_KELVIN, 0.0))]
    cones = _TO_CONES @ _TO_XYZ
    matrix = np.linalg.inv(cones) @ np.diag(whites[0] / whites[1]) @ cones
    return matrix.astype(np.float32)


def _white(kelvin: float, duv: float) -> _Matrix:
    """XYZ of a white with Y = 1."""
    u, v = _uv(kelvin)
    if duv:
        # Across the line of daylight, on its greener side.
        along = np.subtract(_uv(kelvin * 1.001), _uv(kelvin / 1.001))
        across = np.array((-along[1], along[0])) / np.hypot(*along)
        u, v = np.array((u, v)) + duv * across * np.sign(across[1])
    x, y = 3 * u / (2 * u - 8 * v + 4), 2 * v / (2 * u - 8 * v + 4)
    return np.array((x / y, 1.0, (1 - x - y) / y))


def _uv(kelvin: float) -> tuple[float, float]:
    k = 1000 / kelvin
    if kelvin <= 7000:
        x = ((-4.6070 * k + 2.9678) * k + 0.09911) * k + 0.244063
    else:
        x = ((-2.0064 * k + 1.9018) * k + 0.24748) * k + 0.237040
    y = (-3.0 * x + 2.87) * x - 0.275
    return 4 * x / (-2 * x + 12 * y + 3), 6 * y / (-2 * x + 12 * y + 3)
