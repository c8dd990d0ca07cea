"""Reads what other programs left in a picture's file about its making, before any library may decode it.

PNG: the chunks `tEXt`, `zTXt` and `iTXt` (W3C PNG third edition 11.3.3). JPEG and WebP: the EXIF block (Exif 2.32
4.6.5, `UserComment` as A1111 writes it, `Make` and `Model` as ComfyUI's WebP nodes do; RFC 9649 2.7.1.5). Every length
comes from a stranger: what is read is bounded, and a text that is too long or damaged is a problem of that text alone.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.failures import WorkerError

# Texts that tell of a picture's making; all others are left alone.
KEYWORDS = ("bullpen", "parameters", "prompt", "workflow", "invokeai_metadata")
# A text, unpacked. The workflows of large graphs have some 500 KB.
MOST_BYTES = 2 << 20
# An EXIF block of a WebP may be longer than the 64 KiB of one in a JPEG.
_MOST_EXIF = 4 << 20
_MOST_CHUNKS = 4096
# All texts of one picture together: an answer of a worker holds 8 MiB.
_MOST_TOGETHER = 6 << 20
_PNG = b"\x89PNG\r\n\x1a\n"
_TOO_LONG = f"It is longer than {MOST_BYTES >> 20} MiB."
# Tags of EXIF (Exif 2.32 4.6.3 and 4.6.5).
_MAKE, _MODEL, _EXIF_IFD, _USER_COMMENT = 0x010F, 0x0110, 0x8769, 0x9286
_ASCII, _BYTES, _UNDEFINED = 2, 1, 7


@dataclass(frozen=True, slots=True)
class Text:
    """One text, or why it could not be read."""

    keyword: str
    text: str = ""
    problem: str = ""


def read_texts(path: str | Path) -> list[Text]:
    """The texts of a picture's making, each keyword once, in the order of the file.

    Raises WorkerError PATH_NOT_FOUND or PICTURE_UNREADABLE for a file that cannot be read; a picture that is cut off
    gives what stands before the cut.
    """
    found: dict[str, Text] = {}
    try:
        with Path(path).open("rb") as stream:
            for text in _texts(stream):
                found.setdefault(text.keyword, text)
    except FileNotFoundError as error:
        raise WorkerError("PATH_NOT_FOUND", f"{path} does not exist.") from error
    except OSError as error:
        raise WorkerError("PICTURE_UNREADABLE", f"{path} cannot be read: {error.strerror}.") from error
    return list(found.values())


def packed(texts: list[Text]) -> list[link_pb2.PictureText]:
    """As they go to the daemon, as many as an answer holds."""
    told, room = [], _MOST_TOGETHER
    for one in texts:
        room -= len(one.text.encode())
        fits = one if room >= 0 else _too_long(one.keyword)
        told.append(link_pb2.PictureText(keyword=fits.keyword, text=fits.text, problem=fits.problem))
    return told


def _texts(stream: BinaryIO) -> Iterator[Text]:
    start = stream.read(12)
    if start.startswith(_PNG):
        stream.seek(len(_PNG))
        yield from _of_png(stream)
    elif start.startswith(b"\xff\xd8\xff"):
        stream.seek(2)
        yield from _of_jpeg(stream)
    elif start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        yield from _of_webp(stream)


def _of_png(stream: BinaryIO) -> Iterator[Text]:
    for _ in range(_MOST_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind not in (b"tEXt", b"zTXt", b"iTXt"):
            stream.seek(length + 4, 1)
            continue
        body = stream.read(min(length, MOST_BYTES + 1024))
        stream.seek(length - len(body) + 4, 1)
        keyword, _, rest = body.partition(b"\0")
        name = keyword.decode("latin-1")
        if name in KEYWORDS:
            yield _too_long(name) if length > MOST_BYTES + 1024 else _chunk(name, kind, rest)


def _chunk(name: str, kind: bytes, rest: bytes) -> Text:
    """The text of one chunk behind its keyword."""
    if kind == b"tEXt":
        return _text(name, rest)
    if kind == b"zTXt":
        return _unpacked(name, rest[1:])
    compressed = rest[:1] == b"\1"
    parts = rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        return Text(name, problem="Its head is cut off.")
    return _unpacked(name, parts[2]) if compressed else _text(name, parts[2])


def _unpacked(name: str, data: bytes) -> Text:
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(data, MOST_BYTES + 1)
    except zlib.error as error:
        return Text(name, problem=f"It cannot be unpacked: {error}.")
    return _text(name, plain) if unpacking.eof or len(plain) > MOST_BYTES else Text(name, problem="It is cut off.")


def _text(name: str, data: bytes) -> Text:
    """Programs write UTF-8 where the format says Latin-1; what is not UTF-8 is taken as Latin-1."""
    if len(data) > MOST_BYTES:
        return _too_long(name)
    try:
        return Text(name, data.decode("utf-8"))
    except UnicodeDecodeError:
        return Text(name, data.decode("latin-1"))


def _too_long(name: str) -> Text:
    return Text(name, problem=_TOO_LONG)


def _of_jpeg(stream: BinaryIO) -> Iterator[Text]:
    for _ in range(_MOST_CHUNKS):
        head = stream.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0xD9, 0xDA):
            return
        length = int.from_bytes(head[2:4], "big") - 2
        if length < 0:
            return
        body = stream.read(length)
        if head[1] == 0xE1 and body.startswith(b"Exif\0\0"):
            yield from _of_exif(body[6:])
            return


def _of_webp(stream: BinaryIO) -> Iterator[Text]:
    for _ in range(_MOST_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            return
        kind, length = struct.unpack("<4sI", head)
        if kind != b"EXIF":
            stream.seek(length + (length & 1), 1)
            continue
        if length > _MOST_EXIF:
            yield _too_long("parameters")
            return
        body = stream.read(length)
        yield from _of_exif(body.removeprefix(b"Exif\0\0"))
        return


def _of_exif(data: bytes) -> Iterator[Text]:
    """The texts of an EXIF block, which is a small TIFF file (TIFF 6.0 section 2)."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return
    try:
        (first,) = struct.unpack(f"{order}I", data[4:8])
        entries = _entries(data, order, first)
        (inner,) = struct.unpack(f"{order}I", entries[_EXIF_IFD].ljust(4, b"\0")[:4]) if _EXIF_IFD in entries else (0,)
        if inner:
            entries |= {_USER_COMMENT: b""} | _entries(data, order, inner)
    except struct.error:
        yield Text("parameters", problem="The EXIF block is damaged.")
        return
    if comment := entries.get(_USER_COMMENT):
        yield _comment(comment, order)
    for tag in (_MAKE, _MODEL):
        keyword, _, text = entries.get(tag, b"").rstrip(b"\0").partition(b":")
        if keyword in (b"prompt", b"workflow"):
            yield _text(keyword.decode("ascii"), text)


def _entries(data: bytes, order: str, at: int) -> dict[int, bytes]:
    """The values of a directory's texts and of its pointer to the next one, by tag. Raises struct.error."""
    (count,) = struct.unpack(f"{order}H", data[at : at + 2])
    found = {}
    for number in range(min(count, 512)):
        place = at + 2 + 12 * number
        tag, kind, size = struct.unpack(f"{order}HHI", data[place : place + 8])
        value = data[place + 8 : place + 12]
        if kind in (_ASCII, _BYTES, _UNDEFINED) and size > 4:
            (offset,) = struct.unpack(f"{order}I", value)
            value = data[offset : offset + size]
            if len(value) < size:
                raise struct.error("a value lies outside of the block")
        if tag in (_MAKE, _MODEL, _EXIF_IFD, _USER_COMMENT):
            found[tag] = value
    return found


def _comment(data: bytes, order: str) -> Text:
    """A `UserComment`: eight bytes of its character code, then the text. `UNICODE` is UTF-16 of either order."""
    code, body = data[:8], data[8:]
    if len(data) > MOST_BYTES:
        return _too_long("parameters")
    if code.startswith(b"UNICODE"):
        # Writers disagree whether the order is that of the block; a text of these letters tells by its zeros.
        likely = "utf-16-be" if body[:1] == b"\0" else "utf-16-le" if body[1:2] == b"\0" else ""
        try:
            return Text(
                "parameters", body.decode(likely or ("utf-16-le" if order == "<" else "utf-16-be")).rstrip("\0")
            )
        except UnicodeDecodeError:
            return Text("parameters", problem="Its characters are damaged.")
    return _text("parameters", (body if code.startswith((b"ASCII", b"\0\0\0\0\0\0\0\0")) else data).rstrip(b"\0 "))
