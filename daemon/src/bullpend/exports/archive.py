"""Writing a ZIP that is the same, byte for byte, whenever it holds the same parts.

Parts are stored as they are, in the order given, with one fixed time and mode: pictures are compressed already, and
what a compressor makes of the rest depends on its version. Each part is checked against its hash while it is copied.
Blocking; callers run it in a thread.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bullpend import failpoints
from bullpend.errors import ContentLost
from bullpend.exports import seal

CHUNK = 1 << 20
# The first moment that a ZIP can tell.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_UNIX = 3


class Stopped(Exception):
    """Whoever asked for it does not want it any more."""


# Called with the bytes that were done since the last call; raises Stopped where the work is to end.
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One part: its name in the archive, and its content, in memory or in a file of the store."""

    name: str
    content: bytes | Path
    size: int
    sha256: str
    told: str = ""
    """What an error calls it: the asset, say."""

    @classmethod
    def of(cls, name: str, content: bytes) -> Entry:
        """A part that is in memory."""
        return cls(name, content, len(content), hashlib.sha256(content).hexdigest())


def write(path: Path, entries: Iterable[Entry], tell: Tell) -> None:
    """Writes a new, sealed archive; it is not durable yet. Raises ContentLost, Stopped, OSError."""
    with path.open("xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = seal.OPEN
        for entry in entries:
            info = zipfile.ZipInfo(entry.name, _TIME)
            info.external_attr, info.create_system, info.file_size = _MODE, _UNIX, entry.size
            with archive.open(info, "w") as out:
                for chunk in chunks_of(entry):
                    out.write(chunk)
                    tell(len(chunk))
            failpoints.reach("export.writing")
    seal.close(path, tell)


def chunks_of(entry: Entry) -> Iterable[bytes]:
    """The content of a part, as long as it is what its hash says. Raises ContentLost, at its end at the latest."""
    if isinstance(entry.content, bytes):
        yield entry.content
        return
    found, size = hashlib.sha256(), 0
    try:
        with entry.content.open("rb") as file:
            for chunk in iter(lambda: file.read(CHUNK), b""):
                size += len(chunk)
                if size > entry.size:
                    break
                found.update(chunk)
                yield chunk
    except OSError as error:
        raise lost(entry, f"cannot be read: {error.strerror}") from error
    if size != entry.size or found.hexdigest() != entry.sha256:
        raise lost(entry, "is not what its hash says")


def lost(entry: Entry, what: str) -> ContentLost:
    """The refusal of a part whose file is gone or damaged."""
    return ContentLost(
        f"The file of {entry.told or entry.name} {what}.",
        remedy="Restore the file from a copy (`bullpen sync` makes one), accept another candidate of the scene, or "
        "leave the scene out.",
        resource=entry.told,
    )
