"""Makes a file of a raw picture that no project asked for: it is read once by whoever asked, and gone."""

from __future__ import annotations

from pathlib import Path

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.ops.finish import MIME_TYPE, encode_png, read_raw
from bullpen_worker.ops.store import digest


def encode_picture(task: link_pb2.EncodePicture) -> link_pb2.PictureEncoded:
    """Writes the PNG and deletes the raw picture; nothing half written stays.

    Raises WorkerError CONTENT_LOST, and DISK_FULL by way of OSError.
    """
    raw, out = Path(task.raw_path), Path(task.out_path)
    encoded = encode_png(read_raw(raw, task.width, task.height), task.texts)
    try:
        out.write_bytes(encoded)
    except OSError:
        out.unlink(missing_ok=True)
        raise
    raw.unlink(missing_ok=True)
    return link_pb2.PictureEncoded(sha256=digest(encoded), size_bytes=len(encoded), mime_type=MIME_TYPE)
