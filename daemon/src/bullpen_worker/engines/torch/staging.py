"""From a file in the page cache onto an accelerator: several threads copy into page-locked buffers, the device fetches
each buffer while the next ones are filled. Only page-locked memory is fetched at the full rate of the bus.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from bullpen_worker.engines.torch.weight_files import WeightFile

_BUFFER = 32 * 1024 * 1024
_BUFFERS = 4

# (begin in the file's data, end, place in memory), by begin.
Pieces = list[tuple[int, int, int]]


class _Buffer:
    """One page-locked buffer; `free` is recorded when the device has fetched it."""

    def __init__(self) -> None:
        self.memory = torch.empty(_BUFFER, dtype=torch.uint8, pin_memory=True)
        self.free = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch has no types here


_buffers: list[_Buffer] = []


def to_device(file: WeightFile, places: dict[str, int], size: int, device: torch.device) -> torch.Tensor:
    """`size` bytes on a CUDA device that hold a file's tensors, each at its place. Raises OSError."""
    whole = torch.empty(size, dtype=torch.uint8, device=device)
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch has no types here
    stream.wait_stream(torch.cuda.current_stream(device))
    while len(_buffers) < _BUFFERS:
        _buffers.append(_Buffer())
    pieces = sorted((entry.begin, entry.end, places[name]) for name, entry in file.entries.items())
    end = max((entry.end for entry in file.entries.values()), default=0)
    with file.path.open("rb", buffering=0) as source, ThreadPoolExecutor(_BUFFERS) as pool:
        filling: list[Future[_Buffer]] = []
        begins = range(0, end, _BUFFER)

        def fetch(number: int) -> None:
            buffer = filling[number].result()
            with torch.cuda.stream(stream):
                for begin, stop, place in overlapping(pieces, begins[number], begins[number] + _BUFFER):
                    whole[place : place + stop - begin].copy_(
                        buffer.memory[begin - begins[number] : stop - begins[number]], non_blocking=True
                    )
                buffer.free.record(stream)

        for number, begin in enumerate(begins):
            if number >= _BUFFERS:
                fetch(number - _BUFFERS)
            buffer = _buffers[number % _BUFFERS]
            filling.append(pool.submit(_fill, source.fileno(), file.data + begin, min(_BUFFER, end - begin), buffer))
        for number in range(max(0, len(begins) - _BUFFERS), len(begins)):
            fetch(number)
    torch.cuda.current_stream(device).wait_stream(stream)
    whole.record_stream(stream)
    return whole


def overlapping(pieces: Pieces, begin: int, end: int) -> Pieces:
    """What of the pieces lies between two places of the file, cut to it: (begin, end, place in memory)."""
    found = []
    first = max(0, bisect_right(pieces, begin, key=lambda piece: piece[0]) - 1)
    for start, stop, place in pieces[first:]:
        if start >= end:
            break
        left, right = max(start, begin), min(stop, end)
        if left < right:
            found.append((left, right, place + left - start))
    return found


def _fill(descriptor: int, offset: int, count: int, buffer: _Buffer) -> _Buffer:
    buffer.free.synchronize()
    view = buffer.memory.numpy().data
    done = 0
    while done < count:
        read = os.preadv(descriptor, [view[done:count]], offset + done)
        if read <= 0:
            raise OSError("a file of weights ended early")
        done += read
    return buffer
