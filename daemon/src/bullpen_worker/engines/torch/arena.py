"""Memory for weights, taken once in whole blocks and used again by the next model.

Fresh memory is expensive: the kernel clears each page when it is first touched, which takes several times as long as
copying into pages that are there. So a model that makes room for another leaves its blocks behind warm, and the next
one is read straight into them. What is not used again is given back by `release`.
"""

from __future__ import annotations

import mmap
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

# A block is used for a smaller request only if not more than this share of it would lie idle.
_MOST_IDLE = 0.25
_HUGE_PAGE = 2 * 1024 * 1024


@dataclass
class _Block:
    """Anonymous memory of the system. `user` is dead when the last tensor in the block is."""

    memory: mmap.mmap
    size: int
    user: weakref.ref[Any] | None = None

    @property
    def idle(self) -> bool:
        return self.user is None or self.user() is None


class Arena:
    """Blocks of main memory. Used by one thread at a time."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []

    def take(self, size: int) -> torch.Tensor:
        """A tensor of `size` bytes whose content means nothing, in a warm block where one fits.

        The block is free again as soon as no tensor refers to it.
        """
        wanted = max(_HUGE_PAGE, -(-size // _HUGE_PAGE) * _HUGE_PAGE)
        fitting = [block for block in self._blocks if block.idle and block.size >= wanted]
        block = min(fitting, key=lambda block: block.size, default=None)
        if block is None or (block.size - wanted) > _MOST_IDLE * block.size:
            block = _Block(_anonymous(wanted), wanted)
            self._blocks.append(block)
        array = np.frombuffer(block.memory, np.uint8)
        # torch's storage holds the array, and nothing else does.
        block.user = weakref.ref(array)
        return torch.from_numpy(array)[:size]

    def warm_bytes(self) -> int:
        """Bytes of blocks that nobody uses."""
        return sum(block.size for block in self._blocks if block.idle)

    def release(self) -> int:
        """Gives idle blocks back to the system; returns their bytes."""
        idle = [block for block in self._blocks if block.idle]
        self._blocks = [block for block in self._blocks if not block.idle]
        for block in idle:
            block.memory.close()
        return sum(block.size for block in idle)


def _anonymous(size: int) -> mmap.mmap:
    memory = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        # Not a fault where the system has none.
        try:
            memory.madvise(mmap.MADV_HUGEPAGE)
        except OSError:
            return memory
    return memory
