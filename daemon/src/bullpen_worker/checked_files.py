"""Only bytes that the daemon has checked are loaded: a file that was swapped or damaged since is refused.

The daemon names each file with its hash and with what the file system told of it then. While size, times and number
are still those, the content is; else the file is hashed here. What was found sound before loading must still be so
afterwards, so that nothing is swapped under a library that is reading.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bullpen_worker.engines.base import FileSpec, Mark, ModelSpec
from bullpen_worker.failures import WorkerError

WEIGHTS = frozenset({".safetensors"})
_SHOWN = 12
_REMEDY = "Put the file back as it was, or install the model again; other models are not affected."


class CheckedFiles:
    """The files of one model, seen once before it is loaded."""

    def __init__(self, model: ModelSpec, *, alone: bool = True) -> None:
        """Compares every file; `alone` says that the folder holds no other model. Raises WorkerError MODEL_CORRUPT
        naming the first that differs.
        """
        self._model = model
        self._marks = {file.path: self._check(file) for file in model.files}
        if model.files and alone:
            self._refuse_unlisted()

    def still_sound(self) -> None:
        """Raises WorkerError MODEL_CORRUPT where a file changed since, whatever it holds by now."""
        for path, mark in self._marks.items():
            if self._mark(path) != mark:
                raise self._corrupt(f"{path} of {self._model.name} changed while it was loaded.")

    def _check(self, file: FileSpec) -> Mark:
        mark = self._mark(file.path)
        if mark == file.mark:
            return mark
        with Path(self._model.path, file.path).open("rb") as stream:
            mark = Mark.of(os.fstat(stream.fileno()))
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != file.sha256:
            raise self._corrupt(
                f"{file.path} of {self._model.name} is not the file that was checked: its SHA-256 begins with "
                f"{found[:_SHOWN]} instead of {file.sha256[:_SHOWN]}."
            )
        return mark

    def _mark(self, path: str) -> Mark:
        try:
            return Mark.of(Path(self._model.path, path).stat())
        except OSError as error:
            raise self._corrupt(f"{path} of {self._model.name} cannot be read: {error.strerror}.") from error

    def _refuse_unlisted(self) -> None:
        """Weights that nobody checked might be loaded in place of those that were."""
        folder = Path(self._model.path)
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in relative.parts)
            if path.suffix in WEIGHTS and not hidden and relative.as_posix() not in self._marks:
                raise self._corrupt(f"{relative.as_posix()} of {self._model.name} was not there when it was checked.")

    def _corrupt(self, message: str) -> WorkerError:
        return WorkerError("MODEL_CORRUPT", message, _REMEDY)
