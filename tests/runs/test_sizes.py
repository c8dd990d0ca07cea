"""The size that fits pictures and model best, from the sizes that the family was trained on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bullpend.models.rules import FAMILIES
from bullpend.runs.model import SamplingRequest
from bullpend.runs.rules import plan
from bullpend.runs.sizes import BUCKETS, buckets, suggest

from tests.support.plans import ALL_SCENES, MODEL, WORLD, picture, scene

XL = replace(
    MODEL,
    name="models/xl",
    family="stable-diffusion-xl",
    capabilities=("img2img",),
    default_width=1024,
    default_height=1024,
)
OWN = (1024, 1024)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1536, 1024), (1216, 832)),
        ((1024, 1536), (832, 1216)),
        ((1920, 1080), (1344, 768)),
        ((4000, 1000), (2048, 512)),
    ],
)
def test_the_bucket_of_the_nearest_shape_is_suggested(size: tuple[int, int], expected: tuple[int, int]) -> None:
    """Both ways, with the reason."""
    found = suggest(XL, [size], OWN)
    assert found is not None
    assert (found.width, found.height) == expected
    assert f"{size[0]}×{size[1]}" in found.reason
    assert "models/xl" in found.reason


def test_nothing_is_suggested_where_the_planned_size_is_as_good() -> None:
    """A square for a square, the bucket itself, and a model that saw one size only."""
    assert suggest(XL, [(800, 800), (64, 64)], OWN) is None
    assert suggest(XL, [(1536, 1024)], (1216, 832)) is None
    assert suggest(MODEL, [(1536, 1024)], (128, 128)) is None
    assert suggest(XL, [], OWN) is None


def test_mixed_pictures_get_the_size_of_most() -> None:
    """One odd picture does not turn the others."""
    found = suggest(XL, [(1536, 1024), (1536, 1024), (500, 2000)], OWN)
    assert found is not None
    assert (found.width, found.height) == (1216, 832)
    assert found.reason.startswith("2 of 3 pictures have 1536×1024")


@pytest.mark.parametrize("family", BUCKETS)
def test_every_list_is_of_sizes_that_the_family_can_draw(family: str) -> None:
    """In whole cells, near the area of the square, each turned both ways; the family exists."""
    side, sizes = BUCKETS[family]
    assert family in {known.name for known in FAMILIES.values()}
    assert (side, side) in sizes
    for width, height in sizes:
        assert width % 16 == height % 16 == 0
        assert 0.6 <= width * height / side**2 <= 1.55, (width, height)
        assert (height, width) in sizes


def test_a_model_of_another_size_has_its_own_only() -> None:
    """A small one of a family was not trained on the family's list."""
    assert buckets(replace(XL, default_width=512, default_height=512)) == ((512, 512),)


def test_a_plan_suggests_and_does_not_warn_of_a_size_that_was_trained() -> None:
    """The suggestion, and after it is taken neither suggestion nor warning."""
    known = replace(WORLD, model=XL, scenes=(scene("pier", 1, source=picture("p", 1536, 1024)),))
    first = plan(ALL_SCENES, known)
    assert first.suggestion is not None
    sampling = SamplingRequest(width=first.suggestion.width, height=first.suggestion.height)
    second = plan(replace(ALL_SCENES, sampling=sampling), known)
    assert second.suggestion is None
    assert "SIZE_UNUSUAL" not in [finding.code for finding in second.findings]
    odd = plan(replace(ALL_SCENES, sampling=SamplingRequest(width=640, height=360)), known)
    assert "SIZE_UNUSUAL" in [finding.code for finding in odd.findings]
