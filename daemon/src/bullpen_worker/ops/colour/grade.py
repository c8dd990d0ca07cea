"""A colour profile, and what it does to a picture: every step in linear light, one picture element at a time.

The order is fixed: white balance → exposure → contrast → lift, gamma, gain → saturation, then too bright colours are
dimmed to what the screen has, then the lookup table acts on the screen's signal, then the strength. A step at its
neutral value is left out, and a profile that changes nothing gives back the very same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bullpen_worker.ops.colour.light import LUMINANCE, ByteArray, FloatArray, to_bytes, to_light, to_signal
from bullpen_worker.ops.colour.lut import Lut
from bullpen_worker.ops.colour.white import NEUTRAL_KELVIN, balance

# Photographic middle grey: contrast turns around it.
PIVOT = np.float32(0.18)
# Elements that are worked on at once; bounds the memory, whatever the picture's size.
_AT_ONCE = 1 << 18

Three = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Grade:
    """A profile. The defaults change nothing.

    `exposure` in stops; `kelvin` and `duv` as in `white`; `contrast` and `saturation` are factors; `lift` is added to
    black, `gain` multiplies white, `gamma` above 1 lightens what lies between, each for red, green, blue. `strength`
    0..1 mixes the result with the original. `lut` acts on the signal.
    """

    exposure: float = 0.0
    kelvin: float = NEUTRAL_KELVIN
    duv: float = 0.0
    contrast: float = 1.0
    lift: Three = (0.0, 0.0, 0.0)
    gamma: Three = (1.0, 1.0, 1.0)
    gain: Three = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    strength: float = 1.0
    lut: Lut | None = None


def apply(picture: ByteArray, grade: Grade, advance: Callable[[float], None] = lambda share: None) -> ByteArray:
    """The picture (height, width, 3 or 4) with the profile applied; alpha is taken over as it is.

    `advance` is told the share that is done, 0..1.
    """
    steps = _steps(grade)
    if (not steps and grade.lut is None) or grade.strength == 0:
        advance(1.0)
        return picture
    out = picture.copy()
    flat, made = picture.reshape(-1, picture.shape[-1]), out.reshape(-1, picture.shape[-1])
    for start in range(0, len(flat), _AT_ONCE):
        before = flat[start : start + _AT_ONCE, :3]
        made[start : start + _AT_ONCE, :3] = _graded(before, grade, steps)
        if picture.shape[-1] == 4:
            # What nobody sees stays as it is: a lifted black under full transparency would only make the file larger.
            hidden = flat[start : start + _AT_ONCE, 3] == 0
            made[start : start + _AT_ONCE][hidden] = flat[start : start + _AT_ONCE][hidden]
        advance(min(1.0, (start + _AT_ONCE) / len(flat)))
    return out


def _graded(before: ByteArray, grade: Grade, steps: list[Callable[[FloatArray], FloatArray]]) -> ByteArray:
    if steps:
        light = to_light(before)
        for step in steps:
            light = step(light)
        # What is brighter than the screen keeps its hue: cut off colour by colour, a warm white would turn to lemon.
        signal = to_signal(light / np.maximum(light.max(axis=1, keepdims=True), 1))
    else:
        signal = before.astype(np.float32) / np.float32(255)
    if grade.lut is not None:
        signal = grade.lut.apply(signal)
    if grade.strength < 1:
        # Between signals and not between lights: half of a look is what looks half as strong.
        signal = before / np.float32(255) * np.float32(1 - grade.strength) + signal * np.float32(grade.strength)
    return to_bytes(signal)


def _steps(grade: Grade) -> list[Callable[[FloatArray], FloatArray]]:
    steps: list[Callable[[FloatArray], FloatArray]] = []
    matrix = (balance(grade.kelvin, grade.duv) * np.float32(2.0**grade.exposure)).T
    if not np.array_equal(matrix, np.eye(3)):
        # Negative amounts of light are colours that the screen does not have.
        steps.append(lambda light: np.maximum(_times(light, matrix), 0))
    if grade.contrast != 1:
        steps.append(lambda light: PIVOT * (light / PIVOT) ** np.float32(grade.contrast))
    if (grade.lift, grade.gamma, grade.gain) != ((0.0,) * 3, (1.0,) * 3, (1.0,) * 3):
        steps.append(lambda light: _lift_gamma_gain(light, grade))
    if grade.saturation != 1:
        steps.append(lambda light: _saturated(light, grade.saturation))
    return steps


def _times(light: FloatArray, matrix: NDArray[np.float32]) -> FloatArray:
    # Not `@`: its sums depend on how many rows there are, and a picture must not depend on where it is parted.
    total: FloatArray = light[:, :1] * matrix[0] + light[:, 1:2] * matrix[1] + light[:, 2:] * matrix[2]
    return total


def _lift_gamma_gain(light: FloatArray, grade: Grade) -> FloatArray:
    lift, gamma, gain = (np.array(values, dtype=np.float32) for values in (grade.lift, grade.gamma, grade.gain))
    lifted = np.maximum(gain * (light + lift * (1 - light)), 0)
    bent: FloatArray = (lifted ** (1 / gamma)).astype(np.float32)
    return bent


def _saturated(light: FloatArray, saturation: float) -> FloatArray:
    grey = (light * LUMINANCE).sum(axis=1, keepdims=True)
    mixed: FloatArray = np.maximum(grey + (light - grey) * np.float32(saturation), 0)
    return mixed
