"""How wide the columns of a table are in a terminal, and what stands in its place where it cannot be read.

Names are there to be copied: no column is ever made narrower than its longest word. Where the longest words of all
columns do not fit beside each other, each row becomes a few lines of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

# Between two columns, and at both edges, of the box that tables are drawn with.
_BETWEEN, _EDGES = 3, 2
NOTHING = ("", "–")
# Cells of a first column that holds numbers or signs.
_SIGN = 3


def widths(columns: Sequence[str], rows: Sequence[Sequence[str]], room: int, whole: Sequence[str]) -> list[int] | None:
    """Cells for each column within `room` cells; None where not even the longest words fit.

    `whole` columns keep their longest line. Of the others the widest give way first.
    """
    listed = [[column, *(row[number] for row in rows)] for number, column in enumerate(columns)]
    wanted = [max(max(map(cell_len, text.split("\n"))) for text in texts) for texts in listed]
    least = [
        want if column in whole else max((cell_len(word) for text in texts for word in text.split()), default=0)
        for column, texts, want in zip(columns, listed, wanted, strict=True)
    ]
    left = room - _BETWEEN * (len(columns) - 1) - _EDGES
    if sum(least) > left:
        return None
    found = list(wanted)
    while (excess := sum(found) - left) > 0:
        widest = max(found[number] for number in range(len(found)) if found[number] > least[number])
        at = [number for number in range(len(found)) if found[number] == widest and widest > least[number]]
        below = [width for width in found if width < widest]
        step = max(1, min(widest - max(below, default=0), -(-excess // len(at))))
        for number in at:
            found[number] = max(least[number], found[number] - step)
    return found


def blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], whole: Sequence[str]) -> list[tuple[str, str]]:
    """Each row as its name, and what the other cells say with the names of their columns.

    The name is in the first column, or in a `whole` one; a number or a sign before it stays before it.
    """
    found = []
    for row in rows:
        said = [(column, text) for column, text in zip(columns, row, strict=True) if text.strip() not in NOTHING]
        head, *rest = [(column, text) for column, text in said if column in whole] or said or [("", "")]
        rest = [one for one in said if one != head]
        title = head[1]
        if cell_len(title) <= _SIGN and rest:
            title, rest = f"{title} {rest[0][1]}", rest[1:]
        found.append((title, " · ".join(f"{column} {text}".strip() for column, text in rest)))
    return found
