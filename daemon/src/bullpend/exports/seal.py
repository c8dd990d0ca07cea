"""The seal at the end of every exported file: the SHA-256 of everything before its 64 digits.

In a ZIP it is the archive's comment, in a PDF a comment line behind the end mark; readers of either pass over it. It
makes a file prove itself, wherever it is carried, down to bytes that belong to none of its parts. Blocking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MARK = b"bullpen-export/1 sha256="
DIGITS = 64
OPEN = MARK + b"0" * DIGITS
"""The seal before it is closed."""
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Read:
    """A whole file, read once: its size and hash, and whether it has a seal that holds."""

    size: int
    sha256: str
    sealed: bool
    intact: bool


def append(path: Path) -> None:
    """Puts an open seal behind a file that is no archive, as a comment line of a PDF. Raises OSError."""
    with path.open("ab") as file:
        file.write(b"\n%" + OPEN)


def close(path: Path, tell: Callable[[int], None] = lambda _: None) -> None:
    """Fills in the seal that ends a file. Raises OSError."""
    with path.open("r+b") as file:
        found = hashlib.sha256()
        left = path.stat().st_size - DIGITS
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            found.update(chunk)
            left -= len(chunk)
            tell(len(chunk))
        file.seek(-DIGITS, 2)
        file.write(found.hexdigest().encode())


def read(path: Path, tell: Callable[[int], None] = lambda _: None) -> Read:
    """Reads a file to its end. Raises OSError."""
    size = path.stat().st_size
    found = hashlib.sha256()
    with path.open("rb") as file:
        left = max(0, size - DIGITS)
        last = b""
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            found.update(chunk)
            last = (last + chunk)[-len(MARK) :]
            left -= len(chunk)
            tell(len(chunk))
        before = found.hexdigest()
        digits = file.read()
        found.update(digits)
    sealed = last == MARK
    return Read(size, found.hexdigest(), sealed, sealed and digits == before.encode())
