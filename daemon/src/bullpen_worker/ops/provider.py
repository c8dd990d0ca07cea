"""Pictures on their way to a provider and back: only pixels leave, and nothing that comes is trusted.

What leaves is drawn anew from decoded pixels, so that no text, profile or place of a photograph goes along. What comes
back is opened with the same limits as a stranger's file. A provider has few sizes: the picture is fitted to one of them
before, and the part that it lay in is taken out again after.
"""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
from bullpen_api.worker.v1 import link_pb2
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bullpen_worker.failures import WorkerError
from bullpen_worker.method_spec import mask_spec
from bullpen_worker.ops.fit import fit, fitted_size
from bullpen_worker.ops.inpaint_mask import inpaint_mask, keep_outside
from bullpen_worker.ops.picture import open_layered, open_picture
from bullpen_worker.ops.store import digest

_COMPRESS_LEVEL = 4
# A provider may round a size; beyond this share it cut or stretched the picture.
_SAME_SHAPE = 0.02
# From this much of a soft mask on a provider paints.
_PAINTED = 128


def prepare_upload(task: link_pb2.PrepareUpload, max_pixels: int) -> link_pb2.UploadPrepared:
    """Writes the PNG that may leave, and the mask of where to paint in it, if one is asked for.

    Raises WorkerError PATH_NOT_FOUND, PICTURE_…, FIELD_INVALID for a place that is none, OSError for a full disk.
    """
    image = open_picture(task.path, max_pixels)
    source_width, source_height = image.size
    mask = inpaint_mask(mask_spec(task.mask), image, max_pixels) if task.HasField("mask") else None
    if task.width and task.height:
        image = fit(image, task.width, task.height).image
    elif task.most_pixels and image.width * image.height > task.most_pixels:
        shrink = math.sqrt(task.most_pixels / (image.width * image.height))
        size = (max(1, math.floor(image.width * shrink)), max(1, math.floor(image.height * shrink)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    # A new picture of the same pixels: whatever the file knew besides stays here.
    clean = Image.fromarray(np.asarray(image.convert("RGB")))
    data = _png(clean)
    _write(Path(task.out_path), data)
    masked = b""
    if mask is not None:
        masked = _png(_transparent_where(mask, clean.size))
        _write(Path(task.mask_path), masked)
    return link_pb2.UploadPrepared(
        sha256=digest(data),
        size_bytes=len(data),
        width=clean.width,
        height=clean.height,
        source_width=source_width,
        source_height=source_height,
        mask_sha256=digest(masked) if masked else "",
    )


def read_answer(task: link_pb2.ReadAnswer, max_pixels: int) -> link_pb2.AnswerRead:
    """Proves a picture and writes its pixels as RGB, row by row, at the size that is asked for.

    With a source's size the part is taken that this source lay in when it was fitted to the answer's shape, without
    one the middle. Raises WorkerError PATH_NOT_FOUND, PICTURE_…, and OSError for a full disk.
    """
    image = open_picture(task.path, max_pixels)
    size = (task.width, task.height)
    if task.source_width and task.source_height:
        size = fitted_size(task.source_width, task.source_height, task.width, task.height)
        inner = fitted_size(task.source_width, task.source_height, *image.size)
        left, top = (image.width - inner[0]) // 2, (image.height - inner[1]) // 2
        image = image.crop((left, top, left + inner[0], top + inner[1]))
        image = image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
    elif image.size != size:
        image = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    if task.HasField("mask"):
        source = open_picture(task.source_path, max_pixels)
        mask = inpaint_mask(mask_spec(task.mask), source, max_pixels)
        # What a provider changed outside of the place is not taken: the mask is only advice to it.
        image = keep_outside(image, source.resize(size, Image.Resampling.LANCZOS), mask.resize(size))
    _write(Path(task.raw_path), image.tobytes())
    return link_pb2.AnswerRead(width=size[0], height=size[1])


def _transparent_where(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A mask as OpenAI's protocol wants it: a black picture of a canvas, transparent where it is to be painted."""
    inner = fitted_size(*mask.size, *size)
    keep = Image.new("L", size, 255)
    painted = mask.resize(inner).point(lambda value: 0 if value >= _PAINTED else 255)
    keep.paste(painted, ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
    made = Image.new("RGBA", size)
    made.putalpha(keep)
    return made


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=_COMPRESS_LEVEL)
    return buffer.getvalue()


def answered_alpha(path: str, width: int, height: int, max_pixels: int) -> NDArray[np.uint8]:
    """The transparency of a provider's cutout, (height, width), for a picture of this size.

    Raises WorkerError PICTURE_… for what is no picture, and ENGINE_FAILED for one without transparency or of another
    shape.
    """
    image = open_layered(path, max_pixels)
    if image.mode != "RGBA":
        raise WorkerError("ENGINE_FAILED", "The provider's picture has no transparency: nothing was cut out.")
    shape = (image.width / image.height) / (width / height)
    if abs(shape - 1) > _SAME_SHAPE:
        raise WorkerError(
            "ENGINE_FAILED",
            f"The provider's picture is {image.width}×{image.height}: another shape than the source.",
        )
    alpha = image.getchannel("A")
    if alpha.size != (width, height):
        alpha = alpha.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(alpha, dtype=np.uint8)


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError:
        path.unlink(missing_ok=True)
        raise
