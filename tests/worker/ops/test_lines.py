"""Drawings that hold a structure, and masks that say where to paint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bullpen_worker.engines.base import MaskSpec
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.inpaint_mask import inpaint_mask, keep_outside
from bullpen_worker.ops.lines import DRAWN, canny, line
from numpy.typing import NDArray
from PIL import Image, ImageDraw


def panel(width: int = 160, height: int = 96) -> Image.Image:
    """A grey panel with a dark square in it."""
    image = Image.new("RGB", (width, height), (180, 180, 180))
    ImageDraw.Draw(image).rectangle((40, 24, 100, 72), fill=(20, 20, 20))
    return image


def white(image: Image.Image) -> NDArray[np.bool_]:
    return np.asarray(np.asarray(image.convert("L")) > 128)


def test_canny_draws_thin_closed_edges_where_the_picture_changes() -> None:
    """Along the square's border, at most two pixels wide, nowhere else."""
    edges = white(canny(panel()))
    rows, columns = np.nonzero(edges)
    assert {int(rows.min()), int(rows.max())} <= {22, 23, 24, 25, 71, 72, 73, 74}
    assert {int(columns.min()), int(columns.max())} <= {38, 39, 40, 41, 99, 100, 101, 102}
    across = edges[48]
    assert 2 <= across.sum() <= 4
    assert not edges[40:56, 60:80].any()


def test_faint_edges_are_kept_where_they_hang_on_strong_ones() -> None:
    """An edge that fades goes on."""
    plane = np.full((96, 160), 100, np.uint8)
    plane[48:] = np.linspace(220, 112, 160).astype(np.uint8)
    edges = white(canny(Image.fromarray(plane).convert("RGB")))
    assert edges[46:50, 150].any()


def test_line_draws_strokes_and_no_tones() -> None:
    """A thin dark stroke is white in it; flat areas are black, however dark they are."""
    image = panel()
    ImageDraw.Draw(image).line((10, 5, 150, 5), fill=(0, 0, 0), width=2)
    drawn = white(line(image))
    assert drawn[4:7, 20:140].any(axis=0).all()
    assert not drawn[40:56, 60:80].any()
    assert not drawn[80:92, 110:150].any()


@pytest.mark.parametrize("kind", DRAWN)
def test_a_flat_picture_has_no_lines(kind: str) -> None:
    """And a very flat one keeps its size."""
    assert not white(DRAWN[kind](Image.new("RGB", (40, 30), (90, 10, 10)))).any()
    assert DRAWN[kind](Image.new("RGB", (40, 2), (90, 10, 10))).size == (40, 2)


def test_boxes_are_painted_whole_and_softened_outwards() -> None:
    """Inside everything is white; the border fades within the feather."""
    mask = np.asarray(inpaint_mask(MaskSpec(((0.25, 0.25, 0.5, 1.0),), feather=0.02), panel(), 10**6))
    assert (mask[24:, 40:80] == 255).all()
    assert 0 < mask[60, 38] < 255
    assert mask[60, 0] == mask[60, 120] == 0


def test_a_mask_may_be_where_two_pictures_differ(tmp_path: Path) -> None:
    """The place of the figure that one of them has; two equal ones have no such place."""
    with_figure = panel()
    ImageDraw.Draw(with_figure).rectangle((120, 30, 140, 90), fill=(220, 40, 40))
    other = tmp_path / "other.png"
    with_figure.save(other)
    mask = np.asarray(inpaint_mask(MaskSpec(compared_path=str(other)), panel(), 10**6))
    assert mask[35:85, 122:138].min() == 255
    assert mask[:, :100].max() == 0
    panel().save(other)
    with pytest.raises(WorkerError, match="differ nowhere") as caught:
        inpaint_mask(MaskSpec(compared_path=str(other)), panel(), 10**6)
    assert caught.value.reason == "FIELD_INVALID"


def test_what_lies_outside_of_a_mask_is_the_sources() -> None:
    """To the byte."""
    source, made = panel(), Image.new("RGB", (160, 96), (255, 0, 0))
    mask = inpaint_mask(MaskSpec(((0.5, 0.0, 1.0, 1.0),)), source, 10**6)
    kept = np.asarray(keep_outside(made, source, mask))
    assert (kept[:, :80] == np.asarray(source)[:, :80]).all()
    assert (kept[:, 80:] == (255, 0, 0)).all()
