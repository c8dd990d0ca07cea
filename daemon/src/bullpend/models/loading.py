"""What a worker is told of a model: where it lies, and which bytes it may load.

A plan checks a model, and its jobs may wait for hours. So it is looked at again when a worker is about to get it, and
the worker compares what it loads with what was seen here (`bullpen_worker/checked_files.py`): between the two looks
nothing can be swapped unseen. Blocking, as the registry is: the caller runs it in a thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from bullpen_api.worker.v1 import link_pb2

from bullpend.models.hashes import CheckedFile
from bullpend.models.model import Model
from bullpend.models.registry import Registry


class Loading:
    """Refers workers to models."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def reference(self, name: str, digest: str) -> link_pb2.ModelRef:
        """The model of this name for a worker, if its files are those of the digest.

        Raises ModelNotFound, ModelCorrupt, ModelUnsafe, ModelUnsupported.
        """
        return _pack(*self._registry.loadable(name, digest))


def _pack(model: Model, files: Sequence[CheckedFile]) -> link_pb2.ModelRef:
    return link_pb2.ModelRef(
        name=model.name,
        family=model.family,
        path=model.path,
        digest=model.digest,
        files=[
            link_pb2.ModelFile(
                path=file.path,
                sha256=file.sha256,
                size_bytes=file.mark.size,
                modified_ns=file.mark.modified_ns,
                changed_ns=file.mark.changed_ns,
                inode=file.mark.inode,
            )
            for file in files
        ],
    )
