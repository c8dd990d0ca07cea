"""Columns and rows of a table as values: what a row says, which columns fit, which rows a filter leaves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

GAP = 2


@dataclass(frozen=True)
class Column:
    """One column.

    `width` cells are fixed; 0 shares what is left by `weight`, at least `minimum` cells. When the table is too narrow
    the columns with the largest `drop` go first; 0 stays always. `middle` says that what is longer loses its middle and
    not its end.
    """

    title: str
    width: int = 0
    minimum: int = 8
    weight: int = 1
    drop: int = 0
    right: bool = False
    middle: bool = False


@dataclass(frozen=True)
class Row:
    """One row: a key that stays the same while the row changes, and a cell for each column."""

    key: str
    cells: tuple[Content, ...]

    @property
    def text(self) -> str:
        """What a filter looks at."""
        return " ".join(cell.plain for cell in self.cells).casefold() + " " + self.key.casefold()

    def is_same(self, other: Row) -> bool:
        """Whether both look the same."""
        return (
            self.key == other.key
            and len(self.cells) == len(other.cells)
            and all(a.is_same(b) for a, b in zip(self.cells, other.cells, strict=True))
        )


def shortened(cell: Content, room: int, middle: bool = False) -> Content:
    """A cell in at most `room` cells, with `…` where something was left out."""
    if not middle or cell.cell_length <= room or room < 5:
        return cell.truncate(room, ellipsis=True)
    end = (room - 1) // 2
    tail = cell[len(cell) - end :]
    while tail.cell_length > end:
        tail = tail[1:]
    return cell.truncate(room - tail.cell_length, ellipsis=True) + tail


def wanted_words(wanted: str) -> list[tuple[str, bool]]:
    """The words of a filter in small letters, each with whether it is inverted by a `!` in front."""
    found = [(word.removeprefix("!"), word.startswith("!")) for word in wanted.casefold().split()]
    return [(word, inverted) for word, inverted in found if word]


def layout(columns: Sequence[Column], width: int) -> list[tuple[int, int]]:
    """Which columns fit, and how wide: pairs of index and cells, from left to right."""
    kept = list(range(len(columns)))

    def need() -> int:
        return sum(columns[i].width or columns[i].minimum for i in kept) + GAP * max(0, len(kept) - 1)

    while need() > width:
        going = max(kept, key=lambda i: (columns[i].drop, i))
        if not columns[going].drop:
            break
        kept.remove(going)
    spare = max(0, width - need())
    weights = sum(columns[i].weight for i in kept if not columns[i].width)
    widths: list[tuple[int, int]] = []
    for i in kept:
        column = columns[i]
        if column.width:
            widths.append((i, column.width))
            continue
        share = spare * column.weight // weights
        spare -= share
        weights -= column.weight
        widths.append((i, column.minimum + share))
    return widths
