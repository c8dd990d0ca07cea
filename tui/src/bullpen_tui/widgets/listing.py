"""What a table lists: rows given as they are, or made from items when they come into view.

Ten thousand items cost ten thousand names and no rows; a row is made for the lines that are seen, and its text for a
filter once for as long as the item stays the same. A list of which one item changed costs one walk over references.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

from bullpen_tui.widgets.layout import Row, wanted_words

Make = Callable[[Any], Row]
Text = Callable[[Any], str]


class Listing:
    """The rows of a table, before and after its filter."""

    def __init__(self) -> None:
        self._items: Sequence[Any] = ()
        self._keys: list[str] = []
        self._make: Make = lambda row: row
        self._text: Text = lambda row: row.text
        self._texts: list[str | None] = []
        """Text of each item, as far as it was needed; in step with the items."""
        self._known = 0
        """Items at the beginning whose texts are known."""
        self._shown: list[int] | None = None
        self.wanted = ""

    def rows(self, rows: Sequence[Row]) -> None:
        """Lists rows as they are."""
        self._set(rows, lambda row: row, lambda row: row.text, lambda row: row.key)

    def items(self, items: Sequence[Any], make: Make, text: Text | None) -> None:
        """Lists items that have a `name`, which is their rows' key. `text` gives small letters for the filter."""
        self._set(items, make, text or (lambda item: make(item).text), lambda item: item.name)

    def _set(self, items: Sequence[Any], make: Make, text: Text, key: Callable[[Any], str]) -> None:
        before, self._items, self._make, self._text = self._items, items, make, text
        if items is before:
            return
        if len(items) == len(before):
            changed = [at for at, (old, new) in enumerate(zip(before, items, strict=True)) if old is not new]
            for at in changed:
                self._keys[at] = key(items[at])
                self._texts[at] = text(items[at]) if at < self._known else None
        else:
            self._grow(before, [key(item) for item in items])
        self.narrow(self.wanted)

    def _grow(self, before: Sequence[Any], keys: list[str]) -> None:
        """Takes a list of another length; texts of items that are the same ones stay."""
        items, old = self._items, {}
        if self._known:
            old = {id(one): text for one, text in zip(before, self._texts, strict=True) if text is not None}
        self._keys = keys
        self._texts = [old.get(id(item)) for item in items] if old else [None] * len(items)
        self._known = 0

    def prepare(self, until: Callable[[], bool]) -> bool:
        """Makes texts for a filter until told to stop; whether all of them are there."""
        at, texts, items = self._known, self._texts, self._items
        while at < len(texts):
            if texts[at] is None:
                texts[at] = self._text(items[at])
                if until():
                    at += 1
                    break
            at += 1
        self._known = at
        return at == len(texts)

    def narrow(self, wanted: str) -> None:
        """Leaves only what has these words."""
        self.wanted = wanted
        found = wanted_words(wanted)
        if not found:
            self._shown = None
            return
        self.prepare(lambda: False)
        texts: list[Any] = self._texts
        shown: Sequence[int] = range(len(texts))
        for word, inverted in found:
            shown = [at for at in shown if (word in texts[at]) is not inverted]
        self._shown = list(shown)

    def __len__(self) -> int:
        return len(self._keys) if self._shown is None else len(self._shown)

    @property
    def total(self) -> int:
        """How many there are without the filter."""
        return len(self._keys)

    @property
    def keys(self) -> set[str]:
        """Keys of all rows, also of those that the filter hides."""
        return set(self._keys)

    def key(self, index: int) -> str:
        """Key of a row."""
        return self._keys[index if self._shown is None else self._shown[index]]

    def row(self, index: int) -> Row:
        """One row, made now."""
        return self._make(self._items[index if self._shown is None else self._shown[index]])

    def index(self, key: str, near: int = -1) -> int | None:
        """Where a row is, or nothing where the filter or the list does not have it. `near` is looked at first."""
        if 0 <= near < len(self) and self.key(near) == key:
            return near
        try:
            at = self._keys.index(key)
        except ValueError:
            return None
        if self._shown is None:
            return at
        place = bisect_left(self._shown, at)
        return place if place < len(self._shown) and self._shown[place] == at else None
