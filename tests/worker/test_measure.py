"""Measures of pictures whose values are known beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bullpen_worker.ops.measure import MEASURES, Measured, Subject
from bullpen_worker.ops.measure import measure as measure_all
from bullpen_worker.ops.source import SourceCache, view
from PIL import Image, ImageDraw, ImageFilter

from tests.worker.conftest import drawing


def measure(image: Image.Image, source: Image.Image | None, edit_share: float = 0.0) -> dict[str, float]:
    """The values; none may fail."""
    read = None if source is None else lambda size: view(source, size)
    found = measure_all(Subject(image, read, edit_share))
    assert not found.failed
    return found.values


def _flat(colour: tuple[int, int, int], size: int = 64) -> Image.Image:
    return Image.new("RGB", (size, size), colour)


def _scene(shift: int = 0, ground: tuple[int, int, int] = (240, 240, 235)) -> Image.Image:
    image = Image.new("RGB", (128, 128), ground)
    draw = ImageDraw.Draw(image)
    draw.rectangle((20 + shift, 30, 70 + shift, 100), fill=(40, 60, 120))
    draw.ellipse((80 + shift, 20, 115 + shift, 55), fill=(200, 60, 40))
    return image


def test_a_flat_picture_is_blank() -> None:
    """No deviation, no sharpness; luma by the BT.601 weights."""
    found = measure(_flat((100, 150, 200)), None)
    assert found["blank"] == pytest.approx(0, abs=1e-6)
    assert found["sharpness"] == found["luminance_std"] == 0
    assert found["luminance_mean"] == pytest.approx(0.299 * 100 + 0.587 * 150 + 0.114 * 200, abs=0.6)


@pytest.mark.parametrize(
    ("colour", "chroma"),
    [((255, 255, 255), 0), ((128, 128, 128), 0), ((0, 0, 0), 0), ((255, 0, 0), 104.55), ((0, 0, 255), 133.81)],
)
def test_chroma_is_that_of_cie_lab(colour: tuple[int, int, int], chroma: float) -> None:
    """Greys have none; the corners of sRGB have the textbook values under D65."""
    found = measure(_flat(colour), None)
    assert found["chroma_mean"] == pytest.approx(chroma, abs=0.1)
    assert found["chroma_p95"] == pytest.approx(chroma, abs=0.1)


def test_the_percentile_sees_a_small_strong_area() -> None:
    """A tenth of the picture in red lifts the 95th percentile, not so much the mean."""
    image = _flat((128, 128, 128), 100)
    image.paste((255, 0, 0), (0, 0, 100, 10))
    found = measure(image, None)
    assert found["chroma_p95"] == pytest.approx(104.55, abs=0.1)
    assert found["chroma_mean"] == pytest.approx(10.5, abs=1)


def test_deviations_are_those_of_numpy() -> None:
    """The quick ways of counting give what the plain ones give."""
    image = drawing(60, 40)
    pixels = np.asarray(image)
    found = measure(image, None)
    assert found["blank"] == pytest.approx(pixels.reshape(-1, 3).std(axis=0).max())
    assert found["luminance_std"] == pytest.approx((pixels @ np.array([0.299, 0.587, 0.114])).std(), abs=0.5)


def test_blur_lowers_sharpness() -> None:
    """A soft picture has a smaller Laplacian."""
    sharp, soft = measure(_scene(), None), measure(_scene().filter(ImageFilter.GaussianBlur(2)), None)
    assert soft["sharpness"] < sharp["sharpness"] / 4


def test_structure_is_absent_without_a_source() -> None:
    """A measure that does not apply is absent, never low."""
    assert "structure_f1" not in measure(_scene(), None)


def test_structure_survives_recolouring_and_scaling_of_the_source() -> None:
    """The same drawing in other colours, or with a larger source, agrees; that is what a stage may change."""
    source = _scene()
    assert measure(source, source)["structure_f1"] == pytest.approx(1)
    assert measure(_scene(ground=(180, 200, 220)), source)["structure_f1"] > 0.95
    assert measure(source, source.resize((512, 512)))["structure_f1"] > 0.95


def test_structure_forgives_two_pixels_and_not_ten() -> None:
    """A small shift is the same drawing; a large one is another."""
    near, far = (measure(_scene(shift), _scene())["structure_f1"] for shift in (2, 10))
    assert near > 0.95
    assert far < 0.75


def test_structure_of_an_empty_picture_is_lost() -> None:
    """A flat result of a drawn source has none of its edges; two flat pictures agree."""
    assert measure(_flat((90, 90, 90), 128), _scene())["structure_f1"] == 0
    assert measure(_flat((90, 90, 90)), _flat((10, 20, 30)))["structure_f1"] == 1


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (8, 8), (700, 20)])
def test_any_size_can_be_measured(size: tuple[int, int]) -> None:
    """Values are finite, and what needs neighbours is left out where there are none."""
    found = measure(drawing(*size), drawing(*size))
    assert all(np.isfinite(value) for value in found.values())
    assert (found["width"], found["height"]) == size
    assert ("sharpness" in found) == (min(size) >= 3)


def _with_figure(image: Image.Image, left: int = 84, top: int = 60) -> Image.Image:
    image = image.copy()
    draw = ImageDraw.Draw(image)
    draw.ellipse((left + 6, top, left + 26, top + 20), fill=(220, 60, 30), outline=(0, 0, 0), width=2)
    draw.rectangle((left, top + 20, left + 32, top + 60), fill=(240, 200, 20), outline=(0, 0, 0), width=2)
    return image


def test_a_figure_put_into_a_panel_does_not_cost_structure() -> None:
    """Outside of the one place that changed everything is kept; the share of that place is told."""
    source = _scene()
    made = _with_figure(source)
    assert measure(made, source)["structure_f1"] < 0.9
    found = measure(made, source, 0.4)
    assert found["structure_f1"] > 0.99
    assert 32 * 60 / 128**2 <= found["edit_share"] < 0.3


def test_a_local_edit_hides_no_damage_elsewhere() -> None:
    """Structure that is lost away from the edit counts as lost."""
    source = _scene()
    made = _with_figure(_scene(shift=9), left=90)
    far = measure(made, source, 0.4)["structure_f1"]
    assert far < 0.8


def test_a_change_all_over_is_no_local_edit() -> None:
    """A picture that became another one, or has other colours everywhere, has no place that is left out."""
    source = _scene()
    for made in (_scene(ground=(90, 60, 160)), drawing(128, 128), source):
        found = measure(made, source, 0.4)
        assert "edit_share" not in found
        assert found["structure_f1"] == measure(made, source)["structure_f1"]


def test_a_measure_that_raises_costs_its_value_only() -> None:
    """The others are taken, and the words say what happened."""

    def broken(subject: Subject) -> dict[str, float]:
        raise ZeroDivisionError("nothing to divide by")

    found = measure_all(Subject(_scene()), (*MEASURES, ("broken", broken)))
    assert found.failed == {"broken": "ZeroDivisionError: nothing to divide by"}
    assert found.values == measure(_scene(), None)
    assert Measured().failed == {}


def test_a_source_is_decoded_once_for_all_candidates(tmp_path: Path) -> None:
    """By the hash of its content and the size it is wanted for; without a hash, each time. Old ones are given up."""
    path = tmp_path / "source.png"
    _scene().save(path)
    cache = SourceCache(most_bytes=200_000)
    first = cache.view(path, "a", (128, 128), 1_000_000)
    assert cache.view(path, "a", (128, 128), 1_000_000) is first
    assert cache.decoded == 1
    cache.view(path, "a", (64, 64), 1_000_000)
    cache.view(path, "", (128, 128), 1_000_000)
    cache.view(path, "", (128, 128), 1_000_000)
    assert cache.decoded == 4
    cache.view(path, "b", (128, 128), 1_000_000)
    cache.view(path, "c", (128, 128), 1_000_000)
    before = cache.decoded
    assert cache.view(path, "a", (128, 128), 1_000_000) is not first
    assert cache.decoded == before + 1
