"""Where a candidate differs from its source in one place: the area of a local edit, such as a figure put into a panel.

Both pictures are compared in small cells. What differs more than the rest of the picture does, and hangs together, is
the edit. A picture that changed all over has no such place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bullpen_worker.ops.edges import Mask, grow

# Cells on the longer side.
_CELLS = 32
# Mean difference of a cell's strongest channel, 0–255, below which nothing was edited.
_FAINTEST = 18.0
# How much more than the usual cell of this picture an edited one differs.
_TIMES = 3.0


@dataclass(frozen=True, slots=True)
class Edit:
    """The area as cells (rows, columns), with a cell around it, and its box as shares: left, top, right, bottom."""

    cells: Mask
    box: tuple[float, float, float, float]

    @property
    def share(self) -> float:
        """How much of the picture it covers, 0–1."""
        return float(self.cells.mean())

    def outside(self, size: tuple[int, int]) -> Mask:
        """Everything but the area, as a mask of a picture of `size` (width, height)."""
        rows = np.arange(size[1]) * self.cells.shape[0] // size[1]
        columns = np.arange(size[0]) * self.cells.shape[1] // size[0]
        mask: Mask = ~self.cells[rows[:, None], columns[None]]
        return mask


def find_edit(made: NDArray[np.int16], source: NDArray[np.int16], most: float) -> Edit | None:
    """The edited area between two RGB pictures (height, width, 3) of one size.

    None where nothing changed in one place, or where that place covers more than the share `most` of the picture.
    """
    difference = np.abs(made - source).max(axis=2)
    cells = _cell_means(difference)
    least = max(_FAINTEST, _TIMES * float(np.median(cells)))
    found = max(components(cells > least), key=np.count_nonzero, default=None)
    if found is None:
        return None
    edit = Edit(grow(found, 1), _box(difference > least, found))
    return edit if edit.share <= most else None


def _side(shape: tuple[int, ...]) -> int:
    """Pixels on a side of a cell, in a plane of this shape."""
    return max(1, -(-max(shape) // _CELLS))


def _box(strong: Mask, cells: Mask) -> tuple[float, float, float, float]:
    """The box of the strong pixels inside of some cells, as shares."""
    high, wide = strong.shape
    rows, columns = (np.arange(length) // _side(strong.shape) for length in (high, wide))
    strong = strong & cells[rows[:, None], columns[None]]
    down, across = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    return (
        float(across[0] / wide),
        float(down[0] / high),
        float((across[-1] + 1) / wide),
        float((down[-1] + 1) / high),
    )


def _cell_means(plane: NDArray[np.int16]) -> NDArray[np.float32]:
    """Means over cells that tile the plane as evenly as whole pixels allow."""
    side = _side(plane.shape)
    rows, columns = np.arange(0, plane.shape[0], side), np.arange(0, plane.shape[1], side)
    sums = np.add.reduceat(np.add.reduceat(plane.astype(np.float32), rows, axis=0), columns, axis=1)
    high = np.diff(np.append(rows, plane.shape[0]))
    wide = np.diff(np.append(columns, plane.shape[1]))
    means: NDArray[np.float32] = (sums / (high[:, None] * wide[None])).astype(np.float32)
    return means


def components(mask: Mask) -> list[Mask]:
    """The parts of a small mask that hang together by sides or corners, each as a mask, in the order of their first
    cell.
    """
    left = {(int(row), int(column)) for row, column in zip(*np.nonzero(mask), strict=True)}
    found = []
    for start in sorted(left):
        if start not in left:
            continue
        left.discard(start)
        part, waiting = np.zeros(mask.shape, np.bool_), [start]
        while waiting:
            row, column = waiting.pop()
            part[row, column] = True
            around = [(row + r, column + c) for r in (-1, 0, 1) for c in (-1, 0, 1)]
            waiting += [cell for cell in around if cell in left]
            left.difference_update(around)
        found.append(part)
    return found
