"""The head of a GGUF file: what it says of itself, and whether the file is whole. No weight is read or mapped.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Everything in the head comes from whoever made the
file, so every count and length is bounded before anything is read by it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"GGUF"
# Values and tensors, the length of a name, and of a text that is kept: far above what any model has.
MOST_VALUES = 100_000
MOST_TENSORS = 1_000_000
MOST_NAME = 65_535
MOST_TEXT = 4_000_000
_ARRAY, _STRING = 9, 8
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_BUFFER = 1 << 20

# Values in a block and bytes of it, by ggml's number of the type.
# Source: GGML_QUANT_SIZES in https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py
_BLOCKS: dict[int, tuple[int, int]] = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 40),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
}


class GgufError(Exception):
    """Why a file is no whole GGUF file; a sentence part that follows its name."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the head says. `values` has numbers, texts and flags by key, and the length of each list.

    `parameters` counts the numbers in all tensors; `tensor_type` is ggml's number of the type that most of them have.
    """

    version: int
    values: dict[str, Any] = field(default_factory=dict)
    tensors: int = 0
    parameters: int = 0
    tensor_type: int = 0

    @property
    def architecture(self) -> str:
        """Such as `llama`; empty where the file does not say."""
        found = self.values.get("general.architecture")
        return found if isinstance(found, str) else ""

    def number(self, key: str) -> int:
        """A whole number of this architecture, such as `context_length`; 0 where the file does not say."""
        found = self.values.get(f"{self.architecture}.{key}")
        return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0

    def text(self, key: str) -> str:
        """A text by its full key; empty where the file does not say."""
        found = self.values.get(key)
        return found if isinstance(found, str) else ""


def read_head(path: Path) -> Head:
    """Reads the head of a file. Raises GgufError for one that is none or ends too early, and OSError."""
    size = path.stat().st_size
    with path.open("rb", buffering=_BUFFER) as file:
        reader = _Reader(file, size)
        if reader.take(4) != MAGIC:
            raise GgufError("is no GGUF file: it does not begin with that word")
        version = reader.number("I")
        if version not in (2, 3):
            raise GgufError(f"is GGUF of version {version}; this version reads 2 and 3")
        tensors, count = reader.number("Q"), reader.number("Q")
        if tensors > MOST_TENSORS or count > MOST_VALUES:
            raise GgufError("is damaged: it claims more values than any model has")
        values: dict[str, Any] = {}
        for _ in range(count):
            key = reader.text(MOST_NAME)
            values[key] = reader.value(reader.number("I"))
        return _tensors(reader, version, values, tensors)


def _tensors(reader: _Reader, version: int, values: dict[str, Any], count: int) -> Head:
    end, parameters = 0, 0
    types: dict[int, int] = {}
    for _ in range(count):
        name = reader.text(MOST_NAME)
        shape = [reader.number("Q") for _ in range(reader.bounded("I", 8, "dimensions"))]
        kind, offset = reader.number("I"), reader.number("Q")
        numbers = 1
        for length in shape:
            numbers *= length
        if numbers > 1 << 50 or offset > 1 << 50:
            raise GgufError(f"is damaged: its tensor {name[:60]} is larger than anything")
        parameters += numbers
        types[kind] = types.get(kind, 0) + numbers
        block, size = _BLOCKS.get(kind, (1, 0))
        end = max(end, offset + -(-numbers // block) * size)
    align = values.get("general.alignment", 32)
    if not isinstance(align, int) or not 0 < align <= 1 << 20:
        raise GgufError("is damaged: its alignment makes no sense")
    begin = -(-reader.at // align) * align
    if begin + end > reader.size and count:
        raise GgufError(
            f"ends too early: it has {reader.size} bytes of the {begin + end} that its head tells of, as after a "
            "download that broke off"
        )
    return Head(version, values, count, parameters, max(types, key=lambda kind: types[kind], default=0))


class _Reader:
    """Reads a file in order; whoever reads beyond its end is told so."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        self.at = 0

    def take(self, count: int) -> bytes:
        """The next bytes. Raises GgufError where there are not so many."""
        if count > self.size - self.at:
            raise GgufError("ends too early: its head is not whole, as after a download that broke off")
        self.at += count
        return self._file.read(count)

    def skip(self, count: int) -> None:
        """Leaves bytes out."""
        if count > self.size - self.at:
            raise GgufError("ends too early: its head is not whole, as after a download that broke off")
        self.at += count
        self._file.seek(self.at)

    def number(self, kind: str) -> Any:
        """A number by its letter in `struct`."""
        return struct.unpack("<" + kind, self.take(struct.calcsize("<" + kind)))[0]

    def bounded(self, kind: str, most: int, what: str) -> int:
        """A count of at most so many."""
        found: int = self.number(kind)
        if found > most:
            raise GgufError(f"is damaged: it claims {found} {what}")
        return found

    def text(self, most: int = MOST_TEXT) -> str:
        """A text with its length before it."""
        return self.take(self.bounded("Q", most, "characters in one text")).decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        """A value; of a list only its length."""
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY:
            if kind not in _NUMBERS:
                raise GgufError(f"is damaged: it has a value of the unknown type {kind}")
            return self.number(_NUMBERS[kind])
        inner, length = self.number("I"), self.number("Q")
        if inner == _STRING:
            if length > self.size:
                raise GgufError("ends too early: its head is not whole, as after a download that broke off")
            for _ in range(length):
                self.skip(self.bounded("Q", MOST_TEXT, "characters in one text"))
        elif inner in _NUMBERS:
            self.skip(length * struct.calcsize("<" + _NUMBERS[inner]))
        else:
            raise GgufError(f"is damaged: it has a list of the unknown type {inner}")
        return length
