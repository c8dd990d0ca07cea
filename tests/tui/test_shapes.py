"""How much has room: candidates in the rows of a run, pictures side by side, long rows under their label."""

from __future__ import annotations

import pytest
from bullpen_tui.mirror import Listed, apply
from bullpen_tui.paragraphs import hung
from bullpen_tui.run_rows import SHORT, job_row, shape
from bullpen_tui.snapshot import Snapshot
from bullpen_tui.widgets.layout import layout
from bullpen_tui.widgets.tile import arranged, window
from textual.content import Content

from tests.tui import story


@pytest.mark.parametrize(("wide", "room"), [(1, 31), (3, 49), (3, 96), (6, 49), (40, 49), (64, 96)])
def test_the_rows_of_a_run_fit(wide: int, room: int) -> None:
    """Every column is in view, and none is dropped without being counted."""
    form = shape(wide, room)
    assert form.shown + form.left_out == wide
    found = layout(form.columns, room)
    assert len(found) == len(form.columns)
    assert sum(cells for _, cells in found) + 2 * (len(found) - 1) <= room


def test_candidates_without_room_are_counted() -> None:
    """The last cell says how many more there are, and that the accepted one is among them."""
    job = story.time_jobs()[1]
    snapshot = apply(Snapshot(), Listed((job,)))
    form = shape(3, 31)
    assert (form.shown, form.cells, form.left_out) == (1, SHORT, 2)
    row = job_row(snapshot, job, form)
    assert [cell.plain for cell in row.cells[2:]] == ["✓", "+2★"]


@pytest.mark.parametrize(
    ("count", "room", "columns", "shown"),
    [(4, (78, 13), 4, 4), (4, (106, 44), 2, 4), (7, (78, 13), 7, 7), (41, (78, 13), 6, 12), (3, (30, 4), 2, 2)],
)
def test_pictures_are_as_large_as_can_be(count: int, room: tuple[int, int], columns: int, shown: int) -> None:
    """Side by side in a flat room, in rows in a high one; too many are not drawn as dots."""
    assert arranged(count, *room) == (columns, shown)


def test_the_chosen_picture_is_in_view() -> None:
    """Those around it are, too; at the end the view is full."""
    assert window(0, 40, 11) == range(11)
    assert 25 in window(25, 40, 11)
    assert window(39, 40, 11) == range(29, 40)
    assert window(3, 40, 0) == range(3, 4)


def test_what_goes_over_the_end_stands_under_the_words() -> None:
    """The label stands alone at the left; where there is hardly any room nothing is moved."""
    row = Content("device     the only device that is here")
    assert [one.plain for one in hung([row], 11, 26)] == ["device     the only device", "           that is here"]
    assert hung([row], 11, 60) == [row]
    assert hung([row], 11, 20) == [row]
