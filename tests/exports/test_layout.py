"""Where panels and small pictures lie: inside the page, apart from each other, in reading order."""

from __future__ import annotations

from itertools import combinations

import pytest
from bullpend.exports import layout
from bullpend.exports.layout import A4, Box, Page
from bullpend.exports.model import Layout
from hypothesis import given
from hypothesis import strategies as some

from tests.exports.pages import content, picture


def apart(first: Box, second: Box) -> bool:
    """Whether two boxes do not overlap."""
    return (
        first.left + first.width <= second.left + 0.01
        or second.left + second.width <= first.left + 0.01
        or first.top + first.height <= second.top + 0.01
        or second.top + second.height <= first.top + 0.01
    )


def inside(box: Box, page: Page) -> bool:
    """Whether a box lies on its page."""
    return box.left >= 0 and box.top >= 0 and box.left + box.width <= page.width and box.top + box.height <= page.height


@given(
    columns=some.integers(1, 8),
    rows=some.integers(1, 12),
    margin=some.integers(0, 80),
    gutter=some.integers(0, 30),
    count=some.integers(1, 40),
    backwards=some.booleans(),
)
def test_panels_lie_apart_inside_the_page(
    columns: int, rows: int, margin: int, gutter: int, count: int, backwards: bool
) -> None:
    """Whatever the layout: every picture has one panel, none overlap, margins stay free, all are of one size."""
    wanted = Layout(columns, rows, 1654, 2339, margin, gutter, backwards)
    pictures = [picture(number) for number in range(1, count + 1)]
    pages = layout.laid_out(pictures, wanted)
    assert [shown for page in pages for shown, _ in page.pictures] == pictures
    assert len(pages) == -(-count // wanted.panels)
    boxes = layout.panels(wanted)
    assert all(inside(box, pages[0]) and box.left >= margin and box.top >= margin for box in boxes)
    assert all(apart(first, second) for first, second in combinations(boxes, 2))
    assert len({(box.width, box.height) for box in boxes}) == 1


def test_panels_are_read_row_by_row_in_the_wanted_direction() -> None:
    """From left to right, or from right to left; rows always go down."""
    wanted = Layout(2, 2, 1000, 1000, 0, 0)
    assert [(box.left, box.top) for box in layout.panels(wanted)] == [(0, 0), (500, 0), (0, 500), (500, 500)]
    backwards = Layout(2, 2, 1000, 1000, 0, 0, right_to_left=True)
    assert [(box.left, box.top) for box in layout.panels(backwards)] == [(500, 0), (0, 0), (500, 500), (0, 500)]


def test_pages_are_as_large_as_paper() -> None:
    """A4 in pixels is A4 in print; a page of one picture has its shape, the longer side that of A4."""
    (page,) = layout.laid_out([picture(1)], Layout(1, 1, 1654, 2339, 0, 0))
    shown = layout.printed(page)
    assert abs(shown.width - A4[0]) < 0.5
    assert abs(shown.height - A4[1]) < 0.5
    (single,) = layout.one_a_page([picture(1, width=400, height=200)])
    assert (single.width, single.height) == (841.89, 420.95)


def test_a_contact_sheet_keeps_scenes_together() -> None:
    """The accepted picture goes first, its candidates beside it; captions name scene and making; pages are counted."""
    others = tuple(picture(number, accepted=False, candidate=picture(number).candidate + "b") for number in (1, 1, 2))
    pages = layout.contact_sheet(content(20, candidates=others), "The Lamp", "all candidates")
    shown = [one for page in pages for one, _ in page.pictures]
    assert [one.scene.rpartition("/s")[2] for one in shown[:6]] == ["1", "1", "1", "2", "2", "3"]
    assert [one.accepted for one in shown[:5]] == [True, False, False, True, False]
    assert len(shown) == 23
    for number, page in enumerate(pages, 1):
        boxes = [box for _, box in page.pictures]
        assert all(inside(box, page) for box in boxes)
        assert all(apart(first, second) for first, second in combinations(boxes, 2))
        assert all(text.baseline < page.height for text in page.texts)
        assert page.texts[1].text == f"all candidates · page {number} of {len(pages)}"
    assert layout.caption(picture(3), 3) == ("03 Scene 3", "style · r-0001 · c-1 · seed 43")
    named = picture(3, candidate="projects/p/runs/r-0001-style/jobs/j-1/candidates/c-2")
    assert layout.caption(named, 3)[1] == "r-0001-style · c-2 · seed 43"


@pytest.mark.parametrize(("width", "height", "rows"), [(512, 512, 5), (512, 288, 8), (384, 512, 4), (64, 4096, 4)])
def test_a_contact_sheet_has_rows_for_the_shape_of_its_pictures(width: int, height: int, rows: int) -> None:
    """Wide pictures leave room for more rows; all lie on the paper."""
    pictures = tuple(picture(number, width=width, height=height) for number in range(40))
    page = layout.contact_sheet(content(1, pictures=pictures), "The Lamp", "all")[0]
    assert len(page.pictures) == rows * layout.SHEET_COLUMNS
    assert all(inside(box, page) for _, box in page.pictures)
    assert max(text.baseline for text in page.texts) <= page.height - layout.SHEET_MARGIN + 1
