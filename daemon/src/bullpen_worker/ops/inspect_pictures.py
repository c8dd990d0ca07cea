"""Says of many files whether they look like usable pictures, from their heads alone."""

from __future__ import annotations

from collections.abc import Iterable

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.heads import read_head
from bullpen_worker.ops.picture import upright_size


def inspect_pictures(paths: Iterable[str], max_pixels: int) -> link_pb2.PicturesInspected:
    """One answer for each path, in order; sizes are upright. A file that is no picture carries its failure."""
    return link_pb2.PicturesInspected(pictures=[_inspect(path, max_pixels) for path in paths])


def _inspect(path: str, max_pixels: int) -> link_pb2.InspectedPicture:
    try:
        head = read_head(path, max_pixels)
        width, height = upright_size(path, head)
    except WorkerError as failure:
        return link_pb2.InspectedPicture(path=path, failure=failure.to_link())
    return link_pb2.InspectedPicture(path=path, width=width, height=height, mime_type=head.mime_type)
