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
from bullpen_worker.ops.fit import fit, fitted_size
from bullpen_worker.ops.picture import open_layered, open_picture
from bullpen_worker.ops.store import digest

_COMPRESS_LEVEL = 4
# A provider may round a size; beyond this share it cut or stretched the picture.
_SAME_SHAPE = 0.02


def prepare_upload(task: link_pb2.PrepareUpload, max_pixels: int) -> link_pb2.UploadPrepared:
    """Writes the PNG that may leave. Raises WorkerError PATH_NOT_FOUND, PICTURE_…, and OSError for a full disk."""
    image = open_picture(task.path, max_pixels)
    source_width, source_height = image.size
    if task.width and task.height:
        image = fit(image, task.width, task.height).image
    elif task.most_pixels and image.width * image.height > task.most_pixels:
        shrink = math.sqrt(task.most_pixels / (image.width * image.height))
        size = (max(1, math.floor(image.width * shrink)), max(1, math.floor(image.height * shrink)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    # A new picture of the same pixels: whatever the file knew besides stays here.
    clean = Image.fromarray(np.asarray(image.convert("RGB")))
    buffer = io.BytesIO()
    clean.save(buffer, "PNG", compress_level=_COMPRESS_LEVEL)
    data = buffer.getvalue()
    _write(Path(task.out_path), data)
    return link_pb2.UploadPrepared(
        sha256=digest(data),
        size_bytes=len(data),
        width=clean.width,
        height=clean.height,
        source_width=source_width,
        source_height=source_height,
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
    _write(Path(task.raw_path), image.tobytes())
    return link_pb2.AnswerRead(width=size[0], height=size[1])


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
