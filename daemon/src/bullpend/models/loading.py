"""What a worker is told of a model: where it lies, and which bytes it may load.

A plan checks a model, and its jobs may wait for hours. So it is looked at again when a worker is about to get it, and
the worker compares what it loads with what was seen here (`bullpen_worker/checked_files.py`): between the two looks
nothing can be swapped unseen. Blocking, as the registry is: the caller runs it in a thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2

from bullpend.models.hashes import CheckedFile
from bullpend.models.language import ENGINE
from bullpend.models.model import Model
from bullpend.models.registry import Registry


@dataclass(frozen=True, slots=True)
class Beside:
    """A network that acts beside the model, and the file of its weights where it has just one."""

    model: link_pb2.ModelRef
    weight_file: str


@dataclass(frozen=True, slots=True)
class References:
    """What one job's worker is told: the model, the LoRAs on it, and what acts beside it, by name."""

    model: link_pb2.ModelRef
    loras: tuple[link_pb2.LoraRef, ...] = ()
    beside: Mapping[str, Beside] = field(default_factory=dict)


class Loading:
    """Refers workers to models."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def references(
        self,
        name: str,
        digest: str,
        loras: Sequence[tuple[str, str, float]] = (),
        beside: Sequence[tuple[str, str]] = (),
    ) -> References:
        """The model of this name, LoRAs by (name, digest, scale), and what acts beside it by (name, digest), if their
        files are those of their digests.

        Raises ModelNotFound, ModelCorrupt, ModelUnsafe, ModelUnsupported.
        """
        return References(
            _pack(*self._registry.loadable(name, digest)),
            tuple(self._lora(lora, known, scale) for lora, known, scale in loras),
            {other: self._beside(other, known) for other, known in beside},
        )

    def known(self) -> Sequence[Model]:
        """The models that were found when somebody looked last."""
        return self._registry.models()

    def seen(self) -> Sequence[Model]:
        """The same, without looking where nobody looked."""
        return self._registry.seen()

    def judge(self, name: str) -> link_pb2.ModelRef:
        """A model that judges pictures, as its files are now. Raises what `references` raises."""
        return _pack(*self._registry.loadable(name, self._registry.verify(name).digest))

    def _beside(self, name: str, digest: str) -> Beside:
        model, files = self._registry.loadable(name, digest)
        return Beside(_pack(model, files), model.weight_file)

    def _lora(self, name: str, digest: str, scale: float) -> link_pb2.LoraRef:
        model, files = self._registry.loadable(name, digest)
        return link_pb2.LoraRef(model=_pack(model, files), weight_file=model.weight_file, scale=scale)


def _pack(model: Model, files: Sequence[CheckedFile]) -> link_pb2.ModelRef:
    return link_pb2.ModelRef(
        name=model.name,
        family=model.family,
        # The folder that its files lie in; of a language model the path is its file.
        path=str(Path(model.path).parent) if model.engine == ENGINE else model.path,
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
