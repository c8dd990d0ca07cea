"""Wildcards: text files with one choice on each line, of a project and of the home. A project's own go first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bullpend.errors import LimitExceeded, ResourceNotFound

MAX_BYTES = 1_000_000
MOST_LINES = 10_000
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*(?:/[a-zA-Z0-9][a-zA-Z0-9_-]*){0,3}")


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A list of choices."""

    name: str
    path: Path
    lines: tuple[str, ...]


class Wildcards:
    """Those that a project sees. Reads the disk each time it is asked: people edit these files by hand."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders

    def lines(self, name: str) -> Sequence[str]:
        """The choices of a wildcard. Raises ResourceNotFound or LimitExceeded."""
        for folder in self._folders:
            path = folder / f"{name}.txt"
            if _NAME.fullmatch(name) and path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                return _read(name, path).lines
        there = ", ".join(wildcard.name for wildcard in self.all()[:20]) or "none yet"
        raise ResourceNotFound(
            f"There is no wildcard {name[:60]}.",
            field="text",
            remedy=f"Write {name[:60]}.txt into {self._folders[0] if self._folders else 'the wildcards folder'}; "
            f"there are: {there}.",
            resource=name[:60],
        )

    def all(self) -> list[Wildcard]:
        """Every wildcard once, by name; of two with one name the project's."""
        found: dict[str, Wildcard] = {}
        for folder in self._folders:
            for path in sorted(folder.glob("**/*.txt")) if folder.is_dir() else ():
                name = path.relative_to(folder).with_suffix("").as_posix()
                if name not in found and _NAME.fullmatch(name) and path.resolve().is_relative_to(folder.resolve()):
                    found[name] = _read(name, path)
        return [found[name] for name in sorted(found)]


def _read(name: str, path: Path) -> Wildcard:
    """A file's lines without blanks and comments. Raises LimitExceeded or ResourceNotFound."""
    if path.stat().st_size > MAX_BYTES:
        raise LimitExceeded(f"The wildcard {name} is larger than {MAX_BYTES} bytes.", field="text", path=path)
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    kept = tuple(line for line in lines if line and not line.startswith("#"))
    if not kept or len(kept) > MOST_LINES:
        raise LimitExceeded(f"The wildcard {name} has {len(kept)} lines; 1 to {MOST_LINES} are read.", field="text")
    return Wildcard(name, path, kept)
