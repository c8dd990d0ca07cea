"""The picture that a candidate was made from, as measures need it: decoded once, not once for every candidate.

What is kept of a source is small (its edges, and its colours at a small size), is found by the hash of its content, and
is given up oldest first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bullpen_worker.ops.edges import EdgeMap, edge_map, map_size
from bullpen_worker.ops.picture import open_picture

# Changes of colour are looked for in pictures of at most this many pixels a side.
SMALL_SIDE = 128


@dataclass(frozen=True, slots=True)
class SourceView:
    """Edges at the size of a candidate's map, and RGB at its small size, (height, width, 3)."""

    edges: EdgeMap
    small: NDArray[np.int16]

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.edges.nbytes + int(self.small.nbytes)


def small_size(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height at which colours are compared: those of the picture, at most `SMALL_SIDE`."""
    shrink = min(1.0, SMALL_SIDE / max(size))
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))


def small(image: Image.Image, size: tuple[int, int]) -> NDArray[np.int16]:
    """RGB of a picture brought to a small size (width, height)."""
    if image.size != size:
        image = image.resize(size, Image.Resampling.BOX)
    return np.asarray(image, np.int16)


def view(image: Image.Image, size: tuple[int, int]) -> SourceView:
    """What measures need of an RGB source, for a candidate of this size."""
    return SourceView(edge_map(image.convert("L"), map_size(size)), small(image, small_size(size)))


class SourceCache:
    """Views of sources by the hash of their content and the size that they are wanted for. Any thread may ask."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._views: OrderedDict[tuple[str, tuple[int, int]], SourceView] = OrderedDict()
        self._lock = threading.Lock()
        self.decoded = 0

    def view(self, path: str | Path, sha256: str, size: tuple[int, int], max_pixels: int) -> SourceView:
        """The view of the picture at `path`; without a hash it is not kept. Raises what `open_picture` raises."""
        key = (sha256, size)
        with self._lock:
            if (known := self._views.get(key)) is not None:
                self._views.move_to_end(key)
                return known
        found = view(open_picture(path, max_pixels), size)
        with self._lock:
            self.decoded += 1
            if sha256 and key not in self._views:
                self._views[key] = found
                self._held += found.nbytes
                while self._held > self._most:
                    self._held -= self._views.popitem(last=False)[1].nbytes
        return found
