"""Reads lookup tables in the `.cube` format: Cube LUT Specification 1.0 (Adobe 2013), with the two lines by which
DaVinci Resolve names its domain (`LUT_1D_INPUT_RANGE`, `LUT_3D_INPUT_RANGE`).

A file comes from anywhere: its size, its lines and the size of its table are bounded before anything is built of it.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.colour.lut import FloatArray, Lut

MOST_BYTES = 64 << 20
# The specification's own limits, but for the cube: 129 points a side are twice what grading programs write.
LONGEST_LINE = 250
LARGEST_CURVE = 65_536
LARGEST_CUBE = 129
# Beyond this a value is no colour in any encoding.
LARGEST_VALUE = 1e6

REMEDY = "Give a .cube file as grading programs write it: LUT_1D_SIZE or LUT_3D_SIZE, then one line for each entry."
_RANGES = {"LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE"}
_SIZES = {"LUT_1D_SIZE": LARGEST_CURVE, "LUT_3D_SIZE": LARGEST_CUBE}


def read_cube(path: str | Path) -> Lut:
    """The table in a file. Raises WorkerError PATH_NOT_FOUND, or FIELD_INVALID naming the line."""
    path = Path(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise WorkerError("PATH_NOT_FOUND", f"The lookup table {path} does not exist.") from error
    except OSError as error:
        raise WorkerError("FIELD_INVALID", f"The lookup table {path} cannot be read: {error.strerror}.") from error
    return parse_cube(data, path.name)


def parse_cube(data: bytes, name: str = "table") -> Lut:
    """The table in a file's bytes; `name` is what messages call it. Raises WorkerError FIELD_INVALID."""
    if len(data) > MOST_BYTES:
        raise _wrong(name, 0, f"it has more than {MOST_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(name, 0, "it is no text") from error
    reader = _Reader(name)
    for number, line in enumerate(text.splitlines(), 1):
        reader.take(number, line)
    return reader.finish()


class _Reader:
    """Takes one line after the other: keywords, then entries."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lowest, self._highest = [0.0] * 3, [1.0] * 3
        self._kind, self._size = "", 0
        self._values: list[list[float]] = []
        self._seen: set[str] = set()

    def take(self, number: int, line: str) -> None:
        """Reads a line."""
        if len(line) > LONGEST_LINE:
            raise _wrong(self._name, number, f"it is longer than {LONGEST_LINE} signs")
        words = line.split()
        if not words or words[0].startswith("#"):
            return
        if words[0][0].isalpha() and words[0][:3].lower() not in ("nan", "inf"):
            self._keyword(number, words)
            return
        if not self._kind:
            raise _wrong(self._name, number, "entries come before LUT_1D_SIZE or LUT_3D_SIZE")
        if len(self._values) == self._entries:
            raise _wrong(self._name, number, f"there are more than {self._entries} entries")
        self._values.append(self._numbers(number, words, 3))

    def finish(self) -> Lut:
        """The table."""
        if not self._kind:
            raise _wrong(self._name, 0, "it names neither LUT_1D_SIZE nor LUT_3D_SIZE")
        if len(self._values) != self._entries:
            raise _wrong(self._name, 0, f"it has {len(self._values)} entries where {self._entries} belong")
        lowest, highest = (np.array(ends, dtype=np.float32) for ends in (self._lowest, self._highest))
        # Compared as they will be used: two ends may differ and still be one number of single precision.
        if not (highest > lowest).all():
            raise _wrong(self._name, 0, "its domain ends before it begins")
        table: FloatArray = np.array(self._values, dtype=np.float32)
        if self._kind == "LUT_1D_SIZE":
            return Lut(lowest, highest, curves=table, size=self._size)
        return Lut(lowest, highest, cube=table, size=self._size)

    @property
    def _entries(self) -> int:
        return self._size if self._kind == "LUT_1D_SIZE" else self._size**3

    def _keyword(self, number: int, words: list[str]) -> None:
        word = words[0]
        if self._values:
            raise _wrong(self._name, number, f"{word} comes after entries")
        if word in self._seen:
            raise _wrong(self._name, number, f"{word} comes twice")
        self._seen.add(word)
        if word == "TITLE":
            return
        if word in _SIZES:
            if self._kind:
                raise _wrong(self._name, number, "a table is of one or of three dimensions, not both")
            self._kind, self._size = word, self._whole(number, words, _SIZES[word])
        elif word == "DOMAIN_MIN":
            self._lowest = self._numbers(number, words[1:], 3)
        elif word == "DOMAIN_MAX":
            self._highest = self._numbers(number, words[1:], 3)
        elif word in _RANGES:
            low, high = self._numbers(number, words[1:], 2)
            self._lowest, self._highest = [low] * 3, [high] * 3
        else:
            raise _wrong(self._name, number, f"the format has no {word[:40]}")

    def _whole(self, number: int, words: list[str], most: int) -> int:
        text = words[1] if len(words) == 2 else ""
        size = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
        if not 2 <= size <= most:
            raise _wrong(self._name, number, f"{words[0]} is not a whole number from 2 to {most}")
        return size

    def _numbers(self, number: int, words: list[str], count: int) -> list[float]:
        try:
            values = [float(word) for word in words]
        except ValueError:
            values = []
        if len(values) != count or not all(math.isfinite(v) and abs(v) <= LARGEST_VALUE for v in values):
            raise _wrong(self._name, number, f"{count} finite numbers belong there")
        return values


def _wrong(name: str, number: int, what: str) -> WorkerError:
    place = f"{name}, line {number}" if number else name
    return WorkerError("FIELD_INVALID", f"{place}: {what}; this is no usable lookup table.", REMEDY)
