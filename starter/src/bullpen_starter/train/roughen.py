"""What happens to pictures on their way: softness of generated pictures, JPEG, noise, other light.

Works on Pillow pictures and numpy arrays; every function takes its own generator, so that training is repeatable.
"""

import io

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

Picture = Image.Image


def coarse(picture: Picture, rng: Generator) -> Picture:
    """The look of a small generated picture: fewer pixels, and colours softer than lines."""
    width, height = picture.size
    share = rng.uniform(0.3, 0.75)
    small = picture.resize((max(8, int(width * share)), max(8, int(height * share))), Image.Resampling.BOX)
    if rng.random() < 0.5:
        luma, *chroma = small.convert("YCbCr").split()
        soft = [band.reduce(3).resize(luma.size, Image.Resampling.BICUBIC) for band in chroma]
        small = Image.merge("YCbCr", (luma, *soft)).convert("RGB")
    return small.resize(picture.size, Image.Resampling.BICUBIC)


def jpeg(picture: Picture, rng: Generator, low: int = 30, high: int = 92) -> Picture:
    """There and back through JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=int(rng.integers(low, high)))
    with Image.open(buffer) as held:
        return held.convert("RGB")


def blurred(picture: Picture, rng: Generator, most: float = 1.3) -> Picture:
    """A little out of focus."""
    return picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, most))))


def noisy(picture: Picture, rng: Generator, most: float = 0.05) -> Picture:
    """Grain on every pixel."""
    values = np.asarray(picture, dtype=np.float32)
    grain = rng.standard_normal(values.shape, dtype=np.float32) * (255 * rng.uniform(0, most))
    return Image.fromarray(np.clip(values + grain, 0, 255).astype(np.uint8))


def relit(picture: Picture, rng: Generator) -> Picture:
    """Other exposure, contrast and balance of colours."""
    values = np.asarray(picture, dtype=np.float32) / 255
    grey = values.mean(axis=-1, keepdims=True)
    values = grey + (values - grey) * rng.uniform(0.4, 1.3)
    values = values * rng.uniform(0.85, 1.15, 3).astype(np.float32)
    values = np.clip(values, 0, 1) ** rng.uniform(0.7, 1.4)
    return Image.fromarray(np.clip(values * 255, 0, 255).astype(np.uint8))
