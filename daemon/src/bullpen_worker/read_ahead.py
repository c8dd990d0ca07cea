"""Brings the next model's files from the disk into the page cache while the device works on something else.

Only a hint to the system: it costs no memory that anybody else asks for, and nothing waits for it. The latest request
counts; an older one that is still under way is left at the next file.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from bullpen_worker.engines.base import ModelSpec
from bullpen_worker.machine import available_memory

# Reading ahead more than this share of the free memory would drive out what is needed now.
_SHARE = 0.5
_CHUNK = 8 * 1024 * 1024


class ReadAhead:
    """One thread that reads ahead. `ask` may be called from any thread and never waits."""

    def __init__(self, free: Callable[[], int] = available_memory) -> None:
        self._free = free
        self._wanted: ModelSpec | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.done: list[str] = []

    def ask(self, spec: ModelSpec) -> None:
        """Reads this model ahead in place of the one that was asked for before."""
        with self._changed:
            self._wanted = spec
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="read-ahead", daemon=True)
                self._thread.start()

    def idle(self, seconds: float) -> bool:
        """Waits until nothing is wanted any more; False where that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self._wanted is None, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted is not None)
                spec = self._wanted
            assert spec is not None
            self._read(spec)
            with self._changed:
                if self._wanted is spec:
                    self._wanted = None
                    self.done.append(spec.name)
                    self._changed.notify_all()

    def _read(self, spec: ModelSpec) -> None:
        sizes = {Path(spec.path, file.path): file.mark.size for file in spec.files}
        if sum(sizes.values()) > _SHARE * self._free():
            return
        for path, size in sizes.items():
            if self._wanted is not spec:
                return
            try:
                _advise(path, size)
            except OSError:
                continue  # whoever loads the model says what is wrong with it


def _advise(path: Path, size: int) -> None:
    """Has the system read a file into its cache."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if hasattr(os, "posix_fadvise"):
            # In pieces: one hint for a large file may be cut to the size of the system's read-ahead window.
            for begin in range(0, size, _CHUNK):
                os.posix_fadvise(descriptor, begin, min(_CHUNK, size - begin), os.POSIX_FADV_WILLNEED)
        else:
            while os.read(descriptor, _CHUNK):
                pass
    finally:
        os.close(descriptor)
