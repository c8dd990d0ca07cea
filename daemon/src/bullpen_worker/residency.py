"""The models that are in this worker's memory.

Which models ought to be here is the daemon's decision; this only builds them one at a time, knows their sizes and
gives their memory back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from bullpen_worker.engines.base import Engine, ModelSpec


@dataclass(frozen=True, slots=True)
class Resident:
    """A model in memory, with the seconds that its loading took."""

    spec: ModelSpec
    model: Any
    seconds: float


class Residency:
    """Loaded models by resource name. Used by the device thread; `total_bytes` may be read from any."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._residents: dict[str, Resident] = {}
        self.total_bytes = 0

    def find(self, spec: ModelSpec) -> Resident | None:
        """The model if it is resident and still means the same files."""
        resident = self._residents.get(spec.name)
        return resident if resident is not None and resident.spec == spec else None

    def load(self, spec: ModelSpec) -> Resident:
        """Makes the model resident; returns at once where it is. A model of that name from elsewhere is replaced.

        Raises what `Engine.load` raises; then nothing of the model stays.
        """
        if (resident := self.find(spec)) is not None:
            return resident
        self.unload(spec.name)
        began = time.perf_counter()
        model = self._engine.load(spec)
        resident = Resident(spec, model, time.perf_counter() - began)
        self._residents[spec.name] = resident
        self._count()
        return resident

    def unload(self, name: str) -> None:
        """Gives a model's memory back; does nothing where it is not resident."""
        resident = self._residents.pop(name, None)
        if resident is not None:
            self._engine.unload(resident.model)
            self._count()

    def _count(self) -> None:
        self.total_bytes = sum(resident.model.size_bytes for resident in self._residents.values())
