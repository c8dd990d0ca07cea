"""Makes an asset of a raw picture: PNG with its recipe, measures, durable files, thumbnail."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.measure import ReadSource, Subject, measure
from bullpen_worker.ops.source import SourceCache
from bullpen_worker.ops.store import (
    Draft,
    digest,
    drafts,
    encode_sidecar,
    publish,
    read_sidecar,
    temporary_folder,
)
from bullpen_worker.ops.thumbnail import write_thumbnail

# Level 3 costs little more than 1 and saves about a tenth on drawn pictures.
_COMPRESS_LEVEL = 3
MIME_TYPE = "image/png"

Complain = Callable[[Exception], None]

# What was seen of the latest sources: some 150 of 512×512 pixels.
SOURCES = SourceCache(most_bytes=100 << 20)


def finish_picture(task: link_pb2.FinishPicture, max_pixels: int, complain: Complain) -> link_pb2.StoredPicture:
    """Stores a raw picture and deletes it. Doing it twice with equal input gives the same asset.

    `complain` is told of a thumbnail that could not be written: the picture is safe without it. So it is without a
    measure that could not be taken, of a source that cannot be read, say; the answer names such measures.
    Raises WorkerError: CONTENT_LOST, DISK_FULL by way of OSError.
    """
    raw_path = Path(task.raw_path)
    image = read_raw(raw_path, task.width, task.height)
    source = read_source(task.source_path, task.source_sha256, max_pixels)
    measured = measure(Subject(image, source, task.edit_share))
    encoded = encode_png(image, task.texts)
    sha256 = digest(encoded)
    sidecar = read_sidecar(task.sidecar_json) | {
        "sha256": sha256,
        "size_bytes": len(encoded),
        "width": task.width,
        "height": task.height,
        "mime_type": MIME_TYPE,
        "measures": measured.values,
    }
    assets = Path(task.assets_folder)
    folder = temporary_folder(assets)
    with drafts(folder) as made:
        content, beside = Draft(folder, ".png"), Draft(folder, ".json")
        made += [content, beside]
        content.write(encoded)
        beside.write(encode_sidecar(sidecar))
        path = publish(assets, sha256, ".png", content, beside)
    try:
        write_thumbnail(Path(task.thumbnails_folder), sha256, image)
    except OSError as error:
        complain(error)
    raw_path.unlink(missing_ok=True)
    return link_pb2.StoredPicture(
        sha256=sha256,
        size_bytes=len(encoded),
        width=task.width,
        height=task.height,
        mime_type=MIME_TYPE,
        path=str(path),
        measures=measured.values,
        failed_measures=measured.failed,
    )


def read_source(path: str, sha256: str, max_pixels: int) -> ReadSource | None:
    """How measures get at a source; None where there is none."""
    if not path:
        return None
    return lambda size: SOURCES.view(path, sha256, size, max_pixels)


def encode_png(image: Image.Image, texts: Mapping[str, str]) -> bytes:
    """PNG bytes of an RGB picture, with its texts as tEXt or, beyond Latin-1, iTXt. Equal input, equal bytes."""
    info = PngInfo()
    for keyword in sorted(texts):
        info.add_text(keyword, texts[keyword])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=_COMPRESS_LEVEL, pnginfo=info)
    return buffer.getvalue()


def read_raw(path: Path, width: int, height: int) -> Image.Image:
    """A picture as a device worker leaves it: RGB, row by row. Raises WorkerError CONTENT_LOST."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise WorkerError("CONTENT_LOST", f"The raw picture {path} is gone.") from error
    if len(data) != width * height * 3 or not data:
        raise WorkerError(
            "CONTENT_LOST", f"The raw picture {path} has {len(data)} bytes; {width}×{height} pixels need more or fewer."
        )
    return Image.frombuffer("RGB", (width, height), data, "raw", "RGB", 0, 1)
