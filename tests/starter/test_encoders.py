"""The encoders of identity and style: loss, threshold, crops, drift, and the shipped weights on new characters."""

import json

import numpy as np
import pytest
import torch
from bullpen_starter import models_root
from bullpen_starter.networks.crops import crop, frame_box, mask_box
from bullpen_starter.networks.drift import LIMIT, drift
from bullpen_starter.networks.encoder import Encoder
from bullpen_starter.render import HEROES, STYLES, PanelSpec, Variation, portrait, render
from bullpen_starter.train import encoders, identity, identity_data, panels, style
from bullpen_starter.train.packing import digest
from bullpen_starter.train.recognisers import onnx_outputs
from bullpen_starter.train.vae import to_tensor
from PIL import Image

NAMES = (identity.NAME, style.NAME)


def test_loss_falls_when_friends_meet() -> None:
    """Two groups apart cost less than two groups mixed, and a picture alone in its group does not break it."""
    apart = torch.nn.functional.normalize(torch.tensor([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.1], [-1.0, -0.1]]), dim=1)
    good = encoders.contrastive(apart, torch.tensor([0, 0, 1, 1]))
    bad = encoders.contrastive(apart, torch.tensor([0, 1, 0, 1]))
    assert float(good) < float(bad)
    assert torch.isfinite(encoders.contrastive(apart, torch.tensor([0, 0, 1, 2])))


def test_threshold_parts_same_from_different() -> None:
    """Where a gap parts the two kinds the threshold lies in it and every pair is told right."""
    values = np.array([0.9, 0.8, 0.7, 0.3, 0.2], dtype=np.float32)
    same = np.array([True, True, True, False, False])
    threshold = encoders.calibrate(values, same)
    assert 0.3 < threshold < 0.7
    assert encoders.scores(values, same, threshold)["f1"] == 1
    assert encoders.scores(values, same, 0.25)["false_accept"] == 0.5


def test_drift_is_one_half_at_the_threshold() -> None:
    """One limit serves every encoder; the scale ends at 0 and 1."""
    assert drift(1.0, 0.8) == 0
    assert drift(0.8, 0.8) == pytest.approx(LIMIT)
    assert drift(0.5, 0.8) == 1
    assert drift(0.81, 0.8) < LIMIT < drift(0.79, 0.8)
    with pytest.raises(ValueError, match="no room"):
        drift(0.5, 1.0)


def test_box_of_a_mask() -> None:
    """The box holds every marked pixel and no more; an empty mask has none."""
    mask = np.zeros((40, 50), dtype=np.uint8)
    assert mask_box(mask) is None
    mask[10:30, 5:20] = 255
    assert mask_box(mask) == (5, 10, 20, 30)


def test_crop_keeps_proportions_at_the_edge() -> None:
    """A box in a corner is widened past the edge, which repeats; what is square stays square."""
    picture = Image.new("RGB", (60, 60), (10, 200, 30))
    left, top, right, bottom = frame_box((0, 30, 12, 60), (64, 96), 0.1)
    assert (right - left) / (bottom - top) == pytest.approx(64 / 96)
    assert left < 0
    cut = crop(picture, (0, 30, 12, 60), (64, 96))
    assert cut.size == (64, 96)
    assert cut.getcolors() == [(64 * 96, (10, 200, 30))]
    with pytest.raises(ValueError, match="no pixels"):
        crop(picture, (5, 5, 5, 9), (64, 96))


def test_batches_hold_views_and_hard_neighbours() -> None:
    """Every identity of a batch has several views, and some differ in one attribute only."""
    people = [who.identity for who in HEROES.values()]
    near = [("man", *person[1:]) if person[0] != "man" else ("woman", *person[1:]) for person in people]
    names = [person for person in (*people, *near) for _ in range(4)]
    count = len(names)
    empty = np.zeros((count, 1, 1, 3), dtype=np.uint8)
    data = identity_data.Crops(empty, empty[..., 0], names, ["flat"] * count)
    picks, who = identity_data.Sampler(data, np.random.default_rng(1)).batch()
    assert [names[pick] for pick in picks] == who
    assert all(who.count(one) == identity_data.VIEWS for one in who)
    assert any(identity_data.differing(a, b) == 1 for a in who for b in who)


@pytest.mark.parametrize("name", NAMES)
def test_manifest_names_every_file_and_the_threshold(name: str) -> None:
    """Nothing is missing or changed, and both files that carry the threshold agree."""
    folder = models_root() / name
    manifest = json.loads((folder / "bullpen-manifest.json").read_text())
    config = json.loads((folder / "config.json").read_text())
    assert manifest["family"] == "encoder"
    assert manifest["threshold"] == config["threshold"]
    assert 0 < config["threshold"] < 1
    there = {path.name for path in folder.iterdir()} - {"bullpen-manifest.json"}
    assert {file: digest(folder / file) for file in there} == manifest["files"]


@pytest.mark.parametrize("name", NAMES)
def test_onnx_file_gives_the_same_points(name: str) -> None:
    """A runtime without torch gets the same unit vectors."""
    model = Encoder.from_folder(models_root() / name)
    pictures = torch.rand(3, 3, model.height, model.width, generator=torch.Generator().manual_seed(5)) * 2 - 1
    found = onnx_outputs(models_root() / name, pictures)["embedding"]
    assert np.allclose(found, encoders.embed(model, pictures), atol=1e-3)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-4)


def _crop(spec: PanelSpec) -> Image.Image:
    panel = render(spec, (128, 128))
    box = mask_box(panel.mask)
    assert box is not None
    return crop(panel.picture, box, (identity.WIDTH, identity.HEIGHT))


def _points(name: str, pictures: list[Image.Image]) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], float]:
    model = Encoder.from_folder(models_root() / name)
    threshold = json.loads((models_root() / name / "config.json").read_text())["threshold"]
    return encoders.embed(model, to_tensor(np.stack([np.asarray(picture) for picture in pictures]), "cpu")), threshold


def test_shipped_encoder_knows_a_hero_again() -> None:
    """Mara in every style is Mara of the reference sheet, and none of the other heroes is."""
    mara = HEROES["mara"]
    sheet = portrait(mara, (128, 128))
    away = np.abs(np.asarray(sheet).astype(int) - np.asarray(sheet)[0, 0]).max(axis=2) > 20
    box = mask_box((away * 255).astype(np.uint8))
    assert box is not None
    views = [
        _crop(PanelSpec("market", 2_100_000 + i, one, time, "clear", (mara.at("left"),), Variation(i, i, i, i)))
        for i, (one, time) in enumerate(zip(STYLES, ("day", "dusk", "night", "dawn", "day", "dusk"), strict=True))
    ]
    others = [
        _crop(PanelSpec("alley", 2_100_010 + i, "flat", "day", "clear", (who,), Variation(pose=i)))
        for i, (name, who) in enumerate(HEROES.items())
        if name != "mara"
    ]
    points, threshold = _points(identity.NAME, [crop(sheet, box, (identity.WIDTH, identity.HEIGHT)), *views, *others])
    found = points[1:] @ points[0] >= threshold
    assert found[: len(views)].sum() >= len(views) - 1
    assert found[len(views) :].sum() == 0


def test_shipped_encoder_sees_a_change_of_style() -> None:
    """Panels of one style are together whatever they show, and apart from another style."""
    shown = [("pier", "day", "clear"), ("garden", "night", "snow"), ("alley", "dusk", "fog")]
    pictures = [
        render(PanelSpec(scene, 2_100_020 + i, one, time, weather), (128, 128)).picture
        for one in ("watercolour", "noir")
        for i, (scene, time, weather) in enumerate(shown)
    ]
    points, threshold = _points(style.NAME, pictures)
    likeness = points @ points.T
    assert (likeness[:3, :3] >= threshold).all()
    assert (likeness[3:, 3:] >= threshold).all()
    assert (likeness[:3, 3:] < threshold).all()


def test_pairs_are_what_they_say() -> None:
    """Same pairs show one identity in two crops, near pairs two identities that differ in one attribute."""
    people = sorted(
        {
            panels.spec("test", number).characters[0].identity
            for number in range(200)
            if panels.spec("test", number).characters
        }
    )
    names = [person for person in people for _ in range(3)]
    empty = np.zeros((len(names), 1, 1, 3), dtype=np.uint8)
    data = identity_data.Crops(empty, empty[..., 0], names, ["ink", "flat", "portrait"] * len(people))
    found = identity_data.pairs(data, np.random.default_rng(0), 200)
    assert all(names[a] == names[b] and a != b for a, b in zip(found["same"].first, found["same"].second, strict=True))
    near = [(names[a], names[b]) for a, b in zip(found["near"].first, found["near"].second, strict=True)]
    assert {identity_data.differing(a, b) for a, b in near} == {1}
    assert found["across"].same.all()
    assert not found["different"].same.any()
