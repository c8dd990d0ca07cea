"""Pictures with words in a grid: only what is in view has widgets, however many there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from PIL import Image
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message

from bullpen_tui.graphics import Graphics
from bullpen_tui.widgets.layout import Row
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.said import Said, entitle

Want = Callable[[str], Image.Image | None]
"""Gives the picture of an asset if it is here, else has it read; it comes by `Gallery.arrived`."""


class Card(Vertical):
    """One picture with its words. The row's cells are its lines, but for the first, which names the asset."""

    DEFAULT_CSS = """
    Card { border: round $rule; height: 1fr; width: 1fr; }
    Card.-cursor { border: round $rule-strong; background: $row-idle; }
    Gallery:focus Card.-cursor { border: round $accent; }
    Card.-marked { border-title-color: $accent; }
    Card.-free { display: none; }
    Card Picture { height: 1fr; }
    Card Said { height: auto; width: 100%; padding: 0 1; }
    """

    class Chosen(Message):
        """A card was clicked."""

        def __init__(self, slot: int, chain: int) -> None:
            super().__init__()
            self.slot = slot
            self.chain = chain

    def __init__(self, slot: int, way: Graphics, lines: int) -> None:
        super().__init__()
        self.slot = slot
        self.asset = ""
        self._way = way
        self._lines = lines
        self._row: Row | None = None

    def compose(self) -> ComposeResult:
        """Picture and words."""
        yield Picture(self._way)
        words = Said(settled=True, classes="card-words")
        words.styles.height = self._lines
        yield words

    def put(self, row: Row | None, want: Want) -> None:
        """Shows a row, or nothing."""
        self.set_class(row is None, "-free")
        if row is None or not self.children:
            self._row = None
            return
        asset = row.cells[0].plain
        if asset != self.asset:
            self.asset = asset
            self.query_one(Picture).show(want(asset) if asset else None, "" if asset else "no picture yet")
        if self._row is None or not self._row.is_same(row):
            self._row = row
            self.query_one(".card-words", Said).say(Content("\n").join(row.cells[1:]))

    def on_click(self, event: events.Click) -> None:
        """Moves the cursor here; twice opens."""
        event.stop()
        self.post_message(self.Chosen(self.slot, event.chain))


class Gallery(Lister, Container, can_focus=True):
    """The grid. `wide` and `high` are the least cells of a card, `lines` those of its words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "row(1)", show=False),
        Binding("up,k", "row(-1)", show=False),
        Binding("left,h", "up", show=False),
        Binding("right,l", "down", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
    ]
    DEFAULT_CSS = """
    Gallery { height: 1fr; }
    Gallery > .gallery-grid { layout: grid; height: 100%; width: 100%; }
    Gallery > .gallery-empty { display: none; padding: 1 2; color: $quiet; }
    Gallery.-empty > .gallery-grid { display: none; }
    Gallery.-empty > .gallery-empty { display: block; }
    """

    def __init__(self, way: Graphics, want: Want, *, wide: int, high: int, lines: int, dom_id: str) -> None:
        super().__init__(dom_id)
        self._way = way
        self._want = want
        self._least = (wide, high)
        self._lines = lines
        self._columns = 1
        self._high = 1
        self._top = 0
        self._empty: Content = Content("")

    def compose(self) -> ComposeResult:
        """The grid, filled when its size is known."""
        yield Container(classes="gallery-grid")
        yield Said(classes="gallery-empty")

    @property
    def cards(self) -> list[Card]:
        """Cards in their order."""
        return list(self.query(Card))

    def set_empty(self, words: Content) -> None:
        """What stands there while there are no pictures."""
        self._empty = words
        if self.is_mounted and not len(self._listing):
            self._redraw_all()

    def arrived(self, asset: str, picture: Image.Image) -> None:
        """Puts a picture that was asked for into its card."""
        for card in self.cards:
            if card.asset == asset:
                card.query_one(Picture).show(picture)

    # --- moving ------------------------------------------------------------------------------------------------------

    def action_row(self, by: int) -> None:
        """Rows of cards down or up."""
        self._go(self._cursor + by * self._columns)

    def action_page(self, pages: int) -> None:
        """Whole pages down or up."""
        self._go(self._cursor + pages * self._columns * self._high)

    def on_card_chosen(self, message: Card.Chosen) -> None:
        """A click moves the cursor, a double click opens."""
        message.stop()
        index = self._top * self._columns + message.slot
        if index < len(self._listing):
            self.focus()
            self._go(index)
            if message.chain >= 2:
                self.post_message(self.Pressed(self, self._listing.key(index)))

    # --- drawing -----------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """As many cards as have room."""
        wide, high = self._least
        # Two in each direction rather than one, where they are not too small for that.
        wide, high = min(wide, max(20, self.size.width // 2)), min(high, max(9, self.size.height // 2))
        self._columns = max(1, self.size.width // wide)
        self._high = max(1, self.size.height // high)
        grid = self.query_one(".gallery-grid")
        grid.styles.grid_size_columns = self._columns
        grid.styles.grid_size_rows = self._high
        cards, room = self.cards, self._columns * self._high
        for slot in range(len(cards), room):
            grid.mount(Card(slot, self._way, self._lines))
        for extra in cards[room:]:
            extra.remove()
        self._keep_in_view()
        self.call_after_refresh(self._redraw_all)

    def _keep_in_view(self) -> bool:
        row = self._cursor // self._columns
        last = max(0, -(-len(self._listing) // self._columns) - self._high)
        top = min(max(row - self._high + 1, min(self._top, row)), max(last, row - self._high + 1))
        moved, self._top = top != self._top, max(0, top)
        return moved

    def _redraw_all(self) -> None:
        if not self.is_mounted:
            return
        if not all(card.children for card in self.cards):
            self.call_after_refresh(self._redraw_all)  # a new card has no parts yet
        self._keep_in_view()
        empty = not len(self._listing)
        self.set_class(empty, "-empty")
        if empty:
            filtered = self.filter_text and self._listing.total
            words = Content(f"Nothing has “{self.filter_text}”. Press esc to see all.") if filtered else self._empty
            self.query_one(".gallery-empty", Said).say(words)
        for card in self.cards:
            self._fill(card)

    def _redraw_changed(self) -> None:
        for card in self.cards:
            self._fill(card)

    def _redraw(self, index: int) -> None:
        slot = index - self._top * self._columns
        cards = self.cards
        if 0 <= slot < len(cards):
            self._fill(cards[slot])

    def _reveal(self) -> None:
        if self._keep_in_view():
            self._redraw_all()

    def _fill(self, card: Card) -> None:
        index = self._top * self._columns + card.slot
        if index >= len(self._listing):
            card.put(None, self._want)
            return
        row = self._listing.row(index)
        card.set_class(index == self._cursor, "-cursor")
        marked = row.key in self._marks
        card.set_class(marked, "-marked")
        entitle(card, "● marked" if marked else "")
        card.put(row, self._want)
