"""The upscaler: the ESRGAN family's names, any size, no seams, clearly better than bicubic on panels it never saw."""

import hashlib
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from bullpen_starter import models_root
from bullpen_starter.networks.srvgg import SRVGGNetCompact
from bullpen_starter.networks.tiles import tiled
from bullpen_starter.render import render
from bullpen_starter.train import upscaler, upscaler_begin, upscaler_data
from bullpen_starter.train.anypanel import HELD_OUT, any_panel
from bullpen_starter.train.onnxfile import opened, run
from bullpen_starter.train.upscaler_measure import BICUBIC, enlarged, psnr
from PIL import Image
from safetensors.torch import load_file

MODEL = models_root() / upscaler.NAME


def _noise(height: int, width: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return np.random.default_rng(3).random((1, 3, height, width), dtype=np.float32)


def test_an_untrained_body_gives_the_picture_enlarged_by_repetition() -> None:
    """With a last layer of zeros only the base is left."""
    network = SRVGGNetCompact(8, 2, 4)
    for p in network.body[-1].parameters():
        torch.nn.init.zeros_(p)
    picture = torch.rand(1, 3, 5, 7)
    with torch.no_grad():
        out = network(picture)
    assert torch.equal(out, picture.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3))


@pytest.mark.parametrize("scale", [2, 4])
def test_a_reader_of_the_family_finds_its_shape_in_the_weights(scale: int) -> None:
    """Width, depth and scale follow from names and shapes alone, by the rules of the family's readers."""
    weights = load_file(MODEL / f"upscale-{scale}x.safetensors")
    assert all(name.startswith("body.") for name in weights)
    last = max(int(name.split(".")[1]) for name in weights)
    assert {"body.0.weight", "body.1.weight", f"body.{last}.bias"} <= set(weights)
    assert (last - 2) // 2 == upscaler.DEPTH
    assert weights["body.0.weight"].shape == (upscaler.WIDTH, 3, 3, 3)
    assert weights["body.1.weight"].shape == (upscaler.WIDTH,)
    assert weights[f"body.{last}.bias"].shape == (3 * scale**2,)
    SRVGGNetCompact(upscaler.WIDTH, upscaler.DEPTH, scale).load_state_dict(weights, strict=True)


@pytest.mark.parametrize("scale", [2, 4])
def test_both_files_of_a_scale_compute_the_same(scale: int) -> None:
    """The ONNX file takes any height and width and agrees with the safetensors weights."""
    network = SRVGGNetCompact(upscaler.WIDTH, upscaler.DEPTH, scale).eval()
    network.load_state_dict(load_file(MODEL / f"upscale-{scale}x.safetensors"))
    session = opened(MODEL / f"upscale-{scale}x.onnx")
    for size in ((17, 40), (33, 24)):
        picture = _noise(*size)
        with torch.no_grad():
            wanted = network(torch.from_numpy(picture)).numpy()
        assert wanted.shape[-2:] == (size[0] * scale, size[1] * scale)
        assert np.abs(run(session, picture) - wanted).max() < 1e-4


def test_tiles_with_overlap_leave_no_seam() -> None:
    """With the overlap that the manifest names, tiles equal the undivided picture; with less they do not."""
    overlap = json.loads((MODEL / "bullpen-manifest.json").read_text())["runtime"]["overlap"]
    session = opened(MODEL / "upscale-4x.onnx")
    picture = _noise(50, 70)
    whole = run(session, picture)
    apart = [
        float(np.abs(tiled(lambda part: run(session, part), picture, 4, 24, width) - whole).max())
        for width in (overlap, 2)
    ]
    assert apart[0] < 1e-5 < apart[1]


def test_tiles_of_no_size_are_refused() -> None:
    """A tile needs at least one pixel."""
    with pytest.raises(ValueError, match="no tiles"):
        tiled(lambda part: part, _noise(4, 4), 1, 0)


def test_fourfold_beats_bicubic_by_two_decibels_on_unseen_panels() -> None:
    """On held-out layouts made small by bicubic."""
    session = opened(MODEL / "upscale-4x.onnx")
    gains = []
    for layout in range(HELD_OUT + 900_000, HELD_OUT + 900_004):
        truth = render(any_panel("test", layout, unseen=True), (512, 512)).picture
        small = upscaler_data.reduced(truth, 4, BICUBIC)
        gains.append(psnr(enlarged(session, small), truth) - psnr(small.resize(truth.size, BICUBIC), truth))
    assert np.mean(gains) > 2


def test_pairs_are_repeatable_and_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two streams of one seed are equal, and the small picture is the large one made small."""
    monkeypatch.setattr(upscaler_data, "SIZE", 128)
    one, two = (upscaler_data.Windows(tmp_path, 3, 4, 5) for _ in range(2))
    small, large = one.batch(8, 16)
    assert torch.equal(small, two.batch(8, 16)[0])
    assert small.shape == (8, 3, 16, 16)
    assert large.shape == (8, 3, 64, 64)
    assert float((torch.nn.functional.avg_pool2d(large, 4) - small).abs().mean()) < 0.05


def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scale: int) -> upscaler_data.Windows:
    monkeypatch.setattr(upscaler_data, "SIZE", 192)
    return upscaler_data.Windows(tmp_path, 3, scale, 9)


@pytest.mark.parametrize("scale", [2, 4])
def test_the_start_is_already_better_than_repetition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scale: int
) -> None:
    """The solved last layer explains more of the picture than the enlarged one alone, before any training."""
    windows = _data(tmp_path, monkeypatch, scale)
    torch.manual_seed(0)
    network = upscaler_begin.begin(SRVGGNetCompact(16, 4, scale), windows)
    small, large = windows.batch(8, 40)
    with torch.no_grad():
        repeated = torch.nn.functional.interpolate(small, scale_factor=float(scale), mode="nearest")
        error, before = ((out - large).square().mean() for out in (network(small), repeated))
    assert float(error) < 0.8 * float(before)


def test_the_loss_minds_lines_more_than_tints() -> None:
    """The truth costs nothing; the same error costs more as a pattern than as an even tint."""
    truth = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    even = torch.full_like(truth, 0.1)
    pattern = even.clone()
    pattern[..., ::2] *= -1
    costs = [float(upscaler.loss(truth + error, truth)) for error in (0 * even, even, pattern)]
    assert costs[0] == 0
    assert costs[1] == pytest.approx(0.1, abs=1e-5)
    assert costs[2] == pytest.approx(0.2, abs=1e-5)


def _ticking(device: str) -> Callable[[], float]:
    """A clock that goes on by a second whenever it is read."""
    seconds = itertools.count()
    return lambda: float(next(seconds))


def test_training_stops_by_the_clock_resumes_and_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes are kept in all: a second run goes on; doubling begins with the fourfold body; the folder is whole."""
    _data(tmp_path, monkeypatch, 4)
    small = {"PANELS": 3, "WINDOW": 24, "BATCH": 2, "WIDTH": 8, "DEPTH": 2, "clock": _ticking}
    for name, value in small.items():
        monkeypatch.setattr(upscaler, name, value)
    upscaler.train(tmp_path, "cpu", 0.2, resume=False)
    first = torch.load(tmp_path / "upscaler-4x.pt", weights_only=True)
    windows = upscaler_data.Windows(tmp_path, 3, 2, 1)
    started = upscaler_begin.begin(SRVGGNetCompact(8, 2, 2), windows, tmp_path / "upscaler-4x.pt")
    assert torch.equal(started.body[2].get_parameter("weight"), first["final"]["body.2.weight"])
    upscaler.train(tmp_path, "cpu", 0.4, resume=True)
    second = torch.load(tmp_path / "upscaler-4x.pt", weights_only=True)
    assert 0 < first["steps"] < second["steps"]
    assert first["used"] < second["used"]
    folder = upscaler.export(tmp_path, tmp_path / "models")
    files = set(json.loads((folder / "bullpen-manifest.json").read_text())["files"])
    assert files == {"CARD.md", *(f"upscale-{n}x.{end}" for n in (2, 4) for end in ("onnx", "safetensors"))}


def test_the_shipped_folder_is_whole() -> None:
    """Manifest and files agree to the byte."""
    manifest = json.loads((MODEL / "bullpen-manifest.json").read_text())
    there = {p.relative_to(MODEL).as_posix() for p in MODEL.rglob("*") if p.is_file()}
    assert there == {*manifest["files"], "bullpen-manifest.json"}
    for name, entry in manifest["files"].items():
        assert hashlib.sha256((MODEL / name).read_bytes()).hexdigest() == entry["sha256"], name


def test_pictures_come_back_in_bytes_and_in_scale() -> None:
    """A flat colour stays that colour."""
    session = opened(MODEL / "upscale-2x.onnx")
    out = enlarged(session, Image.new("RGB", (40, 30), (200, 120, 40)))
    assert out.size == (80, 60)
    assert np.abs(np.asarray(out).astype(int)[20:40, 20:60] - (200, 120, 40)).max() <= 6
