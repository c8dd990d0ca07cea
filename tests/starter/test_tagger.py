"""The tagger: its questions, its network, and the shipped weights on panels that they were not trained on."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from bullpen_starter import models_root
from bullpen_starter.captions import describe
from bullpen_starter.networks.tagger import Tagger
from bullpen_starter.networks.tags import caption, read
from bullpen_starter.render import PLACES, SKETCH, Character, PanelSpec, render
from bullpen_starter.train import anypanel, augment, panels, tagger
from bullpen_starter.train.packing import digest
from bullpen_starter.train.recognisers import onnx_outputs
from bullpen_starter.train.vae import to_tensor

MODEL = models_root() / tagger.NAME
MARA = Character("woman", "red", "yellow", "coat", "left", "glasses", "brown")


def _named(spec: PanelSpec) -> dict[str, str | None]:
    numbers = dict(zip(tagger.HEADS, tagger.labels(spec), strict=True))
    return {name: None if number == tagger.HIDDEN else tagger.HEADS[name][number] for name, number in numbers.items()}


def test_labels_name_what_a_panel_shows() -> None:
    """Every attribute of a character at its own place, and nothing about the empty places."""
    named = _named(PanelSpec("pier", 3, "noir", "night", "storm", (MARA,)))
    assert (named["style"], named["time"], named["weather"], named["scene"]) == ("noir", "night", "storm", "pier")
    shown = {part: named[f"left.{part}"] for part in tagger.PARTS}
    assert shown == {
        "present": "yes",
        "build": "woman",
        "hair": "red",
        "colour": "yellow",
        "outfit": "coat",
        "accessory": "glasses",
        "skin": "brown",
    }
    assert named["right.present"] == "no"
    assert all(named[f"right.{part}"] is None for part in tagger.PARTS if part != "present")


def test_labels_hide_what_cannot_be_seen() -> None:
    """A sketch shows no light and no colours, a robot no skin."""
    sketch = _named(PanelSpec("pier", 3, SKETCH, characters=(MARA,)))
    assert [sketch[name] for name in ("time", "weather", "left.hair", "left.colour", "left.skin")] == [None] * 5
    assert (sketch["left.build"], sketch["left.accessory"]) == ("woman", "glasses")
    robot = _named(PanelSpec("pier", 3, characters=(Character("robot", "red", "green", "coat", "right"),)))
    assert robot["right.skin"] is None
    assert robot["right.hair"] == "red"


def test_places_must_ask_the_same_questions() -> None:
    """A vocabulary in which one place lacks a head is refused by name."""
    with pytest.raises(ValueError, match=r"right\.hair"):
        Tagger({"style": 2, "left.hair": 3, "right.colour": 3}, {"left": 0.2, "right": 0.8})


def test_every_place_has_the_same_eyes() -> None:
    """One figure moved from band to band gets the same answers: the places share their weights."""
    model = tagger.build().eval()
    wide = torch.zeros(1, 3, 128, 128)
    states = torch.randn(1, 48, 32, 14)

    def answers(place: str) -> torch.Tensor:
        start = model.starts[place]
        found = torch.zeros(1, 48, 32, 32)
        found[..., start : start + 14] = states
        model.trunk.register_forward_hook(lambda *_: found)
        with torch.no_grad():
            logits: dict[str, torch.Tensor] = model(wide)
        return logits[f"{place}.hair"]

    assert all(torch.allclose(answers(place), answers("left"), atol=1e-5) for place in PLACES)


def test_roughened_pictures_keep_their_content() -> None:
    """Softened and recoloured pictures differ from the render, but only a little, and alike for one seed."""
    picture = to_tensor(np.asarray(render(PanelSpec("market", 5, "ink")).picture)[None].repeat(16, 0), "cpu")
    torch.manual_seed(2)
    once = augment.roughen(picture, 0)
    torch.manual_seed(2)
    assert torch.equal(once, augment.roughen(picture, 0))
    apart = (once - picture).abs().mean(dim=(1, 2, 3))
    assert float(apart.min()) > 0.002
    assert float(apart.max()) < 0.5


def test_splits_share_neither_layouts_nor_characters() -> None:
    """What the figures are taken on was never trained on."""
    seen = {split: [panels.spec(split, number) for number in range(60)] for split in panels.COUNTS}
    layouts = {split: {spec.layout for spec in specs} for split, specs in seen.items()}
    assert max(layouts["train"]) < 1_000_000 <= min(layouts["validation"]) < max(layouts["validation"]) < 2_000_000
    assert min(layouts["test"]) >= 2_000_000
    for split, specs in seen.items():
        kept = [anypanel.held_out(who) for spec in specs for who in spec.characters]
        assert kept
        assert all(kept) == (split != "train")


def test_manifest_names_every_file_with_its_hash() -> None:
    """Nothing is missing, nothing is extra, nothing was changed."""
    manifest = json.loads((MODEL / "bullpen-manifest.json").read_text())
    assert (manifest["family"], manifest["capabilities"]) == ("tagger", ["tag"])
    there = {path.name for path in MODEL.iterdir()} - {"bullpen-manifest.json"}
    assert there == set(manifest["files"])
    assert {name: digest(MODEL / name) for name in there} == manifest["files"]


@pytest.fixture(scope="module")
def shown() -> tuple[torch.Tensor, torch.Tensor]:
    """Thirty panels of validation layouts with their labels."""
    specs = [panels.spec("validation", number) for number in range(30)]
    pictures = np.stack([np.asarray(render(spec, (128, 128)).picture) for spec in specs])
    return to_tensor(pictures, "cpu").contiguous(), torch.tensor([tagger.labels(spec) for spec in specs])


def test_shipped_tagger_names_what_it_never_saw(shown: tuple[torch.Tensor, torch.Tensor]) -> None:
    """On new layouts and new characters it is nearly always right."""
    scores = tagger.accuracy(tagger.judge(tagger.load(MODEL, "cpu"), shown[0]), shown[1])
    assert {name for name in ("style", "time", "weather", "scene", "present") if scores[name] < 0.9} == set()
    assert {name for name in ("build", "hair", "colour") if scores[name] < 0.85} == set()


def test_onnx_file_answers_as_the_network_does(shown: tuple[torch.Tensor, torch.Tensor]) -> None:
    """A runtime without torch reads the same tags, of a batch of any size."""
    model = Tagger.from_folder(MODEL)
    found = onnx_outputs(MODEL, shown[0][:5])
    with torch.no_grad():
        wanted = model(shown[0][:5])
    assert list(found) == list(tagger.HEADS)
    assert all(np.allclose(found[name], wanted[name].numpy(), atol=2e-3) for name in wanted)


def _logits(words: dict[str, str]) -> dict[str, np.ndarray[Any, Any]]:
    return {
        name: np.array([[9.0 if word == words.get(name) else 0.0 for word in known]])
        for name, known in tagger.HEADS.items()
    }


def test_tags_become_a_sentence() -> None:
    """A caption says what an instruction would, with nobody where nobody stands."""
    spec = PanelSpec("bridge", 3, "ink", "dusk", "rain", (MARA,))
    words = _named(spec)
    tags = read(_logits({name: word for name, word in words.items() if word}), tagger.HEADS)
    assert list(tags.cast) == ["left"]
    assert tags.panel["style"].confidence > 0.99
    assert caption(tags) == describe(spec)


def test_tags_of_a_sketch_claim_no_colours() -> None:
    """Whatever the other heads say, a sketch has no hour, no weather and no colours."""
    words = {"style": SKETCH, "scene": "pier", "left.present": "yes", "left.build": "man", "left.outfit": "jacket"}
    tags = read(_logits({**words, "left.accessory": "hat", "left.hair": "red", "time": "night"}), tagger.HEADS)
    assert caption(tags) == "A panel of a pier in sketch style, a man in a jacket and a hat on the left."
