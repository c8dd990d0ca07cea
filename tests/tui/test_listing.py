"""What a list does not do again: names, words and lines of ten thousand rows are worked out once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from bullpen_tui.widgets import lister
from bullpen_tui.widgets.layout import Row
from bullpen_tui.widgets.listing import Listing
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from tests.tui.driving import PATIENCE
from tests.tui.test_rows import Page, row

MANY = 10_000


def items(count: int = MANY) -> list[SimpleNamespace]:
    return [SimpleNamespace(name=f"row {number}") for number in range(count)]


def make(item: SimpleNamespace) -> Row:
    return row(item.name)


def shown(listing: Listing) -> list[str]:
    return [listing.key(at) for at in range(len(listing))]


def test_of_a_list_in_which_one_changed_one_is_looked_at() -> None:
    """A filter asks each item for its words once, and then only those that are others."""
    asked: list[str] = []

    def text(item: SimpleNamespace) -> str:
        asked.append(item.name)
        return str(item.name)

    listing = Listing()
    every = items()
    listing.items(every, make, text)
    assert asked == [], "without a filter nobody needs words"
    listing.narrow("9 !99")
    assert len(asked) == MANY
    changed = [*every]
    changed[5] = SimpleNamespace(name="row 9 of five")
    asked.clear()
    listing.items(changed, make, text)
    assert asked == ["row 9 of five"]
    assert "row 9 of five" in shown(listing)
    listing.items([*changed, SimpleNamespace(name="row 9 at the end")], make, text)
    assert asked == ["row 9 of five", "row 9 at the end"]
    assert shown(listing)[-1] == "row 9 at the end"


@given(
    st.lists(st.text("ab1 ", min_size=1, max_size=4), max_size=12),
    st.lists(st.text("ab1 ", min_size=1, max_size=4), max_size=12),
    st.text("ab! ", max_size=5),
    st.integers(0, 12),
)
def test_a_list_is_what_it_would_be_if_it_were_new(
    before: list[str], after: list[str], wanted: str, gathered: int
) -> None:
    """Whatever was listed and gathered before, the same rows pass in the same order, each where it says it is."""
    old = [SimpleNamespace(name=f"{at} {text}") for at, text in enumerate(before)]
    new = [
        old[at] if at < len(old) and at % 2 else SimpleNamespace(name=f"{at} {text}") for at, text in enumerate(after)
    ]
    used, fresh = Listing(), Listing()
    used.items(old, make, None)
    steps = iter(range(gathered))
    used.prepare(lambda: next(steps, None) is None)
    used.narrow(wanted[::-1])
    used.items(new, make, None)
    used.narrow(wanted)
    fresh.items(new, make, None)
    fresh.narrow(wanted)
    assert shown(used) == shown(fresh)
    words = [(word.removeprefix("!"), word.startswith("!")) for word in wanted.split()]
    for at, item in enumerate(new):
        passes = all((word in make(item).text) is not inverted for word, inverted in words if word)
        assert (item.name in shown(used)) is passes, (at, item.name)
    assert all(used.index(key) == at for at, key in enumerate(shown(used)))
    assert used.index("nobody") is None


async def test_letters_of_a_filter_do_not_wait_for_ten_thousand_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words are gathered a slice at a time, with keys in between; the rows narrow when all are there."""
    monkeypatch.setattr(lister, "SLICE_SECONDS", 0.0005)
    app = Page()
    async with app.run_test(size=(60, 20)) as pilot:
        app.table.set_items(items(), make)
        app.table.set_filter("row 99")
        assert app.table.count == (MANY, MANY), "not all at once"
        app.table.set_filter("row 999")
        async with asyncio.timeout(PATIENCE):
            while app.table.count[0] == MANY:
                await pilot.pause(0.002)
        assert app.table.count == (19, MANY), "999, 1999 … 9999, and 9990 … 9998"
        app.table.set_filter("")
        assert app.table.count == (MANY, MANY), "letting go needs no words"


async def test_scrolling_draws_the_lines_that_are_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row further, one line is made; the others are those of before."""
    app = Page()
    async with app.run_test(size=(60, 20)) as pilot:
        app.table.set_items(items(200), make)
        app.table.focus()
        await pilot.press("end")
        for _ in range(25):
            await pilot.press("up")
        await pilot.pause()
        drawn: list[str] = []
        line = app.table._line

        def counted(cells: tuple[Content, ...], *rest: object) -> object:
            drawn.append(cells[0].plain)
            return line(cells, *rest)  # type: ignore[arg-type]  # handed on as it came

        monkeypatch.setattr(app.table, "_line", counted)
        await pilot.press("up")
        await pilot.pause()
        assert sorted(set(drawn) - {"name"}) == ["row 173", "row 174"], "the cursor's row and the one that it left"
        app.theme = "textual-light"
        drawn.clear()
        await pilot.pause()
        assert len(drawn) >= 19, "other colours, other lines"
