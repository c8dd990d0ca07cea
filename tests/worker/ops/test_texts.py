"""Texts of a picture's making are read from its file, within bounds, and a damaged one is said to be."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.texts import MOST_BYTES, Text, packed, read_texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path: Path, *chunks: bytes) -> Path:
    """A file with these chunks."""
    path.write_bytes(SIGNATURE + b"".join(chunks) + chunk(b"IEND", b""))
    return path


def comment(path: Path, code: bytes, text: bytes) -> Path:
    """A JPEG or WebP with an EXIF comment, as A1111 writes it."""
    image = Image.new("RGB", (8, 8))
    exif = image.getexif()
    exif.get_ifd(0x8769)[0x9286] = code.ljust(8, b"\0") + text
    image.save(path, exif=exif)
    return path


def test_all_three_kinds_of_chunks_are_read(tmp_path: Path) -> None:
    """Plain, packed and international texts, before and after the pixels; others are left alone."""
    info = PngInfo()
    info.add_text("parameters", "Füße")
    info.add_text("prompt", '{"a": 1}', zip=True)
    info.add_itxt("workflow", "日本", zip=True)
    info.add_text("Author", "nobody")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", pnginfo=info)
    found = {one.keyword: one.text for one in read_texts(tmp_path / "a.png")}
    assert found == {"parameters": "Füße", "prompt": '{"a": 1}', "workflow": "日本"}


@pytest.mark.parametrize("ending", [".jpg", ".webp"])
@pytest.mark.parametrize(
    ("code", "text"),
    [(b"UNICODE", "ink, Füße".encode("utf-16-be")), (b"UNICODE", "ink, Füße".encode("utf-16-le")), (b"ASCII", b"ink")],
)
def test_the_comment_of_a_photograph_is_read(tmp_path: Path, ending: str, code: bytes, text: bytes) -> None:
    """Both orders of UTF-16 and plain letters, in JPEG and WebP."""
    (found,) = read_texts(comment(tmp_path / f"a{ending}", code, text))
    assert found.keyword == "parameters"
    assert found.text in ("ink, Füße", "ink")


def test_a_webp_of_comfyui_has_its_graph_in_the_names_of_the_camera(tmp_path: Path) -> None:
    """`Make` and `Model` carry workflow and prompt."""
    image = Image.new("RGB", (8, 8))
    exif = image.getexif()
    exif[0x010F], exif[0x0110] = 'workflow:{"nodes": []}', 'prompt:{"3": 1}'
    image.save(tmp_path / "a.webp", exif=exif)
    found = {one.keyword: one.text for one in read_texts(tmp_path / "a.webp")}
    assert found == {"workflow": '{"nodes": []}', "prompt": '{"3": 1}'}


def test_a_text_that_unpacks_without_end_is_stopped(tmp_path: Path) -> None:
    """A few kilobytes that would be a gigabyte cost no memory; the text is said to be too long."""
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(64)) + packer.flush()
    (found,) = read_texts(png(tmp_path / "a.png", chunk(b"zTXt", b"prompt\0\0" + bomb)))
    assert (found.text, "longer" in found.problem) == ("", True)


def test_a_plain_text_beyond_the_bound_is_not_read(tmp_path: Path) -> None:
    """What follows it in the file is read all the same."""
    long = chunk(b"tEXt", b"prompt\0" + b"x" * (MOST_BYTES + 2000))
    found = read_texts(png(tmp_path / "a.png", long, chunk(b"tEXt", b"parameters\0ink")))
    assert [(one.keyword, one.text, bool(one.problem)) for one in found] == [
        ("prompt", "", True),
        ("parameters", "ink", False),
    ]


def test_texts_together_fit_into_an_answer() -> None:
    """Letters that grow when they are sent do not burst the frame."""
    told = packed([Text(name, "ÿ" * (1 << 21)) for name in ("bullpen", "parameters", "prompt", "workflow")])
    assert sum(len(one.text.encode()) for one in told) < 7 << 20
    assert any(one.problem for one in told)


@pytest.mark.parametrize("body", [b"prompt\0\0nonsense", b"prompt\0\0" + zlib.compress(b"long text")[:-6]])
def test_a_damaged_text_is_said_to_be(tmp_path: Path, body: bytes) -> None:
    """Neither passed over nor taken for a whole one."""
    (found,) = read_texts(png(tmp_path / "a.png", chunk(b"zTXt", body)))
    assert found.problem
    assert not found.text


def test_a_file_that_is_not_there_is_a_typed_failure(tmp_path: Path) -> None:
    """PATH_NOT_FOUND, as of any other task."""
    with pytest.raises(WorkerError) as refused:
        read_texts(tmp_path / "a.png")
    assert refused.value.reason == "PATH_NOT_FOUND"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([SIGNATURE, b"\xff\xd8\xff\xe1\x00\x40Exif\0\0II*\0", b"RIFF\0\0\0\0WEBPEXIF\x40\0\0\0MM\0*"]),
    st.binary(max_size=160),
)
def test_any_file_gives_texts_or_none(tmp_path: Path, start: bytes, rest: bytes) -> None:
    """Whatever stands behind a head ends in no other exception than a typed one."""
    (tmp_path / "a").write_bytes(start + rest)
    assert isinstance(read_texts(tmp_path / "a"), list)
