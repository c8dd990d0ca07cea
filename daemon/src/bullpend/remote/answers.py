"""Answers that were paid for, on the disk until their picture is stored: `<id>.answer` and, written last, `<id>.json`.

Both are synced before the name of the second exists. So where it exists the answer is whole, and a daemon that died
between answer and database finds what it paid for. Blocking: the caller runs it in a thread.
"""

from __future__ import annotations

import os
from pathlib import Path

from bullpend.db.database import mapped_disk_errors
from bullpend.remote.ledger import Kept


class Answers:
    """A folder of answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, slug: str) -> Path:
        """Where the picture of a request lies, as the provider sent it."""
        return self.folder / f"{slug}.answer"

    def keep(self, slug: str, picture: bytes, kept: Kept) -> Path:
        """Writes an answer durably. Raises DiskFull."""
        with mapped_disk_errors():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(self.path(slug), picture)
            beside = self.folder / f"{slug}.json.new"
            _write(beside, kept.to_json().encode())
            beside.replace(self.folder / f"{slug}.json")
            _sync(self.folder)
        return self.path(slug)

    def read(self, slug: str) -> Kept | None:
        """What lies beside an answer; None where it is not whole."""
        try:
            kept = Kept.from_json((self.folder / f"{slug}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return kept if self.path(slug).is_file() else None

    def forget(self, slugs: list[str]) -> None:
        """Deletes answers."""
        for slug in slugs:
            (self.folder / f"{slug}.json").unlink(missing_ok=True)
            self.path(slug).unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        os.fchmod(file.fileno(), 0o600) if hasattr(os, "fchmod") else None
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):  # Windows syncs no folders; not run in the tests of this project
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
