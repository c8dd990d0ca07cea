"""Fits a picture to a model's size without distortion, and takes the fitting back afterwards.

The whole picture is kept: it is scaled to lie inside the canvas and the rest is filled by repeating its edges, which a
model disturbs less than a hard border. The result is cropped back to the picture's own shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True, slots=True)
class Fitted:
    """A picture on its canvas; `box` is where it lies: left, top, right, bottom in pixels."""

    image: Image.Image
    box: tuple[int, int, int, int]

    def restore(self, image: Image.Image) -> Image.Image:
        """The part of a picture of the canvas, at any scale of it, that the source lay in."""
        if self.box == (0, 0, *self.image.size):
            return image
        across, down = image.width / self.image.width, image.height / self.image.height
        left, top, right, bottom = self.box
        return image.crop(
            (
                round(left * across),
                round(top * down),
                max(round(right * across), round(left * across) + 1),
                max(round(bottom * down), round(top * down) + 1),
            )
        )


def fitted_size(width: int, height: int, canvas_width: int, canvas_height: int) -> tuple[int, int]:
    """The size of a picture scaled to lie inside a canvas, touching it on two sides. At least one pixel each way."""
    scale = min(canvas_width / width, canvas_height / height)
    return (
        min(canvas_width, max(1, round(width * scale))),
        min(canvas_height, max(1, round(height * scale))),
    )


def fit(image: Image.Image, width: int, height: int) -> Fitted:
    """Puts an RGB picture on a canvas of the given size. One that has this size already stays untouched."""
    if image.size == (width, height):
        return Fitted(image, (0, 0, width, height))
    inner_width, inner_height = fitted_size(image.width, image.height, width, height)
    scaled = image.resize((inner_width, inner_height), Image.Resampling.LANCZOS)
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    box = (left, top, left + inner_width, top + inner_height)
    if (inner_width, inner_height) == (width, height):
        return Fitted(scaled, box)
    padding = ((top, height - box[3]), (left, width - box[2]), (0, 0))
    return Fitted(Image.fromarray(np.pad(np.asarray(scaled), padding, mode="edge")), box)
