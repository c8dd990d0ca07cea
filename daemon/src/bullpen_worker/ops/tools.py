"""The networks of post-process: opened from files that the daemon has checked, kept while they are used.

A tool is a model folder with a manifest whose `runtime` says how it is run, or a lone file that a person named. Weights
are ONNX or safetensors; pickled ones are refused here too, whatever the daemon let through.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from bullpen_worker.checked_files import CheckedFiles
from bullpen_worker.engines.base import ModelSpec
from bullpen_worker.failures import WorkerError

T = TypeVar("T")

MANIFEST = "bullpen-manifest.json"
PICKLED = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})
KEPT = 3


@dataclass(frozen=True, slots=True)
class Tool:
    """Which network is wanted: the model and, for a lone file, its name below the model's folder."""

    model: ModelSpec
    file: str = ""

    def runtime(self) -> Mapping[str, Any]:
        """What the manifest says of running it; empty for a lone file. Raises WorkerError MODEL_CORRUPT."""
        if self.file:
            return {}
        try:
            data = json.loads(Path(self.model.path, MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WorkerError("MODEL_CORRUPT", f"{MANIFEST} of {self.model.name} cannot be read.") from error
        runtime = data.get("runtime", {}) if isinstance(data, dict) else None
        if not isinstance(runtime, dict):
            raise WorkerError("MODEL_CORRUPT", f"{MANIFEST} of {self.model.name}: runtime is not an object.")
        return runtime

    def weights(self, name: object) -> Path:
        """The path of a file of weights. Raises WorkerError MODEL_CORRUPT, MODEL_UNSAFE, MODEL_UNSUPPORTED."""
        listed = {file.path for file in self.model.files}
        if not isinstance(name, str) or (self.model.files and name not in listed):
            raise WorkerError("MODEL_CORRUPT", f"{self.model.name} does not list the file {name} that it is run from.")
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in PICKLED:
            raise WorkerError(
                "MODEL_UNSAFE",
                f"{name} holds pickled weights, which can run code and are never loaded.",
                "Use the model as ONNX or safetensors.",
            )
        if suffix not in {".onnx", ".safetensors"}:
            raise WorkerError("MODEL_UNSUPPORTED", f"{name} is no ONNX and no safetensors file.")
        return Path(self.model.path, name)


class Toolbox:
    """Opened networks by what they were opened for; the one that was used longest ago goes first."""

    def __init__(self, threads: int = 0) -> None:
        self.threads = threads
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[object, ...], Any] = OrderedDict()

    def take(self, kind: str, tool: Tool, variant: object, build: Callable[[], T]) -> T:
        """The network that `build` gives, opened once. Its files are compared before and after.

        Raises WorkerError MODEL_CORRUPT, and what `build` raises.
        """
        key = (kind, tool, variant)
        with self._lock:
            if key in self._open:
                self._open.move_to_end(key)
                kept: T = self._open[key]
                return kept
            checked = CheckedFiles(tool.model)
            made = build()
            checked.still_sound()
            self._open[key] = made
            while len(self._open) > KEPT:
                self._open.popitem(last=False)
            return made
