"""From a file in the page cache onto an accelerator: several threads copy into page-locked buffers, the device fetches
each buffer while the next one is filled. Only page-locked memory is fetched at the full rate of the bus.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch

_BUFFER = 32 * 1024 * 1024
_BUFFERS = 4


class _Buffer:
    """One page-locked buffer; `free` is recorded when the device has fetched it."""

    def __init__(self) -> None:
        self.memory = torch.empty(_BUFFER, dtype=torch.uint8, pin_memory=True)
        self.free = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch has no types here


_buffers: list[_Buffer] = []


def to_device(path: Path, offset: int, size: int, device: torch.device) -> torch.Tensor:
    """`size` bytes of a file from `offset` on, as a tensor of bytes on a CUDA device. Raises OSError."""
    whole = torch.empty(size, dtype=torch.uint8, device=device)
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch has no types here
    stream.wait_stream(torch.cuda.current_stream(device))
    while len(_buffers) < _BUFFERS:
        _buffers.append(_Buffer())
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with ThreadPoolExecutor(_BUFFERS, thread_name_prefix="stage-weights") as pool:
            pieces = range(0, size, _BUFFER)
            filling: list[Future[tuple[int, int, _Buffer]]] = []
            for number, begin in enumerate(pieces):
                buffer = _buffers[number % _BUFFERS]
                if number >= _BUFFERS:
                    _fetch(filling[number - _BUFFERS].result(), whole, stream)
                filling.append(pool.submit(_fill, descriptor, offset, begin, min(_BUFFER, size - begin), buffer))
            for late in filling[max(0, len(filling) - _BUFFERS) :]:
                _fetch(late.result(), whole, stream)
    finally:
        os.close(descriptor)
    torch.cuda.current_stream(device).wait_stream(stream)
    whole.record_stream(stream)
    return whole


def _fill(descriptor: int, offset: int, begin: int, count: int, buffer: _Buffer) -> tuple[int, int, _Buffer]:
    buffer.free.synchronize()
    view = buffer.memory.numpy().data
    done = 0
    while done < count:
        read = os.preadv(descriptor, [view[done:count]], offset + begin + done)
        if read <= 0:
            raise OSError("a file of weights ended early")
        done += read
    return begin, count, buffer


def _fetch(filled: tuple[int, int, _Buffer], whole: torch.Tensor, stream: torch.cuda.Stream) -> None:
    begin, count, buffer = filled
    with torch.cuda.stream(stream):
        whole[begin : begin + count].copy_(buffer.memory[:count], non_blocking=True)
        buffer.free.record(stream)
