"""What the heads of safetensors files tell without reading weights: which files count, and how much they hold.

The format is described at https://github.com/huggingface/safetensors#format: a length, a JSON head with the type, shape
and place of each tensor, and then all tensors one after the other.
"""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch

from bullpen_worker.engines.base import Weights
from bullpen_worker.engines.torch.model_files import ModelFolder

_ALIGNMENT = 64
# Tensors that one call of the system fills, and bytes: most systems take 1024 pieces, and 2 GiB, at once.
_PIECES, _BYTES = 1024, 1 << 30
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


def places_for(file: WeightFile, device: torch.device) -> tuple[dict[str, int], int]:
    """Where each tensor of a file goes on a device in the type of the file, and the size of the whole.

    In main memory each lies as far behind the beginning of a page as in the file, where that is possible: the system
    copies page by page, and whole pages onto whole pages a quarter faster than onto pieces of two.
    """
    if device.type == "cpu" and all(
        (file.data + entry.begin) % entry.dtype.itemsize == 0 for entry in file.entries.values()
    ):
        ends = [entry.end for entry in file.entries.values()]
        return {name: file.data + entry.begin for name, entry in file.entries.items()}, file.data + max(ends, default=0)
    return layout(file, None)


# A piece of a file: where it begins after the head, where it goes, its size.
Run = tuple[int, int, int]

# What tells one file from another at the same place: device, inode, size, time of its last change.
Signature = tuple[int, int, int, int]


def signature(path: Path) -> Signature:
    """Of the file that lies at a path now. Raises OSError."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def read_into(file: WeightFile, places: dict[str, int], target: torch.Tensor) -> None:
    """Fills a tensor of bytes on the processor with a file's tensors, each at its place. Raises OSError, also where the
    file ends early.
    """
    read_runs(file, runs_of(file, places), target)


def runs_of(file: WeightFile, places: dict[str, int]) -> list[Run]:
    """What lies side by side in the file and will in memory, as one piece each, in the order of the file."""
    runs: list[list[int]] = []
    for begin, end, at in sorted((entry.begin, entry.end, places[name]) for name, entry in file.entries.items()):
        if runs and (runs[-1][1], runs[-1][2]) == (begin, at):
            runs[-1][1:] = end, at + end - begin
        elif end > begin:
            runs.append([begin, end, at + end - begin])
    return [(begin, after - (end - begin), end - begin) for begin, end, after in runs]


def read_runs(file: WeightFile, runs: Sequence[Run], target: torch.Tensor) -> None:
    """Fills a tensor of bytes on the processor with these pieces of a file. Raises as `read_into`."""
    whole = target.numpy().data
    pieces = [(begin, whole[at : at + size]) for begin, at, size in runs]
    with file.path.open("rb", buffering=0) as stream:
        while pieces:
            batch = list(_neighbours(pieces))
            done = _read_at(stream, [view for _, view in batch], file.data + batch[0][0])
            if done <= 0:
                raise OSError(f"{file.path.name} ended early")
            finished = 0
            while finished < len(batch) and done >= len(batch[finished][1]):
                done -= len(batch[finished][1])
                finished += 1
            del pieces[:finished]
            if done:
                begin, view = pieces[0]
                pieces[0] = begin + done, view[done:]


def _neighbours(pieces: list[tuple[int, memoryview]]) -> Iterator[tuple[int, memoryview]]:
    """The first pieces that lie side by side in the file, as many as one call takes."""
    end, size = pieces[0][0], 0
    for begin, view in islice(pieces, _PIECES):
        if begin != end or (size and size + len(view) > _BYTES):
            return
        yield begin, view
        end, size = begin + len(view), size + len(view)


def _read_at(stream: io.FileIO, views: list[memoryview], offset: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(stream.fileno(), views, offset)
    stream.seek(offset)
    return stream.readinto(views[0]) or 0


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
