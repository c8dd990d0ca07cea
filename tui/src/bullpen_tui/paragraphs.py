"""Rows with a label that are longer than their pane: what goes over the end stands under the words. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from bullpen_tui import words

LEAST = 12
"""Cells of words below which a hanging row would be mostly blank."""


def hung(rows: Iterable[Content], indent: int, room: int) -> list[Content]:
    """Rows of at most `room` cells; those that were longer go on `indent` cells from the left."""
    found: list[Content] = []
    for row in rows:
        if row.cell_length <= room or room < indent + LEAST:
            found.append(row)
            continue
        first, *others = row[indent:].wrap(room - indent)
        found += [words.text(row[:indent], first), *(words.text(" " * indent, one) for one in others)]
    return found
