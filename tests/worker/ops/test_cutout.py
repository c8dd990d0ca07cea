"""Cutouts: which sessions may be used, what a mask makes of a picture, and what its refined edge looks like."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.cutout import sessions
from bullpen_worker.ops.cutout.mask import drop_specks, redraw_edge, refine, with_alpha
from bullpen_worker.ops.fill import grown
from bullpen_worker.ops.tools import Toolbox
from PIL import Image

from tests.worker.ops.networks import cutout_model, tool, write_cutter


def red_square(side: int = 96) -> Image.Image:
    picture = np.full((side, side, 3), (20, 160, 40), dtype=np.uint8)
    picture[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = (230, 30, 40)
    return Image.fromarray(picture)


def refusal(name: str) -> WorkerError:
    with pytest.raises(WorkerError) as caught:
        sessions.named_cutter(name, Toolbox(1))
    return caught.value


def test_every_session_of_the_library_is_known_and_the_remote_ones_are_refused() -> None:
    """Whatever rembg offers is either on the list, or refused; all that do not run here are refused by name."""
    remote = {known.name() for known in sessions.rembg().sessions.sessions_class if not known.is_local()}
    assert remote == sessions.REMOTE
    assert not remote & (sessions.NAMED | sessions.CUSTOM)
    for name in remote:
        error = refusal(name)
        assert error.reason == "MODEL_UNSUPPORTED"
        assert "sends pictures to a service" in error.message


@pytest.mark.parametrize("name", ["sam", "u2net_cloth_seg", "nobody", ""])
def test_a_session_that_is_not_listed_is_refused(name: str) -> None:
    """Other names are refused with those that may be used."""
    error = refusal(name)
    assert error.reason == "MODEL_UNSUPPORTED"
    assert "isnet-anime" in error.message


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listed session without its weights is a missing model, with the place where they belong."""
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    error = refusal("isnet-anime")
    assert error.reason == "MODEL_NOT_FOUND"
    assert str(tmp_path) in error.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_named_session_uses_weights_that_lie_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its weights in place a listed session cuts out."""
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    write_cutter(tmp_path / "u2netp.onnx")
    alpha = sessions.named_cutter("u2netp", Toolbox(1)).alpha(red_square())
    assert alpha[48, 48] > 250
    assert alpha[4, 4] < 5


def test_an_installed_model_cuts_out(tmp_path: Path) -> None:
    """A model of the registry runs as a custom session; the environment is left as it was."""
    before = os.environ.get("U2NET_HOME")
    cutter = sessions.custom_cutter(tool(cutout_model(tmp_path / "cut")), Toolbox(1))
    alpha = cutter.alpha(red_square())
    assert alpha.shape == (96, 96)
    assert alpha.dtype == np.uint8
    assert alpha[48, 48] > 250
    assert alpha[4, 4] < 5
    assert os.environ.get("U2NET_HOME") == before


@pytest.mark.parametrize("session", ["atlascloud", "withoutbg", "sam", "u2netp"])
def test_a_manifest_cannot_name_another_session(tmp_path: Path, session: str) -> None:
    """What a model's manifest asks for is held against the same list."""
    with pytest.raises(WorkerError) as caught:
        sessions.custom_cutter(tool(cutout_model(tmp_path / "cut", session)), Toolbox(1))
    assert caught.value.reason == "MODEL_UNSUPPORTED"


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    """Damaged and pickled weights are refused with their names."""
    (tmp_path / "cut.onnx").write_text("no network")
    (tmp_path / "cut.pth").write_text("no network")
    for file, reason in (("cut.onnx", "MODEL_CORRUPT"), ("cut.pth", "MODEL_UNSAFE")):
        with pytest.raises(WorkerError, match=file) as caught:
            sessions.custom_cutter(tool(tmp_path, file), Toolbox(1))
        assert caught.value.reason == reason


def test_a_cutout_hides_no_background() -> None:
    """What is transparent has no colours any more, what is opaque has its own; earlier transparency stays."""
    picture = np.full((4, 4, 4), 200, dtype=np.uint8)
    picture[..., 3] = 255
    picture[0, 0, 3] = 100
    alpha = np.full((4, 4), 255, dtype=np.uint8)
    alpha[3] = 0
    out = with_alpha(picture, alpha)
    assert (out[3] == 0).all()
    assert out[0, 0].tolist() == [200, 200, 200, 100]
    assert out[1, 1].tolist() == [200, 200, 200, 255]
    assert with_alpha(picture[..., :3], alpha).shape == (4, 4, 4)


def test_specks_go_and_thin_parts_stay() -> None:
    """A pixel in a far corner is dropped; a hair that grows out of the figure is kept."""
    alpha = np.zeros((320, 320), dtype=np.uint8)
    alpha[100:200, 100:200] = 255
    alpha[97:100, 150] = 200
    alpha[0, 0] = 255
    kept = drop_specks(alpha)
    assert kept[0, 0] == 0
    alpha[0, 0] = 0
    assert np.array_equal(kept, alpha)


def test_refining_takes_the_background_out_of_the_edge() -> None:
    """Half transparent pixels, which mix both colours, come out in the foreground's; solid ones stay."""
    alpha = np.zeros((24, 24), dtype=np.uint8)
    alpha[6:18, 6:18] = 128
    alpha[8:16, 8:16] = 255
    share = alpha[..., None] / 255
    mixed = (np.array((220, 40, 30)) * share + np.array((0, 220, 0)) * (1 - share)).astype(np.uint8)
    out = refine(np.dstack([mixed, alpha]), softness=1.0)
    before = np.abs(mixed[7, 12].astype(int) - (220, 40, 30)).sum()
    after = np.abs(out[7, 12, :3].astype(int) - (220, 40, 30)).sum()
    assert after < 0.6 * before
    assert np.array_equal(out[8:16, 8:16, :3], mixed[8:16, 8:16])
    assert (out[0] == 0).all()


def test_softness_says_how_gently_the_edge_falls() -> None:
    """At 1 the transparency is kept, at 0 it is nearly a line; what is solid or gone stays so."""
    row = np.linspace(0, 255, 52).astype(np.uint8)
    picture = np.dstack([np.full((52, 52, 3), 90, dtype=np.uint8), np.tile(row, (52, 1))])
    assert np.array_equal(refine(picture, 1.0)[..., 3], picture[..., 3])
    hard = refine(picture, 0.0)[0, :, 3]
    assert hard[0] == 0
    assert hard[-1] == 255
    assert ((hard > 0) & (hard < 255)).sum() < 15


def test_colours_grow_from_what_is_known() -> None:
    """Every unknown pixel gets a colour between known ones; known ones stay; a picture without any stays black."""
    colours = np.zeros((33, 18, 3), dtype=np.float32)
    weights = np.zeros((33, 18), dtype=np.float32)
    colours[10:14, 3:9], weights[10:14, 3:9] = (0.2, 0.4, 0.8), 1
    out = grown(colours, weights)
    assert np.allclose(out, (0.2, 0.4, 0.8), atol=1e-4)
    assert (grown(colours * 0, weights * 0) == 0).all()


def test_j07_only_solid_pixels_near_the_edge_are_redrawn() -> None:
    """Middle, transparency and what is half transparent stay; the band is the other picture's, whatever its size."""
    picture = np.zeros((128, 128, 4), np.uint8)
    picture[32:96, 32:96] = (200, 10, 10, 255)
    picture[32:96, 30:32] = (200, 10, 10, 128)
    made = redraw_edge(picture, Image.new("RGB", (64, 64), (0, 0, 250)))
    assert np.array_equal(made[..., 3], picture[..., 3])
    assert np.array_equal(made[60:68, 60:68], picture[60:68, 60:68])
    assert np.array_equal(made[64, 30:32], picture[64, 30:32])
    assert made[64, 94, 2] > 200
    assert made[64, 33, 2] > 200
    assert not made[:30].any()
