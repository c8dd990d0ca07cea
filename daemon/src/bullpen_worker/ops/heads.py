"""Reads the head of a picture file: what it is and how large, before any library may decode it.

PNG, JPEG and WebP only. Formats: W3C PNG third edition 5.2 and 11.2.2, ITU-T T.81 B.1–B.2, RFC 9649.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bullpen_worker.failures import WorkerError

_PNG = b"\x89PNG\r\n\x1a\n"
# JPEG markers that start a frame and so carry its size; C4, C8 and CC mean other things.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})

_GUESSES: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"8BPS", "a Photoshop document"),
    (b"\x1f\x8b", "a compressed file"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"<!DOCTYPE html", "a web page"),
    (b"<html", "a web page"),
)


@dataclass(frozen=True, slots=True)
class Head:
    """Format (`PNG`, `JPEG`, `WEBP`) and size in pixels as stored, before any orientation."""

    format: str
    width: int
    height: int

    @property
    def mime_type(self) -> str:
        """Media type of the format."""
        return f"image/{self.format.lower()}"

    @property
    def suffix(self) -> str:
        """Ending of the file's name in the store."""
        return {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}[self.format]


def read_head(path: str | Path, max_pixels: int) -> Head:
    """Reads a picture's head. `max_pixels` 0 sets no limit.

    Raises WorkerError: PATH_NOT_FOUND, PICTURE_UNREADABLE (saying what the file seems to be), PICTURE_TOO_LARGE.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            head = _parse(path, stream)
    except FileNotFoundError as error:
        raise WorkerError("PATH_NOT_FOUND", f"{path} does not exist.") from error
    except IsADirectoryError as error:
        raise WorkerError("PICTURE_UNREADABLE", f"{path} is a folder, not a picture.") from error
    except OSError as error:
        raise WorkerError("PICTURE_UNREADABLE", f"{path} cannot be read: {error.strerror}.") from error
    except (struct.error, IndexError) as error:
        raise WorkerError("PICTURE_UNREADABLE", f"{path} ends inside its head; it is cut off.") from error
    if head.width < 1 or head.height < 1:
        raise WorkerError("PICTURE_UNREADABLE", f"{path} claims a size of {head.width}×{head.height} pixels.")
    if max_pixels and head.width * head.height > max_pixels:
        raise WorkerError(
            "PICTURE_TOO_LARGE",
            f"{path} has {head.width}×{head.height} ({head.width * head.height:,}) pixels; {max_pixels:,} are allowed.",
        )
    return head


def _parse(path: Path, stream: BinaryIO) -> Head:
    start = stream.read(32)
    if start.startswith(_PNG):
        width, height = struct.unpack(">II", start[16:24])
        if start[12:16] != b"IHDR":
            raise WorkerError("PICTURE_UNREADABLE", f"{path} is a damaged PNG picture: its head is missing.")
        return Head("PNG", width, height)
    if start.startswith(b"\xff\xd8\xff"):
        stream.seek(2)
        return _parse_jpeg(path, stream)
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return _parse_webp(path, start)
    raise WorkerError("PICTURE_UNREADABLE", f"{path} is no PNG, JPEG or WebP picture; it seems to be {_guess(start)}.")


def _parse_jpeg(path: Path, stream: BinaryIO) -> Head:
    while True:
        byte = stream.read(1)[0]
        if byte != 0xFF:
            raise WorkerError("PICTURE_UNREADABLE", f"{path} is a damaged JPEG picture.")
        while (marker := stream.read(1)[0]) == 0xFF:
            pass
        if marker in _STANDALONE:
            continue
        (length,) = struct.unpack(">H", stream.read(2))
        if marker in _START_OF_FRAME:
            _, height, width = struct.unpack(">BHH", stream.read(5))
            return Head("JPEG", width, height)
        if marker == 0xD9 or marker == 0xDA or length < 2:
            raise WorkerError("PICTURE_UNREADABLE", f"{path} is a damaged JPEG picture.")
        stream.seek(length - 2, 1)


def _parse_webp(path: Path, start: bytes) -> Head:
    kind = start[12:16]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(start[24:27], "little")
        height = 1 + int.from_bytes(start[27:30], "little")
    elif kind == b"VP8L":
        (bits,) = struct.unpack("<I", start[21:25])
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", start[26:30]))
    else:
        raise WorkerError("PICTURE_UNREADABLE", f"{path} is a damaged WebP picture.")
    return Head("WEBP", width, height)


def _guess(start: bytes) -> str:
    if not start:
        return "an empty file"
    for magic, words in _GUESSES:
        if start.lower().startswith(magic.lower()):
            return words
    if start[4:8] == b"ftyp":
        return "a HEIC or AVIF picture or a film"
    try:
        text = (
            start.decode("utf-8", errors="strict") if len(start) < 32 else start[:28].decode("utf-8", errors="ignore")
        )
    except UnicodeDecodeError:
        return "data of another kind"
    return "a text" if text and all(c.isprintable() or c in "\r\n\t" for c in text) else "data of another kind"
