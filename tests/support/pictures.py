"""Small pictures for tests, each with a content of its own."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from PIL import Image, ImageDraw


def picture(seed: int, width: int = 96, height: int = 64) -> Image.Image:
    """A drawing with edges and colour that follows from the seed."""
    image = Image.new("RGB", (width, height), ((seed * 37) % 200 + 20, (seed * 91) % 200 + 20, (seed * 53) % 200 + 20))
    draw = ImageDraw.Draw(image)
    step = 6 + seed % 7
    for x in range(0, width, step * 2):
        draw.rectangle((x, (x * seed) % (height // 2), x + step, height - 4), fill=((x * 5) % 256, 40, 200))
    draw.text((2, 2), str(seed), fill=(255, 255, 255))
    return image


def write_picture(path: Path, seed: int, width: int = 96, height: int = 64) -> Path:
    """Writes a drawing to `path` in the format of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed, width, height).save(path)
    return path


def write_bomb(path: Path, width: int = 13000, height: int = 13000) -> Path:
    """Writes a valid greyscale PNG of a few kilobytes that decodes to width × height pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    line = b"\0" * (width // 8 + 2)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path
