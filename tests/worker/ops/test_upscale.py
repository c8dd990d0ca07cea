"""Upscaling: tiles without seams, transparency, and which files of a model are opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bullpen_starter import models_root
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.tiles import tiled
from bullpen_worker.ops.tools import Toolbox
from bullpen_worker.ops.upscale import enlarge as enlarging
from bullpen_worker.ops.upscale.enlarge import enlarge
from bullpen_worker.ops.upscale.networks import Upscaler, upscaler

from tests.worker.ops.networks import tool, upscale_model, write_model, write_upscaler

LIMIT = 1_000_000


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:  # noise shows every seam
    return np.random.default_rng(5).integers(0, 256, (height, width, channels), dtype=np.uint8)


def refused(reason: str, words: str, folder: Path, scale: int = 0, file: str = "") -> WorkerError:
    with pytest.raises(WorkerError, match=words) as caught:
        upscaler(tool(folder, file), scale, Toolbox(1))
    assert caught.value.reason == reason
    return caught.value


def test_tiles_show_no_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture done in tiles is, to the byte, the picture done whole; with too small an overlap it would not be."""
    network = upscaler(tool(upscale_model(tmp_path / "up")), 2, Toolbox(1))
    picture = noise(70, 53)
    whole = enlarge(picture, network, LIMIT)
    assert whole.shape == (140, 106, 3)
    monkeypatch.setattr(enlarging, "TILE", 16)
    told: list[float] = []
    assert np.array_equal(enlarge(picture, network, LIMIT, told.append), whole)
    assert told == pytest.approx([(n + 1) / 20 for n in range(20)])
    bare = Upscaler(network.run, network.scale, 0)
    assert not np.array_equal(enlarge(picture, bare, LIMIT), whole)


@pytest.mark.parametrize(("height", "width"), [(70, 53), (10, 90), (7, 5), (32, 32)])
def test_a_network_of_one_size_takes_every_picture(tmp_path: Path, height: int, width: int) -> None:
    """Where a network's input is fixed, each tile is exactly that large, and the middle shows no seam."""
    any_size = upscaler(tool(upscale_model(tmp_path / "up", overlap=1)), 2, Toolbox(1))
    write_upscaler(tmp_path / "fixed.onnx", 2, fixed=(32, 32))
    network = upscaler(tool(tmp_path, "fixed.onnx"), 0, Toolbox(1))
    assert network.fixed == (32, 32)
    picture = noise(height, width)
    out, wanted = enlarge(picture, network, LIMIT), enlarge(picture, any_size, LIMIT)
    assert out.shape == wanted.shape
    # The outermost pixel of a network sees beyond the edge, which here is repeated and there is black.
    assert np.array_equal(out[2:-2, 2:-2], wanted[2:-2, 2:-2])


def test_tiles_without_a_middle_are_refused() -> None:
    """An overlap that leaves nothing of a fixed size is an error, not an endless loop."""
    with pytest.raises(ValueError, match="no middle"):
        tiled(lambda part: part, np.zeros((1, 3, 8, 8), np.float32), 1, tile=4, overlap=8, fixed=(16, 16))


def test_transparency_is_enlarged_and_draws_no_dark_rim(tmp_path: Path) -> None:
    """Black under full transparency does not bleed into the edge of what is seen, and stays out of the result."""
    network = upscaler(tool(upscale_model(tmp_path / "up")), 2, Toolbox(1))
    picture = np.zeros((24, 24, 4), dtype=np.uint8)
    picture[8:16, 8:16] = (200, 100, 50, 255)
    out = enlarge(picture, network, LIMIT)
    seen = out[..., 3] > 0
    assert out.shape == (48, 48, 4)
    assert (out[20:28, 20:28, 3] == 255).all()
    # The blur of the network itself darkens the border of the picture, which nothing is seen of here.
    assert np.abs(out[seen][:, :3].astype(int) - (200, 100, 50)).max() <= 2
    assert (out[~seen] == 0).all()


def test_the_factor_is_chosen_from_the_manifest(tmp_path: Path) -> None:
    """0 takes the largest factor; one that the model lacks is refused with those that it has."""
    folder = upscale_model(tmp_path / "up", (2, 4))
    assert [upscaler(tool(folder), scale, Toolbox(1)).scale for scale in (0, 2, 4)] == [4, 2, 4]
    error = refused("MODEL_UNSUPPORTED", "does not enlarge 3 times; it can do 2 times or 4 times", folder, 3)
    assert "2 times or 4 times" in error.remedy


def test_a_result_that_is_too_large_is_refused_before_it_is_made(tmp_path: Path) -> None:
    """The pixel limit holds for what comes out, too."""
    network = upscaler(tool(upscale_model(tmp_path / "up")), 2, Toolbox(1))
    with pytest.raises(WorkerError, match="4,004 pixels; 4,000 are allowed") as caught:
        enlarge(noise(77, 13), network, 4000)
    assert caught.value.reason == "PICTURE_TOO_LARGE"


@pytest.mark.parametrize("name", ["x2.pth", "x2.PT", "x2.ckpt"])
def test_pickled_weights_are_refused_unopened(tmp_path: Path, name: str) -> None:
    """A pickle is refused by its name, in a manifest as well as by itself; nothing reads it."""
    (tmp_path / name).write_bytes(b"never read")
    refused("MODEL_UNSAFE", "never loaded", tmp_path, file=name)
    write_model(tmp_path, "srvgg", "upscale", {"files": {"2": name}})
    refused("MODEL_UNSAFE", "never loaded", tmp_path)


def test_what_does_not_enlarge_is_refused(tmp_path: Path) -> None:
    """Files that are no networks, or networks that do something else, are refused by name."""
    (tmp_path / "text.onnx").write_text("no network")
    refused("MODEL_CORRUPT", r"text.onnx is no ONNX network", tmp_path, file="text.onnx")
    write_upscaler(tmp_path / "x16.onnx", 16)
    refused("MODEL_UNSUPPORTED", "whole factor up to 8", tmp_path, file="x16.onnx")
    (tmp_path / "x2.txt").write_text("words")
    refused("MODEL_UNSUPPORTED", "no ONNX and no safetensors", tmp_path, file="x2.txt")


def test_a_manifest_that_lies_about_a_factor_is_refused(tmp_path: Path) -> None:
    """A file that enlarges by another factor than its manifest says is damaged, and so is one that is not listed."""
    folder = upscale_model(tmp_path / "up", (2,), files={"4": "x2.onnx"})
    refused("MODEL_CORRUPT", "enlarges 2 times where its manifest says 4", folder)
    other = upscale_model(tmp_path / "other", (2,), files={"2": "../up/x2.onnx"})
    refused("MODEL_CORRUPT", "does not list", other)


def test_a_file_that_was_swapped_is_not_opened(tmp_path: Path) -> None:
    """Weights that are no longer those that were checked are refused."""
    folder = upscale_model(tmp_path / "up")
    known = tool(folder)
    write_upscaler(folder / "x2.onnx", 2, reach=2)
    with pytest.raises(WorkerError, match="is not the file that was checked") as caught:
        upscaler(known, 2, Toolbox(1))
    assert caught.value.reason == "MODEL_CORRUPT"


def test_safetensors_need_spandrel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without spandrel, safetensors upscalers are refused with how to get it."""
    monkeypatch.setitem(__import__("sys").modules, "spandrel", None)
    (tmp_path / "x4.safetensors").write_bytes(b"")
    error = refused("MODEL_UNSUPPORTED", "needs the library spandrel", tmp_path, file="x4.safetensors")
    assert "bullpen[spandrel]" in error.remedy


def test_networks_are_opened_once(tmp_path: Path) -> None:
    """The second picture finds the network open."""
    box, known = Toolbox(1), tool(upscale_model(tmp_path / "up"))
    assert upscaler(known, 2, box) is upscaler(known, 2, box)


@pytest.mark.parametrize("scale", [2, 4])
def test_the_starters_upscaler_shows_no_seam(monkeypatch: pytest.MonkeyPatch, scale: int) -> None:
    """The embedded network reads no further than its manifest says: tiles give the picture done whole."""
    network = upscaler(tool(models_root() / "starter-upscale"), scale, Toolbox(1))
    picture = noise(40, 44)
    whole = enlarge(picture, network, LIMIT)
    monkeypatch.setattr(enlarging, "TILE", 24)
    parts = enlarge(picture, network, LIMIT)
    assert whole.shape == (40 * scale, 44 * scale, 3)
    # Sums in another order may round one level up or down.
    assert np.abs(parts.astype(int) - whole.astype(int)).max() <= 1
