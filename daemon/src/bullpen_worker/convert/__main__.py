"""`python -m bullpen_worker.convert FILE OUT`: the tensors of a pickled file, as safetensors.

Prints one JSON object: what was written, or why not. Exit status 0 or 1. The libraries are imported and both files are
opened first; then the process closes itself in (`cage.py`), and only then reads. It cannot delete what it began to
write: after a failure OUT is empty, and whoever asked removes it.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import pickle
import sys
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from bullpen_worker.convert.cage import close_in
from bullpen_worker.failures import WorkerError

SECONDS = 600
# Of memory beside the file's own size, which is held up to three times.
SPARE = 8 * 1024**3
# How the restricted reader says that a file wanted to call something.
_PROGRAMS = ("unsupported global", "unsupported class", "unrecognized function")


def main(argv: Sequence[str] | None = None) -> int:
    """Converts one file; see the module."""
    parser = argparse.ArgumentParser(prog="python -m bullpen_worker.convert")
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args(argv)
    try:
        with given.file.open("rb") as source, given.out.open("xb", buffering=0) as out:
            try:
                answer = convert(source, out)
            except BaseException:
                out.truncate(0)
                raise
    except WorkerError as error:
        return _say(
            {"reason": error.reason, "message": f"{given.file.name} {error.message}", "remedy": error.remedy}, 1
        )
    except OSError as error:
        reason = "PATH_NOT_FOUND" if isinstance(error, FileNotFoundError) else "INTERNAL"
        words = f"{error.filename or given.out}: {error.strerror}."
        return _say({"reason": reason, "message": words, "remedy": "Correct the path, or make room on the disk."}, 1)
    return _say(answer, 0)


def convert(source: IO[bytes], out: IO[bytes]) -> dict[str, Any]:
    """Writes the tensors of an open pickled file; returns what was written. Raises WorkerError.

    This process can do nothing else afterwards.
    """
    _warm()
    size = os.fstat(source.fileno()).st_size
    held = close_in(3 * size + SPARE, SECONDS, 2 * size + 1024**2)
    data, tensors, left = rewritten(source)
    unwritten = memoryview(data)
    while unwritten:
        unwritten = unwritten[out.write(unwritten) :]
    os.fsync(out.fileno())
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "tensors": tensors,
        "left_out": left,
        "held": list(held),
    }


def rewritten(source: IO[bytes]) -> tuple[bytes, int, int]:
    """The tensors of a pickled file as safetensors, how many there are, and how much else was left out.

    Raises WorkerError: MODEL_UNSAFE, MODEL_CORRUPT, MODEL_UNSUPPORTED.
    """
    import safetensors.torch
    import torch

    try:
        with warnings.catch_warnings():
            # That a file is of another version of the format is told by what comes of it.
            warnings.simplefilter("ignore")
            content = torch.load(source, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError, KeyError) as error:
        if any(sign in str(error).lower() for sign in _PROGRAMS):
            raise WorkerError(
                "MODEL_UNSAFE",
                "holds more than weights, which could run as a program; nothing of it was run.",
                "Get the model as safetensors from who made it.",
            ) from error
        raise WorkerError(
            "MODEL_CORRUPT", "is no file of pickled weights, or is damaged.", "Fetch it again, or give another file."
        ) from error
    tensors: dict[str, torch.Tensor] = {}
    left = 0
    for name, value in _leaves(_weights(content)):
        if isinstance(value, torch.Tensor):
            # What shares memory in the file becomes two of its own: safetensors knows no sharing.
            tensors[name] = value.detach().clone().contiguous()
        else:
            left += 1
    if not tensors:
        raise WorkerError("MODEL_UNSUPPORTED", "holds no weights.", "Give another file.")
    return safetensors.torch.save(tensors, {"format": "pt"}), len(tensors), left


def _warm() -> None:
    """Has the libraries import what they import late: nothing can be imported afterwards."""
    import safetensors.torch
    import torch

    for zipped in (True, False):
        kept = io.BytesIO()
        torch.save({"a": torch.ones(1)}, kept, _use_new_zipfile_serialization=zipped)
        kept.seek(0)
        safetensors.torch.save(torch.load(kept, map_location="cpu", weights_only=True), {"format": "pt"})


def _weights(content: Any) -> Any:
    """The weights among what training programs put around them: averaged ones before plain ones."""
    for key in ("params_ema", "params", "state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            return content[key]
    return content


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{name}.{number}" if name else str(number))
    else:
        yield name, value


def _say(answer: dict[str, Any], status: int) -> int:
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
