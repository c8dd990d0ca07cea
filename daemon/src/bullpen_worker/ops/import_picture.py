"""Takes a person's picture into the store, byte for byte, after proving that it is one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.finish import Complain
from bullpen_worker.ops.heads import Head, read_head
from bullpen_worker.ops.picture import open_picture, upright_size
from bullpen_worker.ops.store import (
    Draft,
    drafts,
    encode_sidecar,
    publish,
    read_sidecar,
    temporary_folder,
    write_all,
)
from bullpen_worker.ops.texts import packed, read_texts
from bullpen_worker.ops.thumbnail import write_thumbnail

_CHUNK_BYTES = 1 << 20


def import_picture(task: link_pb2.ImportPicture, max_pixels: int, complain: Complain) -> link_pb2.StoredPicture:
    """Stores a picture. The copy is what gets checked, so a file that changes meanwhile cannot slip through.

    `complain` is told of a thumbnail that could not be written, or an upload that could not be deleted.
    Raises WorkerError: PATH_NOT_FOUND, PICTURE_UNREADABLE, PICTURE_TOO_LARGE, DISK_FULL by way of OSError.
    """
    original = Path(task.path)
    head = read_head(original, max_pixels)
    assets = Path(task.assets_folder)
    folder = temporary_folder(assets)
    with drafts(folder) as made:
        content, beside = Draft(folder, head.suffix), Draft(folder, ".json")
        made += [content, beside]
        sha256, size = _copy(original, content.path)
        try:
            _check_unchanged(content.path, head, max_pixels)
            image = open_picture(content.path, max_pixels)
            width, height = upright_size(content.path, head)
            texts = packed(read_texts(content.path))
        except WorkerError as failure:
            # The person knows the original's path, not the copy's.
            message = failure.message.replace(str(content.path), str(original))
            raise WorkerError(failure.reason, message, failure.remedy) from failure
        sidecar = read_sidecar(task.sidecar_json) | {
            "sha256": sha256,
            "size_bytes": size,
            "width": width,
            "height": height,
            "mime_type": head.mime_type,
        }
        beside.write(encode_sidecar(sidecar))
        path = publish(assets, sha256, head.suffix, content, beside)
    try:
        write_thumbnail(Path(task.thumbnails_folder), sha256, image)
        if task.consume:
            original.unlink(missing_ok=True)
    except OSError as error:
        complain(error)
    return link_pb2.StoredPicture(
        sha256=sha256,
        size_bytes=size,
        width=width,
        height=height,
        mime_type=head.mime_type,
        path=str(path),
        texts=texts,
    )


def _copy(original: Path, target: Path) -> tuple[str, int]:
    """Copies and hashes in one reading, to the disk. Gives the digest and the number of bytes."""
    hasher, size = hashlib.sha256(), 0
    with original.open("rb", buffering=0) as source, target.open("xb", buffering=0) as copy:
        while chunk := source.read(_CHUNK_BYTES):
            hasher.update(chunk)
            size += len(chunk)
            write_all(copy.fileno(), chunk)
        os.fsync(copy.fileno())
    return hasher.hexdigest(), size


def _check_unchanged(copy: Path, head: Head, max_pixels: int) -> None:
    if read_head(copy, max_pixels) != head:
        raise WorkerError("PICTURE_UNREADABLE", f"{copy} changed while it was read.", "Import it again.")
