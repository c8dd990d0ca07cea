"""What the heads of safetensors files tell without reading weights: which files count, and how much they hold.

The format is described at https://github.com/huggingface/safetensors#format: a length, a JSON head with the type, shape
and place of each tensor, and then all tensors one after the other.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import torch

from bullpen_worker.engines.base import Weights
from bullpen_worker.engines.torch.model_files import ModelFolder

_ALIGNMENT = 64
_LENGTH = struct.Struct("<Q")
_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor in a file: its type and shape, and where its bytes begin and end after the head."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    end: int

    def size(self, dtype: torch.dtype) -> int:
        """Bytes in memory where floating numbers are held as `dtype`."""
        held = dtype if self.dtype.is_floating_point else self.dtype
        return (self.end - self.begin) // self.dtype.itemsize * held.itemsize


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file: where its data begins, and its tensors by name."""

    path: Path
    data: int
    entries: dict[str, Entry]


def read_head(path: Path) -> WeightFile:
    """The head of one file. Raises OSError, ValueError or KeyError for one that is no such file."""
    with path.open("rb") as stream:
        (length,) = _LENGTH.unpack(stream.read(_LENGTH.size))
        head = json.loads(stream.read(length))
    entries = {
        name: Entry(_TYPES[about["dtype"]], tuple(about["shape"]), *about["data_offsets"])
        for name, about in head.items()
        if name != "__metadata__"
    }
    return WeightFile(path, _LENGTH.size + length, entries)


def layout(file: WeightFile, dtype: torch.dtype | None) -> tuple[dict[str, int], int]:
    """Where each tensor of a file goes in one block of memory, and the block's size; floating numbers as `dtype`, or
    with None as they are in the file. Each begins where processors and accelerators like it: files pack them closer.
    """
    places, end = {}, 0
    for name, entry in sorted(file.entries.items(), key=lambda item: item[1].begin):
        places[name] = end
        end += -(-entry.size(dtype or entry.dtype) // _ALIGNMENT) * _ALIGNMENT
    return places, end


def component_files(folder: ModelFolder, component: str) -> list[Path]:
    """The files of a component that are loaded: those of the folder's variant where there are any, else the plain."""
    found = sorted((folder.path / component).glob("*.safetensors"))
    plain = [path for path in found if path.name.partition(".")[2].partition("-")[0] == "safetensors"]
    other = [path for path in found if path not in plain and folder.variant and f".{folder.variant}" in path.name]
    return other if folder.variant and other else plain or found


def weigh(folder: ModelFolder, dtype: torch.dtype) -> Weights:
    """What a folder's weights take in memory as `dtype`. Raises what `read_head` raises."""
    components, largest = [], 0
    for place in sorted(path for path in folder.path.iterdir() if path.is_dir()):
        sizes = [
            entry.size(dtype)
            for path in component_files(folder, place.name)
            for entry in read_head(path).entries.values()
        ]
        if sizes:
            components.append(sum(sizes))
            largest = max(largest, *sizes)
    return Weights(sum(components), max(components, default=0), largest)
