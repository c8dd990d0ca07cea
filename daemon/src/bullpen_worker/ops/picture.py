"""Opens a person's picture safely: limits first, then the whole decode, upright, in sRGB, without transparency.

Pillow's own limit on decoded pixels is switched off here because `heads` refuses earlier, at the project's limit, and
with words.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.heads import Head, read_head
from bullpen_worker.ops.profiles import to_srgb

Image.MAX_IMAGE_PIXELS = None

# EXIF orientations in which rows and columns change places.
_TURNED = frozenset({5, 6, 7, 8})
_ORIENTATION = 0x0112


def open_picture(path: str | Path, max_pixels: int) -> Image.Image:
    """The picture as RGB, upright by its EXIF orientation, in sRGB by its profile, transparency laid on white, decoded
    to the last pixel. Of an animation it is the first picture.

    Raises WorkerError: PATH_NOT_FOUND, PICTURE_UNREADABLE, PICTURE_TOO_LARGE.
    """
    return _decoded(path, max_pixels, _flatten)


def open_layered(path: str | Path, max_pixels: int) -> Image.Image:
    """Like `open_picture`, but a picture with transparency stays so and comes as RGBA."""
    return _decoded(path, max_pixels, _layered)


def pictures_in(path: str | Path, max_pixels: int) -> int:
    """How many pictures a file holds one behind the other: 1, but for animations. Raises what `open_picture` raises."""
    head = read_head(path, max_pixels)
    try:
        with Image.open(path, formats=[head.format]) as image:
            return int(getattr(image, "n_frames", 1))
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise damaged(path, head, error) from error


def _decoded(path: str | Path, max_pixels: int, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    head = read_head(path, max_pixels)
    try:
        with Image.open(path, formats=[head.format]) as image:
            image.load()
            return convert(to_srgb(ImageOps.exif_transpose(image)))
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise damaged(path, head, error) from error


def _is_layered(image: Image.Image) -> bool:
    return image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info


def upright_size(path: str | Path, head: Head) -> tuple[int, int]:
    """Width and height after orientation, from the file's head; nothing is decoded.

    Raises WorkerError PICTURE_UNREADABLE.
    """
    try:
        with Image.open(path, formats=[head.format]) as image:
            # For PNG and WebP `getexif` may decode the picture; their head's entry says enough.
            exif = image.getexif() if head.format == "JPEG" else Image.Exif()
            if head.format != "JPEG" and "exif" in image.info:
                exif.load(image.info["exif"])
            turned = exif.get(_ORIENTATION) in _TURNED
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise damaged(path, head, error) from error
    return (head.height, head.width) if turned else (head.width, head.height)


def damaged(path: str | Path, head: Head, error: Exception) -> WorkerError:
    """The failure of a file that begins like a picture and is none."""
    return WorkerError("PICTURE_UNREADABLE", f"{path} is a damaged or cut-off {head.format} picture: {error}.")


def _layered(image: Image.Image) -> Image.Image:
    # Pillow has no sixteen bits with transparency.
    return image.convert("RGBA") if _is_layered(image) and not image.mode.startswith("I") else _flatten(image)


def _flatten(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        # Sixteen bits a sample; Pillow's own conversion would clip instead of scaling.
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)).convert("RGB")
    if _is_layered(image):
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (255, 255, 255, 255))
        ground.alpha_composite(layered)
        return ground.convert("RGB")
    return image.convert("RGB")
