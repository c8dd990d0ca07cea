"""The shipped weights: whole, small, loaded by the stock pipeline, and obedient to the instruction."""

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bullpen_starter import models_root, universe_root
from PIL import Image

MODEL = models_root() / "starter-edit"


def _manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((MODEL / "bullpen-manifest.json").read_text())
    return found


def test_manifest_names_every_file_with_its_hash() -> None:
    """Nothing is missing, nothing is extra, nothing was changed."""
    files = _manifest()["files"]
    there = {p.relative_to(MODEL).as_posix() for p in MODEL.rglob("*") if p.is_file()}
    assert there == {*files, "bullpen-manifest.json"}
    for name, entry in files.items():
        content = (MODEL / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["size"], entry["sha256"]), name


def test_no_weight_file_is_large() -> None:
    """Each file of weights is at most 15 MiB, so that a plain checkout can carry it."""
    sizes = {p.name: p.stat().st_size for p in MODEL.rglob("*.safetensors")}
    assert sizes
    assert max(sizes.values()) <= 15 * 2**20


def test_manifest_says_what_a_registry_needs() -> None:
    """Name, family, licence, size, defaults within their limits."""
    manifest = _manifest()
    assert manifest["name"] == "starter-edit"
    assert manifest["family"] == "instruct-pix2pix"
    assert manifest["licence"] == "Apache-2.0"
    assert manifest["capabilities"] == ["instruction_edit"]
    assert manifest["min_steps"] <= manifest["default_steps"] <= manifest["max_steps"]
    assert (MODEL / "CARD.md").read_text().startswith("# starter-edit")


@pytest.fixture(scope="module")
def pipe() -> Any:
    """The stock pipeline on the shipped folder; imports of the model libraries may warn of what they like."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from diffusers import StableDiffusionInstructPix2PixPipeline

        torch.set_num_threads(2)
        loaded = StableDiffusionInstructPix2PixPipeline.from_pretrained(
            str(MODEL), local_files_only=True, torch_dtype=torch.float32
        )
    loaded.set_progress_bar_config(disable=True)
    return loaded


def _run(
    pipe: Any, text: str, seed: int = 1, steps: int | None = None, scene: str = "scene_01"
) -> np.ndarray[Any, Any]:
    import torch

    manifest = _manifest()
    with Image.open(Path(universe_root()) / "scenes" / f"{scene}.png") as file:
        source = file.convert("RGB")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = pipe(
            text,
            image=source,
            num_inference_steps=steps or manifest["default_steps"],
            guidance_scale=manifest["default_guidance_scale"],
            image_guidance_scale=manifest["default_image_guidance_scale"],
            generator=torch.Generator().manual_seed(seed),
        )
    return np.asarray(result.images[0]).astype(float)


def test_only_the_instruction_changes_the_picture(pipe: Any) -> None:
    """Same source, same seed, another ask: clearly another picture."""
    styles = [_run(pipe, f"Redraw this panel in {style} style.") for style in ("ink", "watercolour", "noir", "flat")]
    for i, one in enumerate(styles):
        assert one.std() > 20
        for other in styles[:i]:
            assert np.abs(one - other).mean() > 15
    flat, night = styles[3], None
    night = _run(pipe, "Change the time of day to night.")
    assert np.abs(night - flat).mean() > 10


def test_same_seed_same_picture_and_other_seed_another(pipe: Any) -> None:
    """A seed names a picture; two seeds give two candidates to choose from."""
    text = "Redraw this panel in flat style."
    one, again, other = _run(pipe, text, 1), _run(pipe, text, 1), _run(pipe, text, 2)
    assert np.array_equal(one, again)
    assert np.abs(one - other).mean() > VARIETY


VARIETY = 4.0


def test_night_is_darker_than_day(pipe: Any) -> None:
    """The words mean what they say."""
    assert _run(pipe, "Redraw this panel in noir style.").mean() < _run(pipe, "Redraw this panel in ink style.").mean()


@pytest.mark.parametrize("steps", [1, 2, 8])
def test_any_step_count_gives_a_picture(pipe: Any, steps: int) -> None:
    """Steps may be changed freely within the limits; pictures stay in range and close to each other."""
    some, usual = (
        _run(pipe, "Redraw this panel in flat style.", 3, steps),
        _run(pipe, "Redraw this panel in flat style.", 3),
    )
    assert np.isfinite(some).all()
    assert np.abs(some - usual).mean() < 30
