"""A model as the link names it, in the words of the engines."""

from __future__ import annotations

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.engines.base import FileSpec, Mark, ModelSpec


def model_spec(ref: link_pb2.ModelRef) -> ModelSpec:
    """The model with the files that may be loaded."""
    files = tuple(
        FileSpec(file.path, file.sha256, Mark(file.size_bytes, file.modified_ns, file.changed_ns, file.inode))
        for file in ref.files
    )
    return ModelSpec(ref.name, ref.family, ref.path, ref.digest, files)
