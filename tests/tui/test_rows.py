"""The table: columns that share a width, and lines that are painted only when they change."""

from __future__ import annotations

import pytest
from bullpen_tui.theme import INK
from bullpen_tui.widgets.layout import shortened
from bullpen_tui.widgets.rows import GAP, Column, Row, RowTable, layout
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.content import Content

COLUMNS = (Column("name", minimum=8, weight=3), Column("state", width=6), Column("age", width=5, drop=1, right=True))


def row(key: str, state: str = "ok", age: str = "1 s") -> Row:
    return Row(key, (Content(key), Content(state), Content(age)))


class Page(App[None]):
    """A table alone."""

    def compose(self) -> ComposeResult:
        yield RowTable(COLUMNS, empty="nothing here")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(INK.variables)

    @property
    def table(self) -> RowTable:
        return self.query_one(RowTable)

    def line(self, y: int) -> str:
        return "".join(segment.text for segment in self.table.render_line(y))


columns = st.lists(
    st.builds(
        Column,
        title=st.just("x"),
        width=st.integers(0, 12),
        minimum=st.integers(1, 12),
        weight=st.integers(1, 5),
        drop=st.integers(0, 4),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(columns, st.integers(0, 200))
def test_columns_share_the_width(given: list[Column], width: int) -> None:
    """What is dropped may be dropped, what stays is wide enough, and flexible columns use all that is left."""
    widths = layout(given, width)
    kept = {index for index, _ in widths}
    assert all(given[index].drop for index in range(len(given)) if index not in kept)
    assert all(cells >= (given[index].width or given[index].minimum) for index, cells in widths)
    total = sum(cells for _, cells in widths) + GAP * (len(widths) - 1)
    if total > width:
        assert all(not given[index].drop for index in kept), "a column that may go stayed without room"
    elif any(not given[index].width for index in kept):
        assert total == width, "room was left over"


async def test_cells_stand_under_their_titles() -> None:
    """Left and right aligned columns line up, long texts end in an ellipsis."""
    app = Page()
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.set_rows([row("a name that is much too long for it", age="12 s")])
        await pilot.pause()
        head, first = app.line(0), app.line(1)
        assert head.index("state") == first.index("ok")
        assert head.rstrip().endswith("age")
        assert first.rstrip().endswith("12 s")
        assert "…" in first


async def test_the_cursor_stays_on_its_row() -> None:
    """Rows that come and go above the cursor do not move it to another thing."""
    app = Page()
    async with app.run_test(size=(40, 6)):
        app.table.set_rows([row("a"), row("b"), row("c")])
        assert app.table.move_to("b")
        app.table.set_rows([row("z"), row("a"), row("b"), row("c")])
        assert app.table.cursor_key == "b"
        app.table.set_rows([row("z"), row("a")])
        assert app.table.cursor_key == "a"
        app.table.set_rows([])
        assert app.table.cursor_key is None


async def test_only_changed_lines_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Giving the same rows again paints nothing; one changed row paints one line."""
    app = Page()
    painted: list[int] = []
    async with app.run_test(size=(40, 8)) as pilot:
        app.table.set_rows([row("a"), row("b"), row("c")])
        await pilot.pause()
        monkeypatch.setattr(app.table, "_redraw", painted.append)
        app.table.set_rows([row("a"), row("b"), row("c")])
        assert painted == []
        app.table.set_rows([row("a"), row("b", "new"), row("c")])
        assert painted == [1]


async def test_long_lists_scroll_with_the_cursor() -> None:
    """A thousand rows: only those in view are drawn, and the head stays."""
    app = Page()
    async with app.run_test(size=(40, 8)) as pilot:
        app.table.set_rows([row(f"row {number}") for number in range(1000)])
        app.table.focus()
        await pilot.press("end")
        await pilot.pause()
        assert "row 999" in app.line(7)
        assert "name" in app.line(0)
        await pilot.press("pageup")
        assert app.table.cursor_key == "row 993"


async def test_an_empty_table_says_why() -> None:
    """Words stand where rows would."""
    app = Page()
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        assert "nothing here" in "".join(app.line(y) for y in range(4))


async def test_a_click_moves_and_a_double_click_opens() -> None:
    """The mouse does what the keys do."""
    app = Page()
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.set_rows([row("a"), row("b"), row("c")])
        await pilot.pause()
        await pilot.click(RowTable, offset=(3, 3))
        assert app.table.cursor_key == "c"


async def test_the_first_paint_has_the_columns_of_its_own_width() -> None:
    """A table that got its size and was not told of it yet is painted with columns that fill it."""
    app = Page()
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.set_rows([row("a long name of a thing")])
        await pilot.pause()
        app.table._room, app.table._widths = 0, layout(COLUMNS, 0)
        app.table._strips.clear()
        assert "a long name" in app.line(1)
        assert "1 s" in app.line(1)


def test_a_name_may_lose_its_middle() -> None:
    """Both ends stay, also of letters that are two cells wide, and nothing is wider than its room."""
    assert shortened(Content("NVIDIA GeForce RTX 4090"), 12, middle=True).plain == "NVIDIA… 4090"
    assert shortened(Content("short"), 12, middle=True).plain == "short"
    assert shortened(Content("日本語日本語日本語"), 11, middle=True).cell_length <= 11
