"""Pictures to a provider and back: nothing but pixels leaves, nothing that comes is trusted, shapes come out right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.chain import process_picture
from bullpen_worker.ops.provider import answered_alpha, prepare_upload, read_answer
from bullpen_worker.ops.tools import Toolbox
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.support.pictures import picture, write_bomb, write_picture

LIMIT = 1_000_000


def test_only_pixels_leave(tmp_path: Path) -> None:
    """Texts, EXIF and profile of a picture are not in what is sent; its pixels are."""
    info = PngInfo()
    info.add_text("bullpen", "the whole recipe")
    image, exif = picture(3), Image.Exif()
    exif[0x010E] = "taken at home"
    image.save(tmp_path / "in.png", pnginfo=info, exif=exif, icc_profile=b"a profile of a certain printer")
    task = link_pb2.PrepareUpload(path=str(tmp_path / "in.png"), out_path=str(tmp_path / "out.png"))
    made = prepare_upload(task, LIMIT)
    data = (tmp_path / "out.png").read_bytes()
    for trace in (b"recipe", b"home", b"printer", b"tEXt", b"eXIf", b"iCCP"):
        assert trace not in data
    with Image.open(tmp_path / "out.png") as sent:
        assert sent.info == {}
        assert np.array_equal(np.asarray(sent), np.asarray(image))
    assert (made.width, made.height, made.source_width) == (96, 64, 96)
    assert made.size_bytes == len(data)


@pytest.mark.parametrize(("width", "height"), [(96, 64), (64, 96), (80, 80), (97, 31)])
def test_fitted_before_and_taken_out_after(tmp_path: Path, width: int, height: int) -> None:
    """What a provider gives back unchanged is the source again, at the size of the canvas, whatever its shape."""
    source = picture(5, width, height)
    source.save(tmp_path / "in.png")
    up = link_pb2.PrepareUpload(path=str(tmp_path / "in.png"), out_path=str(tmp_path / "up.png"), width=192, height=128)
    made = prepare_upload(up, LIMIT)
    assert (made.width, made.height) == (192, 128)
    back = link_pb2.ReadAnswer(
        path=str(tmp_path / "up.png"),
        raw_path=str(tmp_path / "raw"),
        width=128,
        height=128,
        source_width=made.source_width,
        source_height=made.source_height,
    )
    read = read_answer(back, LIMIT)
    assert max(read.width, read.height) == 128
    assert read.width / read.height == pytest.approx(width / height, rel=0.03)
    raw = Image.frombytes("RGB", (read.width, read.height), (tmp_path / "raw").read_bytes())
    expected = source.resize(raw.size, Image.Resampling.LANCZOS)
    difference = np.abs(np.asarray(raw, np.int16) - np.asarray(expected, np.int16)).mean()
    assert difference < 12, "the same picture, but for two scalings"


def test_without_a_source_the_middle_is_taken(tmp_path: Path) -> None:
    """A generated picture of another shape is cropped around its middle."""
    write_picture(tmp_path / "a.png", 4, 120, 60)
    task = link_pb2.ReadAnswer(path=str(tmp_path / "a.png"), raw_path=str(tmp_path / "raw"), width=60, height=60)
    assert read_answer(task, LIMIT) == link_pb2.AnswerRead(width=60, height=60)
    with Image.open(tmp_path / "a.png") as image:
        middle = image.crop((30, 0, 90, 60)).tobytes()
    assert (tmp_path / "raw").read_bytes() == middle


def test_a_large_picture_is_scaled_down_to_the_provider_s_limit(tmp_path: Path) -> None:
    """A provider's limit on pixels is kept, and the shape too."""
    write_picture(tmp_path / "in.png", 4, 200, 100)
    task = link_pb2.PrepareUpload(path=str(tmp_path / "in.png"), out_path=str(tmp_path / "o.png"), most_pixels=5000)
    made = prepare_upload(task, LIMIT)
    assert (made.width, made.height) == (100, 50)
    assert (made.source_width, made.source_height) == (200, 100)


def test_a_bomb_and_rubbish_are_refused(tmp_path: Path) -> None:
    """A small file of many pixels, a cut-off picture and a web page are refused, and nothing is written."""
    bomb = write_bomb(tmp_path / "bomb.png")
    half = tmp_path / "half.png"
    half.write_bytes(write_picture(tmp_path / "whole.png", 1).read_bytes()[:-40])
    page = tmp_path / "page.png"
    page.write_bytes(b"<!DOCTYPE html><p>no")
    for path, reason in ((bomb, "PICTURE_TOO_LARGE"), (half, "PICTURE_UNREADABLE"), (page, "PICTURE_UNREADABLE")):
        task = link_pb2.ReadAnswer(path=str(path), raw_path=str(tmp_path / "raw"), width=8, height=8)
        with pytest.raises(WorkerError) as refused:
            read_answer(task, LIMIT)
        assert refused.value.reason == reason
        assert not (tmp_path / "raw").exists()


def test_a_provider_s_cutout_takes_the_place_of_a_network(tmp_path: Path) -> None:
    """The chain takes the transparency of an answer, also of a smaller one, and keeps its own colours."""
    write_picture(tmp_path / "in.png", 6, 80, 40)
    answer = picture(9, 40, 20)
    alpha = Image.new("L", answer.size, 0)
    alpha.paste(255, (10, 5, 30, 15))
    answer.putalpha(alpha)
    answer.save(tmp_path / "answer.png")
    task = link_pb2.ProcessPicture(
        path=str(tmp_path / "in.png"),
        out_path=str(tmp_path / "out.png"),
        cutout=link_pb2.CutoutWork(answer_path=str(tmp_path / "answer.png")),
    )
    made = process_picture(task, LIMIT, Toolbox(1), lambda step, share: None)
    assert (made.width, made.height, made.has_alpha) == (80, 40, True)
    with Image.open(tmp_path / "out.png") as image, Image.open(tmp_path / "in.png") as source:
        assert image.getpixel((40, 20)) == (*source.getpixel((40, 20)), 255)  # type: ignore[misc]
        assert image.getpixel((2, 2)) == (0, 0, 0, 0)


def test_an_answer_that_cuts_nothing_out_is_refused(tmp_path: Path) -> None:
    """No transparency, or another shape, is a failure that says so."""
    plain = write_picture(tmp_path / "plain.png", 6, 80, 40)
    with pytest.raises(WorkerError, match="no transparency"):
        answered_alpha(str(plain), 80, 40, LIMIT)
    square = picture(1, 40, 40)
    square.putalpha(200)
    square.save(tmp_path / "square.png")
    with pytest.raises(WorkerError, match="another shape"):
        answered_alpha(str(tmp_path / "square.png"), 80, 40, LIMIT)


BOX = link_pb2.MaskWork(boxes=[link_pb2.MaskBox(left=0.5, top=0, right=1, bottom=1)])


def test_a_mask_is_transparent_where_a_provider_is_to_paint(tmp_path: Path) -> None:
    """It has the size of what is sent and holds nothing else; what only fills the canvas is kept."""
    write_picture(tmp_path / "in.png", 6, 64, 64)
    task = link_pb2.PrepareUpload(
        path=str(tmp_path / "in.png"), out_path=str(tmp_path / "up.png"), width=128, height=64
    )
    task.mask.CopyFrom(BOX)
    task.mask_path = str(tmp_path / "mask.png")
    made = prepare_upload(task, LIMIT)
    assert made.mask_sha256
    with Image.open(tmp_path / "mask.png") as mask:
        assert (mask.size, mask.mode) == ((made.width, made.height), "RGBA")
        alpha = np.asarray(mask.getchannel("A"))
    # The picture lies in the middle half of the canvas, and its right half is painted.
    assert (alpha[:, 64:96] == 0).all()
    assert (alpha[:, :64] == 255).all()
    assert (alpha[:, 96:] == 255).all()


def test_what_a_provider_changed_outside_of_the_place_is_not_taken(tmp_path: Path) -> None:
    """A mask is only advice to a provider: here the source stays to the pixel outside of it."""
    source = picture(8, 64, 64)
    source.save(tmp_path / "in.png")
    Image.new("RGB", (64, 64), (255, 0, 255)).save(tmp_path / "answer.png")
    task = link_pb2.ReadAnswer(
        path=str(tmp_path / "answer.png"),
        raw_path=str(tmp_path / "raw"),
        width=64,
        height=64,
        source_width=64,
        source_height=64,
        source_path=str(tmp_path / "in.png"),
        mask=BOX,
    )
    read_answer(task, LIMIT)
    made = np.asarray(Image.frombytes("RGB", (64, 64), (tmp_path / "raw").read_bytes()))
    assert (made[:, :32] == np.asarray(source)[:, :32]).all()
    assert (made[:, 32:] == (255, 0, 255)).all()


def test_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    """Nothing is sent where nobody says where to paint."""
    write_picture(tmp_path / "in.png", 6, 64, 64)
    task = link_pb2.PrepareUpload(path=str(tmp_path / "in.png"), out_path=str(tmp_path / "up.png"))
    task.mask.SetInParent()
    with pytest.raises(WorkerError, match="No place to paint"):
        prepare_upload(task, LIMIT)
