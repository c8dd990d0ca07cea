"""Training pairs of the upscaler: windows of panels of 512 pixels and the same windows made small, often a little worn.

Half of the pairs are clean reductions, by area or bicubic; the others have light blur, noise or JPEG on them, as
pictures have that come from a model or a file.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image
from torch import Tensor

from bullpen_starter.train import roughen
from bullpen_starter.train.panelpack import Pixels, panel_pack

SIZE = 512
REDUCTIONS = (Image.Resampling.BOX, Image.Resampling.BICUBIC)


def to_tensor(pictures: list[Image.Image]) -> Tensor:
    """RGB pictures of one size to (n, 3, h, w) in 0..1."""
    stacked = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    return stacked.permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)


def reduced(picture: Image.Image, scale: int, how: Image.Resampling) -> Image.Image:
    """The picture made `scale` times smaller; its sides are multiples of `scale`."""
    return picture.resize((picture.width // scale, picture.height // scale), how)


def worn(picture: Image.Image, rng: Generator) -> Image.Image:
    """A little blur, noise or JPEG, one or more of them."""
    if rng.random() < 0.4:
        picture = roughen.blurred(picture, rng, 0.6)
    if rng.random() < 0.4:
        picture = roughen.noisy(picture, rng, 0.015)
    if rng.random() < 0.4:
        picture = roughen.jpeg(picture, rng, 70, 97)
    return picture


class Windows:
    """Endless pairs (small, large) from a pack under `cache`; the same seed gives the same pairs."""

    def __init__(self, cache: Path, count: int, scale: int, seed: int) -> None:
        self._pictures, _, _ = panel_pack(cache, "upscaler", SIZE, count)
        self._scale = scale
        self._rng = np.random.default_rng(seed)

    def _window(self, side: int) -> Image.Image:
        """A window of `side` pixels, mirrored or turned; for doubling also of panels of 256 pixels."""
        rng = self._rng
        factor = 2 if self._scale == 2 and rng.random() < 0.5 else 1
        number = int(rng.integers(len(self._pictures)))
        y, x = rng.integers(0, SIZE - side * factor + 1, 2)
        part: Pixels = self._pictures[number, y : y + side * factor, x : x + side * factor]
        window = Image.fromarray(np.ascontiguousarray(part)).reduce(factor)
        if rng.random() < 0.5:
            window = window.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if rng.random() < 0.3:
            window = window.transpose(Image.Transpose.TRANSPOSE)
        return window

    def batch(self, number: int, side: int) -> tuple[Tensor, Tensor]:
        """`number` pairs: (n, 3, side, side) and (n, 3, side * scale, side * scale) in 0..1."""
        small, large = [], []
        for _ in range(number):
            window = self._window(side * self._scale)
            tiny = reduced(window, self._scale, REDUCTIONS[int(self._rng.integers(2))])
            small.append(worn(tiny, self._rng) if self._rng.random() < 0.5 else tiny)
            large.append(window)
        return to_tensor(small), to_tensor(large)
