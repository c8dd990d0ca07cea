"""Colour profiles: what a file says of its colours is heard, what is sRGB or no use leaves every byte as it is."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from bullpen_worker.ops.picture import open_layered, open_picture, pictures_in
from PIL import Image, ImageCms

LIMIT = 1_000_000
# Primaries of sRGB under D50, as a profile has them (ICC.1, s15Fixed16).
RED, GREEN, BLUE = (0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141)


def _number(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def profile(red: tuple[float, ...], green: tuple[float, ...], blue: tuple[float, ...], name: str = "Swapped") -> bytes:
    """A display profile of version 2 with these primaries and a gamma of 2.2."""
    words = name.encode() + b"\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(words)) + words + bytes(78)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256))
    tags = {
        b"desc": description,
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + b"".join(map(_number, (0.9642, 1.0, 0.8249))),
        **{
            kind: b"XYZ " + bytes(4) + b"".join(map(_number, primary))
            for kind, primary in ((b"rXYZ", red), (b"gXYZ", green), (b"bXYZ", blue))
        },
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, content = b"", b""
    begin = 128 + 4 + 12 * len(tags)
    for kind, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += kind + struct.pack(">II", begin + len(content), len(data))
        content += padded
    whole = struct.pack(">I", len(tags)) + table + content
    head = struct.pack(">I4sI4s4s4s", 128 + len(whole), bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += b"".join(map(_number, (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + whole


SWAPPED = profile(BLUE, GREEN, RED)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_colours_are_those_that_the_profile_says(tmp_path: Path, suffix: str) -> None:
    """A profile whose red is what others call blue: red pixels are blue ones, and upright."""
    path = tmp_path / f"p.{suffix}"
    exif = Image.Exif()
    exif[0x112] = 6
    Image.new("RGB", (16, 8), (250, 5, 5)).save(path, icc_profile=SWAPPED, exif=exif, quality=100)
    opened = open_picture(path, LIMIT)
    assert opened.size == (8, 16)
    red, _, blue = np.asarray(opened)[8, 4].tolist()
    assert blue > 240 > 40 > red


def test_transparency_stays(tmp_path: Path) -> None:
    """Alpha is no colour."""
    pixels = np.zeros((4, 4, 4), dtype=np.uint8)
    pixels[..., 0], pixels[..., 3] = 250, np.arange(16, dtype=np.uint8).reshape(4, 4) * 17
    Image.fromarray(pixels).save(tmp_path / "p.png", icc_profile=SWAPPED)
    opened = np.asarray(open_layered(tmp_path / "p.png", LIMIT))
    assert np.array_equal(opened[..., 3], pixels[..., 3])
    assert (opened[..., 2] > 240).all()


@pytest.mark.parametrize(
    "data",
    [
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        profile(BLUE, GREEN, RED, "sRGB IEC61966-2.1"),
        b"no profile at all",
        SWAPPED[:200],
    ],
)
def test_srgb_and_what_is_no_use_change_no_byte(tmp_path: Path, data: bytes) -> None:
    """Most photographs say sRGB: they stay as they are to the byte, and a damaged profile costs no picture."""
    pixels = np.random.default_rng(3).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png", icc_profile=data)
    assert np.array_equal(np.asarray(open_picture(tmp_path / "p.png", LIMIT)), pixels)


def test_pictures_of_an_animation_are_counted(tmp_path: Path) -> None:
    """The first one is taken; that there are more can be told."""
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (200, 100, 0)]
    for suffix in ("webp", "png"):
        path = tmp_path / f"moving.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, lossless=True)
        assert pictures_in(path, LIMIT) == 3
        assert np.asarray(open_picture(path, LIMIT))[0, 0, 0] == 200
    frames[0].save(tmp_path / "still.png")
    assert pictures_in(tmp_path / "still.png", LIMIT) == 1
