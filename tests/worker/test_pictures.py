"""People's files: what is taken as a picture, what is refused, and in which words."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.fit import fit, fitted_size
from bullpen_worker.ops.heads import read_head
from bullpen_worker.ops.inspect_pictures import inspect_pictures
from bullpen_worker.ops.picture import open_picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.worker.conftest import drawing

LIMIT = 1_000_000


def bomb(path: Path, width: int = 13_000, height: int = 13_000) -> Path:
    """A sound PNG of one grey tone whose rows compress a thousandfold: 20 kilobytes for 169 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + width // 8)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
    return path


def _reason(path: Path, limit: int = LIMIT) -> str:
    with pytest.raises(WorkerError) as caught:
        open_picture(path, limit)
    assert str(path) in caught.value.message
    assert caught.value.remedy
    return caught.value.reason


def _encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 70}),
        ("WEBP", {"quality": 70, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}),
    ],
)
def test_heads_are_read_without_decoding(tmp_path: Path, file_format: str, options: dict[str, object]) -> None:
    """Format and size come from the first bytes, for each way the formats can be written."""
    path = tmp_path / "picture"
    path.write_bytes(_encoded(drawing(37, 21), file_format, **options))
    head = read_head(path, LIMIT)
    assert (head.format, head.width, head.height) == (file_format, 37, 21)
    assert open_picture(path, LIMIT).size == (37, 21)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """Twenty kilobytes that would become 169 megapixels: the words give both numbers."""
    path = bomb(tmp_path / "bomb.png")
    assert path.stat().st_size < 40_000
    with pytest.raises(WorkerError, match=r"13000×13000 \(169,000,000\)") as caught:
        open_picture(path, 64_000_000)
    assert caught.value.reason == "PICTURE_TOO_LARGE"
    assert "64,000,000" in caught.value.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"buy milk, call Anna and draw page twelve", "a text"),
        (b"", "an empty file"),
        (b"GIF89a" + bytes(40), "a GIF picture"),
        (b"%PDF-1.7\n" + bytes(40), "a PDF document"),
        (b"<!doctype html><html>", "a web page"),
        (b"\0\0\0\x1cftypheic" + bytes(40), "a HEIC"),
        (bytes(range(128, 228)), "data of another kind"),
    ],
)
def test_a_file_that_is_no_picture_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    """Whatever the file's name says, its content decides, and the words say what it seems to be."""
    path = tmp_path / "scene.png"
    path.write_bytes(content)
    with pytest.raises(WorkerError, match=words) as caught:
        open_picture(path, LIMIT)
    assert caught.value.reason == "PICTURE_UNREADABLE"


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("kept", [10, 20, 60, 0.5, 0.9])
def test_a_cut_off_picture_is_refused(tmp_path: Path, file_format: str, kept: float) -> None:
    """Cut in its head or in its pixels: refused as damaged, never half decoded."""
    data = _encoded(Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)), file_format)
    path = tmp_path / "cut"
    path.write_bytes(data[: int(kept * len(data)) if kept < 1 else int(kept)])
    assert _reason(path) == "PICTURE_UNREADABLE"


def test_a_scribbled_picture_is_refused(tmp_path: Path) -> None:
    """Damaged bytes in the middle are found by decoding to the end."""
    data = bytearray(_encoded(drawing(64, 64), "PNG"))
    data[len(data) // 2 : len(data) // 2 + 8] = b"scribble"
    path = tmp_path / "scribbled.png"
    path.write_bytes(data)
    assert _reason(path) == "PICTURE_UNREADABLE"


def test_missing_files_and_folders_have_their_own_words(tmp_path: Path) -> None:
    """A path that is not there is no damaged picture."""
    assert _reason(tmp_path / "nothing.png") == "PATH_NOT_FOUND"
    assert _reason(tmp_path) == "PICTURE_UNREADABLE"


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"]),
)
def test_no_bytes_give_anything_but_a_typed_answer(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, start: bytes
) -> None:
    """Random bytes, also behind the beginnings of pictures, are refused or read; nothing else is ever raised."""
    path = tmp_path_factory.getbasetemp() / "random"
    path.write_bytes(start + tail)
    reason = "read"
    try:
        open_picture(path, 10_000)
    except WorkerError as error:
        reason = error.reason
    assert reason in {"read", "PICTURE_UNREADABLE", "PICTURE_TOO_LARGE"}


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(tmp_path: Path, file_format: str, orientation: int) -> None:
    """All eight EXIF orientations, in all formats: size by inspection and pixels by decoding agree."""
    stored = Image.new("RGB", (40, 20), "blue")
    stored.paste((255, 0, 0), (0, 0, 20, 10))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned"
    path.write_bytes(_encoded(stored, file_format, exif=exif.tobytes(), quality=95))
    upright = open_picture(path, LIMIT)
    assert upright.size == ((20, 40) if orientation >= 5 else (40, 20))
    # Where the red corner comes to lie, by the EXIF 2.32 definition of the tag.
    right = orientation in {2, 3, 6, 7}
    bottom = orientation in {3, 4, 7, 8}
    corner = (upright.width - 3 if right else 2, upright.height - 3 if bottom else 2)
    red, _, blue = upright.getpixel(corner)  # type: ignore[misc]  # an RGB picture gives three values
    assert red > 200 > 60 > blue
    (seen,) = inspect_pictures([str(path)], LIMIT).pictures
    assert (seen.width, seen.height) == upright.size


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    """Paper is white; so is what shows through."""
    path = tmp_path / "glass.png"
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(path)
    assert open_picture(path, LIMIT).getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    """Grey, palette, one bit, sixteen bits and print colours all arrive as the same mid grey."""
    path = tmp_path / "picture"
    if mode == "I;16":
        Image.fromarray(np.full((6, 6), 128 * 257, np.uint16)).save(path, "PNG")
    elif mode == "1":
        Image.new("1", (6, 6), 1).save(path, "PNG")
    else:
        Image.new("RGB", (6, 6), (128, 128, 128)).convert(mode).save(path, "JPEG" if mode == "CMYK" else "PNG")
    image = open_picture(path, LIMIT)
    assert image.mode == "RGB"
    value = np.asarray(image).mean()
    assert value == 255 if mode == "1" else abs(value - 128) <= 3


def test_inspection_answers_for_each_path(tmp_path: Path) -> None:
    """Order is kept, and a bad file does not hide the good ones."""
    good, bad = tmp_path / "a.png", tmp_path / "b.png"
    drawing(9, 5).save(good)
    bad.write_text("no picture at all, just words")
    first, second, third = inspect_pictures([str(good), str(bad), str(bomb(tmp_path / "c.png"))], LIMIT).pictures
    assert (first.width, first.height, first.mime_type) == (9, 5, "image/png")
    assert second.failure.reason == "PICTURE_UNREADABLE"
    assert third.failure.reason == "PICTURE_TOO_LARGE"


@given(st.integers(1, 500), st.integers(1, 500), st.integers(8, 300), st.integers(8, 300))
def test_fitting_keeps_shape_and_canvas(width: int, height: int, canvas_width: int, canvas_height: int) -> None:
    """The picture lies whole inside the canvas, touches it on two sides, and keeps its proportions to a pixel."""
    inner = fitted_size(width, height, canvas_width, canvas_height)
    assert 1 <= inner[0] <= canvas_width
    assert 1 <= inner[1] <= canvas_height
    assert inner[0] == canvas_width or inner[1] == canvas_height
    scale = min(canvas_width / width, canvas_height / height)
    assert abs(inner[0] - width * scale) <= 1
    assert abs(inner[1] - height * scale) <= 1


def test_a_fitted_picture_is_padded_by_its_edges_and_restored() -> None:
    """No black bars that a model would paint around, and nothing of the picture is lost."""
    source = Image.new("RGB", (40, 20), (10, 200, 30))
    fitted = fit(source, 32, 32)
    assert fitted.image.size == (32, 32)
    assert fitted.image.getcolors() == [(32 * 32, (10, 200, 30))]
    assert fitted.restore(fitted.image).size == (32, 16)
    assert fitted.restore(fitted.image.resize((64, 64))).size == (64, 32)


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    """Not one bit changes on the way in or out."""
    source = drawing(32, 32)
    fitted = fit(source, 32, 32)
    assert fitted.image.tobytes() == source.tobytes()
    assert fitted.restore(source).tobytes() == source.tobytes()
