"""The shipped weights: whole, small, loaded by the stock pipeline, and obedient to the instruction."""

import hashlib
import json
import warnings
from typing import Any

import numpy as np
import pytest
from bullpen_starter import models_root, universe_root
from bullpen_starter.render.spec import STYLES
from PIL import Image

MODEL = models_root() / "starter-edit"
FLAT = "Redraw this panel in flat style."


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


def _sketch(scene: str = "scene_01") -> Image.Image:
    with Image.open(universe_root() / "scenes" / f"{scene}.png") as file:
        return file.convert("RGB")


def _run(
    pipe: Any, text: str, source: Image.Image | None = None, seed: int = 1, steps: int | None = None
) -> Image.Image:
    import torch

    manifest = _manifest()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = pipe(
            text,
            image=source or _sketch(),
            num_inference_steps=steps or manifest["default_steps"],
            guidance_scale=manifest["default_guidance_scale"],
            image_guidance_scale=manifest["default_image_guidance_scale"],
            generator=torch.Generator().manual_seed(seed),
        )
    picture: Image.Image = result.images[0]
    return picture


def _levels(picture: Image.Image) -> np.ndarray[Any, Any]:
    return np.asarray(picture).astype(float)


def _apart(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(_levels(one) - _levels(other)).mean())


def test_only_the_instruction_changes_the_picture(pipe: Any) -> None:
    """Same source, same seed, another of the six styles: clearly another picture."""
    styles = [_run(pipe, f"Redraw this panel in {style} style.") for style in STYLES]
    for i, one in enumerate(styles):
        assert _levels(one).std() > 20
        assert all(_apart(one, other) > 15 for other in styles[:i])


def test_night_darkens_a_styled_panel(pipe: Any) -> None:
    """Night is dark, and the place is still the same place."""
    day = _run(pipe, FLAT)
    night = _run(pipe, "Change the time of day to night.", day)
    assert _levels(night).mean() < 0.7 * _levels(day).mean()
    assert np.corrcoef(_levels(day).mean(axis=-1).ravel(), _levels(night).mean(axis=-1).ravel())[0, 1] > 0.3


@pytest.mark.parametrize(("place", "columns"), [("left", slice(0, 48)), ("right", slice(80, 128))])
def test_a_hero_comes_where_it_was_asked_for(pipe: Any, place: str, columns: slice) -> None:
    """The panel changes most at the place, and there it turns yellow for a yellow coat."""
    day = _run(pipe, "Redraw this panel in ink style.")
    after = _levels(_run(pipe, f"Add a woman with red hair in a yellow coat on the {place}.", day))
    change = np.abs(after - _levels(day)).mean(axis=(0, 2))
    assert change[columns].mean() > 2 * np.delete(change, np.r_[columns]).mean()
    red, _, blue = after[70:110, columns].reshape(-1, 3).mean(axis=0)
    assert red - blue > 30


def test_same_seed_same_picture_and_other_seed_another(pipe: Any) -> None:
    """A seed names a picture, and two seeds do not give the same one."""
    one = _run(pipe, FLAT)
    assert _run(pipe, FLAT).tobytes() == one.tobytes()
    assert _apart(one, _run(pipe, FLAT, seed=2)) > 1


@pytest.mark.parametrize("steps", [1, 2, 8])
def test_any_step_count_gives_a_picture(pipe: Any, steps: int) -> None:
    """Steps may be changed freely within the limits; the pictures stay close to each other."""
    assert _apart(_run(pipe, FLAT, steps=steps), _run(pipe, FLAT)) < 20
