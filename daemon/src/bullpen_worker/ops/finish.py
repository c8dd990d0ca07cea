"""Makes an asset of a raw picture: PNG with its recipe, measures, durable files, thumbnail."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.measure import measure
from bullpen_worker.ops.picture import open_picture
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


def finish_picture(task: link_pb2.FinishPicture, max_pixels: int, complain: Complain) -> link_pb2.StoredPicture:
    """Stores a raw picture and deletes it. Doing it twice with equal input gives the same asset.

    `complain` is told of a thumbnail that could not be written: the picture is safe without it.
    Raises WorkerError: CONTENT_LOST, PICTURE_…  (source), DISK_FULL by way of OSError.
    """
    raw_path = Path(task.raw_path)
    image = _read_raw(raw_path, task.width, task.height)
    source = open_picture(task.source_path, max_pixels) if task.source_path else None
    measures = measure(image, source)
    encoded = encode_png(image, task.texts)
    sha256 = digest(encoded)
    sidecar = read_sidecar(task.sidecar_json) | {
        "sha256": sha256,
        "size_bytes": len(encoded),
        "width": task.width,
        "height": task.height,
        "mime_type": MIME_TYPE,
        "measures": measures,
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
        measures=measures,
    )


def encode_png(image: Image.Image, texts: Mapping[str, str]) -> bytes:
    """PNG bytes of an RGB picture, with its texts as tEXt or, beyond Latin-1, iTXt. Equal input, equal bytes."""
    info = PngInfo()
    for keyword in sorted(texts):
        info.add_text(keyword, texts[keyword])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=_COMPRESS_LEVEL, pnginfo=info)
    return buffer.getvalue()


def _read_raw(path: Path, width: int, height: int) -> Image.Image:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise WorkerError("CONTENT_LOST", f"The raw picture {path} is gone.") from error
    if len(data) != width * height * 3 or not data:
        raise WorkerError(
            "CONTENT_LOST", f"The raw picture {path} has {len(data)} bytes; {width}×{height} pixels need more or fewer."
        )
    return Image.frombuffer("RGB", (width, height), data, "raw", "RGB", 0, 1)
