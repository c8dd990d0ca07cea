"""Thumbnails: WebP of at most 256 pixels a side. They can be made again at any time, so nothing here is durable."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from bullpen_worker.ops.store import Draft, drafts, write_all

MAX_SIDE = 256
_QUALITY = 82


def thumbnail_path(folder: Path, sha256: str) -> Path:
    """Where the thumbnail of a content lies."""
    return folder / sha256[:2] / f"{sha256}.webp"


def write_thumbnail(folder: Path, sha256: str, image: Image.Image) -> None:
    """Writes the thumbnail of an RGB picture. Raises OSError; a half-written one is never left."""
    if max(image.size) > MAX_SIDE:
        image = image.copy()
        image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY, method=0 if max(image.size) <= 64 else 2)
    target = thumbnail_path(folder, sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    with drafts(target.parent) as made, buffer.getbuffer() as data:
        draft = Draft(target.parent, ".webp.tmp")
        made.append(draft)
        with draft.path.open("xb", buffering=0) as file:
            write_all(file.fileno(), data)
        draft.keep(target)
