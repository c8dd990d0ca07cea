"""Lookup tables at work: one curve for each colour, or a cube of colours.

Cubes are read between their points by tetrahedra (Kasson, Plouffe and Nin 1993): of a cell's corners the four that lie
on the way from black to white in the order of the colour's shares. Greys stay grey where the table keeps them so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lut:
    """A table over `lowest`..`highest` for each colour.

    `curves` is (n, 3), or `cube` is (n³, 3) with red running fastest; the other is None.
    """

    lowest: FloatArray
    highest: FloatArray
    curves: FloatArray | None = None
    cube: FloatArray | None = None
    size: int = field(default=0)

    def apply(self, signal: FloatArray) -> FloatArray:
        """Signals (elements, 3) through the table, of the same shape; outside of the domain its edge counts."""
        share = np.clip((signal - self.lowest) / (self.highest - self.lowest), 0, 1).astype(np.float32)
        if self.curves is not None:
            return self._through_curves(share, self.curves)
        assert self.cube is not None
        return self._through_cube(share, self.cube)

    def _through_curves(self, share: FloatArray, curves: FloatArray) -> FloatArray:
        places = np.linspace(0, 1, self.size)
        columns = [np.interp(share[:, channel], places, curves[:, channel]) for channel in range(3)]
        return np.stack(columns, axis=1).astype(np.float32)

    def _through_cube(self, share: FloatArray, cube: FloatArray) -> FloatArray:
        scaled = share * np.float32(self.size - 1)
        cell = np.minimum(scaled.astype(np.int64), self.size - 2)
        inside = scaled - cell
        steps = np.array((1, self.size, self.size * self.size))
        place = cell @ steps
        # The way to the opposite corner: first along the colour with the largest share.
        order = np.argsort(-inside, axis=1, kind="stable")
        shares = np.take_along_axis(inside, order, axis=1)
        value: FloatArray = cube[place]
        out: FloatArray = value.copy()
        for number in range(3):
            place = place + steps[order[:, number]]
            after = cube[place]
            out += shares[:, number : number + 1] * (after - value)
            value = after
        return out
