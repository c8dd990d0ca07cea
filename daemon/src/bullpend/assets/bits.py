"""Sets of assets as bits: the asset with the id n is bit n of a whole number. Pure.

A set of a million takes 125 kB whatever it holds; intersecting two takes microseconds, and so does counting. Bits are
stored in blocks of `BLOCK` ids, each without the empty bytes at its ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

BLOCK: Final = 2048
"""Ids of one block."""
_BYTES: Final = BLOCK // 8


def trim(block: int) -> tuple[int, bytes]:
    """The stored form of one block's bits."""
    if not block:
        return 0, b""
    first = ((block & -block).bit_length() - 1) // 8
    block >>= first * 8
    return first, block.to_bytes((block.bit_length() + 7) // 8, "little")


def unpack(first: int, stored: bytes) -> int:
    """One block's bits from their stored form."""
    return int.from_bytes(stored, "little") << (first * 8)


def join(blocks: Iterable[tuple[int, int, bytes]], length: int) -> int:
    """The whole set from its blocks: (number, first byte, bytes). `length` is the number of blocks there may be."""
    whole = bytearray(length * _BYTES)
    for number, first, stored in blocks:
        start = number * _BYTES + first
        whole[start : start + len(stored)] = stored
    return int.from_bytes(whole, "little")


def blocks(found: int) -> Iterator[tuple[int, int, bytes]]:
    """The stored blocks of a set that are not empty: (number, first byte, bytes)."""
    stored = found.to_bytes((found.bit_length() + 7) // 8, "little")
    for at in range(0, len(stored), _BYTES):
        if block := int.from_bytes(stored[at : at + _BYTES], "little"):
            yield (at // _BYTES, *trim(block))


def of_ids(ids: Iterable[int]) -> int:
    """A set from its ids, many at once."""
    flags = bytearray()
    for one in ids:
        if (byte := one >> 3) >= len(flags):
            flags.extend(bytes(byte + 1 - len(flags) + len(flags) // 4))
        flags[byte] |= 1 << (one & 7)
    return int.from_bytes(flags, "little")


def from_top(found: int, skip: int, most: int) -> list[int]:
    """Ids from the largest down, `most` of them after the first `skip`."""
    return list(_walk(found, skip, most)) if most > 0 else []


def from_bottom(found: int, most: int) -> list[int]:
    """The smallest ids, `most` of them, the largest of these first."""
    left = found.bit_count() - most
    return from_top(found, max(0, left), most)


def below(found: int, top: int) -> int:
    """What is smaller than the id `top`."""
    return found & ((1 << max(0, top)) - 1)


def _walk(found: int, skip: int, most: int) -> Iterator[int]:
    stored = found.to_bytes((found.bit_length() + 7) // 8, "little")
    for number in range((len(stored) - 1) // _BYTES, -1, -1):
        block = int.from_bytes(stored[number * _BYTES : (number + 1) * _BYTES], "little")
        if not block:
            continue
        if skip and (count := block.bit_count()) <= skip:
            skip -= count
            continue
        base = number * BLOCK
        while block:
            top = block.bit_length() - 1
            block ^= 1 << top
            if skip:
                skip -= 1
                continue
            yield base + top
            most -= 1
            if not most:
                return
