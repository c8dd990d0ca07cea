"""ONNX networks through onnxruntime, on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bullpen_worker.failures import WorkerError

FloatArray = NDArray[np.float32]
_MISSING = "Install it: pip install 'bullpen[starter]'."


class OnnxFile:
    """A network of one picture (1, 3, height, width) in and one out. `fixed` is (height, width) where it takes no
    other size.
    """

    def __init__(self, path: Path, threads: int) -> None:
        """Opens the file. Raises WorkerError MODEL_UNSUPPORTED, MODEL_CORRUPT."""
        self._name = path.name
        self._session = open_session(path, threads)
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[1] not in (3, None, "channels"):
            raise WorkerError("MODEL_UNSUPPORTED", f"{path.name} does not take one RGB picture.")
        self._input = inputs[0].name
        self._type = np.float16 if inputs[0].type == "tensor(float16)" else np.float32
        height, width = inputs[0].shape[2:]
        both = isinstance(height, int) and isinstance(width, int)
        self.fixed: tuple[int, int] | None = (height, width) if both else None

    def run(self, picture: FloatArray) -> FloatArray:
        """The first output for one input. Raises WorkerError ENGINE_FAILED."""
        try:
            out = self._session.run(None, {self._input: picture.astype(self._type)})[0]
        except Exception as error:
            words = str(error).strip().splitlines()[:1]
            raise WorkerError("ENGINE_FAILED", f"{self._name} failed: {''.join(words)[:300]}") from error
        return np.asarray(out, dtype=np.float32)


def options(threads: int) -> Any:
    """Options of a session with so many threads; 0 leaves the library's choice. Raises WorkerError."""
    ort = onnxruntime()
    found = ort.SessionOptions()
    found.log_severity_level = 3
    found.intra_op_num_threads = threads
    return found


def open_session(path: Path, threads: int) -> Any:
    """An onnxruntime session on the processor. Raises WorkerError MODEL_CORRUPT, MODEL_UNSUPPORTED."""
    ort = onnxruntime()
    try:
        return ort.InferenceSession(str(path), options(threads), providers=["CPUExecutionProvider"])
    except MemoryError:
        raise
    except Exception as error:
        words = str(error).strip().splitlines()[:1]
        raise WorkerError("MODEL_CORRUPT", f"{path.name} is no ONNX network: {''.join(words)[:300]}") from error


def onnxruntime() -> Any:
    """The library. Raises WorkerError MODEL_UNSUPPORTED where it is not installed."""
    try:
        import onnxruntime as library
    except ModuleNotFoundError as error:
        raise WorkerError("MODEL_UNSUPPORTED", "onnxruntime is not installed here.", _MISSING) from error
    return library
