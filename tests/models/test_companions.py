"""Networks that act beside a model: recognised by what lies in their folders, and fitted to a family."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bullpend.models.folder import describe, holds_model
from bullpend.models.model import Model, ModelState
from bullpend.models.registry import Registry
from bullpend.models.rules import FAMILIES, fits_beside

HASH = "0" * 64


def network(folder: Path, config: dict[str, Any], weights: str = "model.safetensors") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    if weights:
        (folder / weights).write_bytes(b"12345678")
    return folder


def control(folder: Path, **more: Any) -> Path:
    return network(folder, {"_class_name": "ControlNetModel", "cross_attention_dim": 768, **more})


def seen(folder: Path) -> Model:
    assert holds_model(folder)
    return describe(folder, f"models/{folder.name}")


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("sd-controlnet-canny", "control_canny"),
        ("control_v11p_sd15_lineart", "control_line"),
        ("control_v11p_sd15s2_lineart_anime", "control_line"),
        ("sd15-scribble", "control_line"),
        ("depth-sdxl-1.0", "control_depth"),
    ],
)
def test_a_controlnet_says_in_its_name_what_it_was_trained_on(tmp_path: Path, name: str, capability: str) -> None:
    """As they are handed on: one network, a config, no manifest."""
    model = seen(control(tmp_path / name))
    assert (model.state, model.family, model.capabilities) == (ModelState.READY, "controlnet", (capability,))
    assert (model.base_family, model.attention_width) == ("stable-diffusion", 768)


def test_a_manifest_says_it_where_the_name_does_not(tmp_path: Path) -> None:
    """Without either it is listed, with what to write."""
    folder = control(tmp_path / "mine")
    unsure = seen(folder)
    assert unsure.state is ModelState.UNSUPPORTED
    assert "control_line" in unsure.problem
    (folder / "bullpen-manifest.json").write_text(
        json.dumps({"schema_version": 1, "title": "Mine", "family": "controlnet", "capabilities": ["control_line"]})
    )
    known = seen(folder)
    assert (known.state, known.title, known.capabilities) == (ModelState.READY, "Mine", ("control_line",))


def test_the_family_of_a_controlnet_is_read_from_its_config(tmp_path: Path) -> None:
    """XL has an embedding of its own; Flux has a class of its own."""
    large = seen(control(tmp_path / "canny-xl", addition_embed_type="text_time", cross_attention_dim=2048))
    assert (large.base_family, large.attention_width) == ("stable-diffusion-xl", 2048)
    flux = seen(network(tmp_path / "flux-canny", {"_class_name": "FluxControlNetModel"}))
    assert flux.base_family == "flux"


@pytest.mark.parametrize(
    ("weights", "refusal"), [("model.bin", "MODEL_UNSAFE"), ("", "MODEL_CORRUPT"), ("model.pth", "MODEL_UNSAFE")]
)
def test_pickled_and_missing_weights_are_refused(tmp_path: Path, weights: str, refusal: str) -> None:
    """As for every other model."""
    model = seen(network(tmp_path / "canny", {"_class_name": "ControlNetModel"}, weights))
    assert (model.family, model.refusal) == ("controlnet", refusal)


def test_an_estimator_of_depth_is_known_by_its_class(tmp_path: Path) -> None:
    """Any of the transformers library; other networks of it are no models here."""
    found = seen(network(tmp_path / "any", {"architectures": ["DepthAnythingForDepthEstimation"]}))
    assert (found.family, found.capabilities) == ("depth-estimator", ("depth",))
    other = network(tmp_path / "bert", {"architectures": ["BertForMaskedLM"]})
    assert not holds_model(other)


def adapter(folder: Path, **said: Any) -> Path:
    network(folder / "image_encoder", {"architectures": ["CLIPVisionModelWithProjection"]})
    (folder / "ip-adapter.safetensors").write_bytes(b"12345678")
    files = {
        path: {"sha256": HASH, "size_bytes": 8}
        for path in ("ip-adapter.safetensors", "image_encoder/model.safetensors")
    }
    manifest = {
        "schema_version": 1,
        "family": "ip-adapter",
        "capabilities": ["reference_adapter"],
        "base_family": "stable-diffusion",
        "files": files,
        **said,
    }
    (folder / "bullpen-manifest.json").write_text(json.dumps(manifest))
    return folder


def test_an_ip_adapter_is_what_its_manifest_says(tmp_path: Path) -> None:
    """Its own weights are the file that does not belong to the picture encoder."""
    model = seen(adapter(tmp_path / "adapter", attention_width=768))
    assert (model.state, model.capabilities) == (ModelState.READY, ("reference_adapter",))
    assert (model.weight_file, model.base_family, model.attention_width) == (
        "ip-adapter.safetensors",
        "stable-diffusion",
        768,
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"base_family": "sd"}, "base_family"),
        ({"base_family": None}, "base_family"),
        ({"files": {"ip-adapter.safetensors": HASH}}, "image_encoder"),
        ({"files": {"image_encoder/model.safetensors": HASH}}, "one file of weights"),
    ],
)
def test_a_manifest_of_an_adapter_that_says_too_little_is_refused(
    tmp_path: Path, said: dict[str, Any], words: str
) -> None:
    """The problem names what is missing."""
    model = seen(adapter(tmp_path / "adapter", **said))
    assert model.state is ModelState.CORRUPT
    assert words in model.problem


def base(family: str, width: int) -> Model:
    return Model("models/base", "", ModelState.READY, family, "", "", 1, attention_width=width)


@pytest.mark.parametrize(
    ("family", "width", "fits"),
    [
        ("stable-diffusion", 768, True),
        ("stable-diffusion", 0, True),
        ("stable-diffusion", 1024, False),
        ("stable-diffusion-xl", 768, False),
    ],
)
def test_a_companion_fits_its_family_and_width(tmp_path: Path, family: str, width: int, fits: bool) -> None:
    """Stable Diffusion 1 and 2 are one family of two widths; what is not known is no hindrance."""
    assert fits_beside(seen(control(tmp_path / "canny")), base(family, width)) is fits


def test_companions_are_found_in_folders_and_in_a_hubs_cache(tmp_path: Path) -> None:
    """In place, by the names under which they are known there."""
    control(tmp_path / "sd-controlnet-canny")
    cached = tmp_path / "models--lllyasviel--sd-controlnet-depth"
    control(cached / "snapshots" / "abc")
    found = {model.name: model.capabilities for model in Registry([tmp_path]).scan()}
    assert found == {
        "models/sd-controlnet-canny": ("control_canny",),
        "models/lllyasviel--sd-controlnet-depth": ("control_depth",),
    }


def test_the_large_families_say_what_they_can_do() -> None:
    """Those that edit by instruction, those that start from a noised source, and those that only paint."""
    can = {family.name: family.capabilities for family in FAMILIES.values()}
    assert can["flux-kontext"] == ("instruction_edit",)
    assert set(can["stable-diffusion-xl"]) >= {"text_to_image", "img2img", "structure_control", "inpaint", "reference"}
    assert can["stable-diffusion-xl-inpaint"] == ("inpaint",)
    assert "reference" not in can["flux"]
