"""What a table lists: rows given as they are, or made from items when they come into view.

Ten thousand items cost ten thousand names and no rows; a row is made for the lines that are seen, and its text for a
filter once for as long as the item stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bullpen_tui.widgets.layout import Row, passes

Make = Callable[[Any], Row]
Text = Callable[[Any], str]


class Listing:
    """The rows of a table, before and after its filter."""

    def __init__(self) -> None:
        self._items: Sequence[Any] = ()
        self._keys: list[str] = []
        self._make: Make = lambda row: row
        self._text: Text = lambda row: row.text
        self._shown: list[int] | None = None
        self._texts: dict[str, tuple[Any, str]] = {}
        self.wanted = ""

    def rows(self, rows: Sequence[Row]) -> None:
        """Lists rows as they are."""
        self._set(rows, [row.key for row in rows], lambda row: row, lambda row: row.text)

    def items(self, items: Sequence[Any], make: Make, text: Text | None) -> None:
        """Lists items that have a `name`, which is their rows' key. `text` gives small letters for the filter."""
        keys = self._keys if items is self._items else [item.name for item in items]
        self._set(items, keys, make, text or (lambda item: make(item).text))

    def _set(self, items: Sequence[Any], keys: list[str], make: Make, text: Text) -> None:
        self._items, self._keys, self._make, self._text = items, keys, make, text
        self.narrow(self.wanted)

    def narrow(self, wanted: str) -> None:
        """Leaves only what has these words."""
        self.wanted = wanted
        self._shown = None
        if wanted.strip():
            found = enumerate(zip(self._keys, self._items, strict=True))
            self._shown = [at for at, (key, item) in found if passes(self._text_of(key, item), wanted)]
        elif self._texts:
            self._texts = {}

    def _text_of(self, key: str, item: Any) -> str:
        known = self._texts.get(key)
        if known is None or known[0] is not item:
            known = (item, self._text(item))
            self._texts[key] = known
        return known[1]

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

    def index(self, key: str) -> int | None:
        """Where a row is, or nothing where the filter or the list does not have it."""
        try:
            at = self._keys.index(key)
        except ValueError:
            return None
        if self._shown is None:
            return at
        return self._shown.index(at) if at in self._shown else None
