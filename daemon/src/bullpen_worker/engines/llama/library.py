"""llama.cpp as a library: made ready once, and its log lines kept for errors.

It says why a file cannot be loaded in its log alone; the last lines are kept, so that the words reach a person. Nothing
of it goes to standard error but what it calls an error.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections import deque
from pathlib import Path

import llama_cpp

from bullpen_worker.failures import WorkerError

_ERROR = 4
_LOADING = "error loading model: "
_WITHOUT_MEMORY = re.compile(
    r"failed to allocate|out of memory|unable to allocate|not enough (memory|space)", re.IGNORECASE
)
_BROKEN = re.compile(r"corrupted|incomplete|not within the file bounds|invalid magic|failed to read", re.IGNORECASE)
_UNKNOWN = re.compile(r"unknown (model )?(architecture|pre-tokenizer|tokenizer)", re.IGNORECASE)

lines: deque[str] = deque(maxlen=20)


def _listen(level: int, text: bytes, _: ctypes.c_void_p) -> None:
    words = text.decode("utf-8", "replace").strip()
    if words and level == _ERROR:
        lines.append(words)
        sys.stderr.write(f"{words}\n")


# Kept: the library calls it as long as the process lives.
_heard = llama_cpp.llama_log_callback(_listen)


def prepare() -> None:
    """Makes the library ready; a second call does nothing new."""
    llama_cpp.llama_log_set(_heard, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()


def version() -> str:
    """Of the package that brings the library."""
    return str(llama_cpp.__version__)


def has_gpu() -> bool:
    """Whether the library was built for a GPU."""
    return bool(llama_cpp.llama_supports_gpu_offload())


def gpu_memory() -> tuple[int, int] | None:
    """Free and total bytes of the first GPU, as ggml's backend tells; None where there is none."""
    folder = Path(llama_cpp.__file__).parent / "lib"
    if not has_gpu() or not folder.is_dir():
        return None
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(("libggml-base", "ggml-base")):
            continue
        base = ctypes.CDLL(str(path))
        registry = ctypes.CDLL(str(next(folder.glob("*ggml.so*"), path)))
        registry.ggml_backend_dev_by_type.restype = ctypes.c_void_p
        device = registry.ggml_backend_dev_by_type(1)
        if not device:
            return None
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        base.ggml_backend_dev_memory(ctypes.c_void_p(device), ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value
    return None


def why(model: str, file: str) -> WorkerError:
    """The error that the last lines of the log stand for, for a model that could not be loaded."""
    said = next((line for line in reversed(lines) if _tells(line)), lines[-1] if lines else "it gave no reason")
    short = said.rpartition(_LOADING)[2][:300]
    text = "\n".join(lines)
    if _WITHOUT_MEMORY.search(text):
        message = f"{model} does not fit into the memory: {short}."
        return WorkerError("DEVICE_OUT_OF_MEMORY", message, "Use a smaller model, or a smaller copilot.context_tokens.")
    if _UNKNOWN.search(text):
        return WorkerError("MODEL_UNSUPPORTED", f"{file} cannot be run by llama.cpp {version()}: {short}.")
    if _BROKEN.search(text):
        return WorkerError("MODEL_CORRUPT", f"{file} is damaged or not whole: {short}.")
    return WorkerError("MODEL_CORRUPT", f"{file} cannot be loaded: {short}.")


def _tells(line: str) -> bool:
    return _LOADING in line or any(pattern.search(line) for pattern in (_WITHOUT_MEMORY, _UNKNOWN, _BROKEN))
