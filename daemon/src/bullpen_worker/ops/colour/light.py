"""Between bytes as a screen takes them (sRGB) and amounts of light, in which exposure and mixing are arithmetic.

Source: IEC 61966-2-1. Red, green and blue have the primaries of ITU-R BT.709; 1 is the screen's white.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]

# Shares of red, green and blue in luminance, ITU-R BT.709.
LUMINANCE = np.array((0.2126, 0.7152, 0.0722), dtype=np.float32)

_BEND, _SLOPE, _OFFSET, _POWER = 0.0031308, 12.92, 0.055, 2.4


def _decode(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(signal <= _BEND * _SLOPE, signal / _SLOPE, ((signal + _OFFSET) / (1 + _OFFSET)) ** _POWER)


# Light of each of the 256 levels.
_LIGHT: FloatArray = _decode(np.arange(256) / 255).astype(np.float32)


def to_light(levels: ByteArray) -> FloatArray:
    """Bytes of any shape as light in 0..1, of the same shape."""
    light: FloatArray = _LIGHT[levels]
    return light


def to_signal(light: FloatArray) -> FloatArray:
    """Light as sRGB signal; what lies outside of 0..1 is cut off."""
    cut = np.clip(light, 0, 1)
    signal: FloatArray = np.where(
        cut <= _BEND, cut * np.float32(_SLOPE), np.float32(1 + _OFFSET) * cut ** np.float32(1 / _POWER) - _OFFSET
    ).astype(np.float32)
    return signal


def to_bytes(signal: FloatArray) -> ByteArray:
    """Signal in 0..1 as bytes, rounded to the nearest; what lies outside is cut off."""
    return (np.clip(signal, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
