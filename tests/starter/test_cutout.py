"""The cutout model: honest under rembg's stretch, trained on exact masks, good on panels it never saw."""

import hashlib
import itertools
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bullpen_starter import models_root
from bullpen_starter.networks.matting import SIDE, Calibrated, Matting
from bullpen_starter.render import render
from bullpen_starter.train import cutout, cutout_data
from bullpen_starter.train.anypanel import HELD_OUT, any_panel, held_out
from bullpen_starter.train.cutout_measure import Cutter, iou
from bullpen_starter.train.onnxfile import opened, run, write_onnx

MODEL = models_root() / cutout.NAME


class _Fixed(Matting):
    """A network that always answers the same logits."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__((4, 4, 4, 4, 4))
        self._logits = logits

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return self._logits


def _stretched(alpha: torch.Tensor) -> torch.Tensor:
    """What rembg's custom sessions do to every answer."""
    low, high = alpha.min(), alpha.max()
    return (alpha - low) / (high - low)


def _through(logits: torch.Tensor) -> torch.Tensor:
    side = logits.shape[-1]
    out: torch.Tensor = Calibrated(_Fixed(logits), side)(torch.zeros(1, 3, side, side))
    return _stretched(out)


def test_the_network_is_small_and_keeps_the_size() -> None:
    """At most 1.5 million parameters; any sides in steps of 32."""
    network = Matting().eval()
    assert sum(p.numel() for p in network.parameters()) <= 1_500_000
    with torch.no_grad():
        assert network(torch.zeros(2, 3, 64, 96)).shape == (2, 1, 64, 96)


@pytest.mark.parametrize("haze", [-12.0, -2.5, -1.0])
def test_nothing_found_stays_nothing_under_the_stretch(haze: float) -> None:
    """A faint answer is not stretched to a strong one: all but one corner pixel keep their alpha."""
    logits = torch.full((1, 1, 64, 64), haze)
    logits[..., 20:30, 20:30] += 0.2
    out = _through(logits)
    assert out[0, 0, 0, 0] == 1
    assert int((out > 0.35).sum()) == 1
    assert torch.allclose(
        out[..., 1:-1, 1:-1], (torch.sigmoid(logits) * 1.04 - 0.02).clamp(0, 1)[..., 1:-1, 1:-1], atol=0.02
    )


def test_everything_found_stays_everything_under_the_stretch() -> None:
    """A picture full of character neither divides by zero nor goes dark, but for one corner pixel."""
    out = _through(torch.full((1, 1, 64, 64), 12.0))
    assert torch.isfinite(out).all()
    assert int((out < 1).sum()) == 1


def test_a_clear_answer_needs_no_corner() -> None:
    """Where alpha has both ends already, no pixel is touched."""
    logits = torch.full((1, 1, 64, 64), -9.0)
    logits[..., 10:40, 10:40] = 9.0
    out = _through(logits)
    assert out[0, 0, 0, 0] == 0
    assert int((out == 1).sum()) == 900


def test_kept_identities_and_layouts_are_never_trained_on() -> None:
    """Training panels show only characters that are not kept, measuring panels only kept ones."""
    trained = [who for layout in range(60) for who in any_panel("cutout", layout).characters]
    measured = [who for layout in range(60) for who in any_panel("measure", HELD_OUT + layout, unseen=True).characters]
    assert trained
    assert measured
    assert not any(held_out(who) for who in trained)
    assert all(held_out(who) for who in measured)


def test_training_pictures_carry_exact_alpha_and_are_repeatable(tmp_path: Path) -> None:
    """Two streams of one seed are equal; pictures are normalised as rembg does it; alpha lies in 0..1."""
    one, two = (cutout_data.Pictures(tmp_path, 10, 96, 7) for _ in range(2))
    picture, alpha = one.batch(6, 64)
    again, _ = two.batch(6, 64)
    assert np.array_equal(picture, again)
    assert picture.shape == (6, 3, 64, 64)
    assert alpha.shape == (6, 1, 64, 64)
    assert float(alpha.min()) >= 0
    assert 0.9 < float(alpha.max()) <= 1
    assert -2.2 < float(picture.min()) < 0 < float(picture.max()) < 2.7


def test_loss_prefers_the_truth() -> None:
    """The true alpha costs least, its complement most, nothing lies between."""
    truth = torch.zeros(1, 1, 64, 64)
    truth[..., 16:48, 16:48] = 1
    right, none = truth * 16 - 8, torch.full_like(truth, -8.0)
    costs = [float(cutout.loss((guess,), truth)) for guess in (right, none, -right)]
    assert costs == sorted(costs)
    assert costs[0] < 0.01


def test_the_loss_teaches_a_network_what_is_in_front() -> None:
    """Thirty steps on one batch bring the loss well down."""
    torch.manual_seed(2)
    network = Matting((8, 8, 8, 8, 8))
    truth = torch.zeros(4, 1, 32, 32)
    for number in range(4):
        truth[number, :, 8:24, 4 * number : 4 * number + 12] = 1
    picture = torch.randn(4, 3, 32, 32) * 0.3 + truth
    optimiser = torch.optim.AdamW(network.parameters(), lr=5e-3)
    costs = []
    for _ in range(30):
        error = cutout.loss(network.all(picture), truth)
        optimiser.zero_grad()
        error.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        costs.append(error.item())
    assert costs[-1] < 0.5 * costs[0]


def _ticking(device: str) -> Callable[[], float]:
    """A clock that goes on by a second whenever it is read."""
    seconds = itertools.count()
    return lambda: float(next(seconds))


def test_training_stops_by_the_clock_resumes_and_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes are kept in all: a second run goes on where the first stopped; the folder is whole."""
    small = {"PANELS": 8, "BATCH": 2, "WINDOW": 64, "CROPPED": 1.0, "SETTLE": 1, "SIZE": 96, "clock": _ticking}
    for name, value in small.items():
        monkeypatch.setattr(cutout, name, value)
    cutout.train(tmp_path, "cpu", 0.1, resume=False)
    first = torch.load(tmp_path / "cutout.pt", weights_only=True)
    cutout.train(tmp_path, "cpu", 0.2, resume=True)
    second = torch.load(tmp_path / "cutout.pt", weights_only=True)
    assert 0 < first["steps"] < second["steps"]
    assert 6 <= first["used"] < 12 <= second["used"] < 18
    assert not torch.equal(first["final"]["enter.0.weight"], second["final"]["enter.0.weight"])
    folder = cutout.export(tmp_path, tmp_path / "models")
    manifest = json.loads((folder / "bullpen-manifest.json").read_text())
    assert manifest["family"] == "matting"
    assert set(manifest["files"]) == {"CARD.md", "cutout.onnx"}


def test_the_file_computes_what_the_network_does(tmp_path: Path) -> None:
    """ONNX and torch agree on noise, and a network that changed afterwards is noticed."""
    torch.manual_seed(0)
    network = Calibrated(Matting((4, 4, 8, 8, 8)), 64).eval()
    example = torch.zeros(1, 3, 64, 64)
    assert write_onnx(network, example, tmp_path / "x.onnx") < 1e-4
    noise = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        wanted = network(noise).numpy()
    assert np.abs(run(opened(tmp_path / "x.onnx"), noise.numpy()) - wanted).max() < 1e-4


@pytest.fixture(scope="module")
def cutter() -> Any:
    """The shipped file in rembg; imports of its libraries may warn of what they like."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Cutter(MODEL / cutout.FILE)


def test_rembg_cuts_out_characters_it_never_saw(cutter: Any) -> None:
    """Through rembg's own session, on held-out layouts and identities, alpha overlaps the exact mask."""
    scores = []
    for layout in range(HELD_OUT + 900_000, HELD_OUT + 900_006):
        panel = render(any_panel("test", layout, unseen=True, crowd=1 + layout % 3), (256, 256))
        scores.append(iou(cutter.alpha(panel.picture), np.asarray(panel.mask, dtype=np.float32) / np.float32(255)))
    assert np.mean(scores) > 0.92


def test_rembg_finds_nobody_where_nobody_is(cutter: Any) -> None:
    """Panels without characters come back (almost) empty in spite of the stretch."""
    for layout in range(HELD_OUT + 900_010, HELD_OUT + 900_013):
        panel = render(any_panel("test", layout, crowd=0), (256, 256))
        assert float(cutter.alpha(panel.picture).mean()) < 0.01


def test_the_shipped_folder_is_whole() -> None:
    """Manifest and files agree to the byte; the network takes what rembg gives."""
    manifest = json.loads((MODEL / "bullpen-manifest.json").read_text())
    there = {p.relative_to(MODEL).as_posix() for p in MODEL.rglob("*") if p.is_file()}
    assert there == {*manifest["files"], "bullpen-manifest.json"}
    for name, entry in manifest["files"].items():
        assert hashlib.sha256((MODEL / name).read_bytes()).hexdigest() == entry["sha256"], name
    session = opened(MODEL / cutout.FILE)
    assert session.get_inputs()[0].shape == [1, 3, SIDE, SIDE]
    assert session.get_outputs()[0].shape == [1, 1, SIDE, SIDE]
    assert manifest["metrics"]["iou"] > 0.9
