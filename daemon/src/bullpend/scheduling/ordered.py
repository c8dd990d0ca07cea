"""A sorted map that is never changed: each `set` or `drop` returns a new map that shares nearly everything.

Two levels of tuples: chunks of at most `_CHUNK` keys, and their first keys. Finding is two binary searches, a change
copies one chunk and the list of chunks, both by the interpreter's own slicing: some microseconds at 10 000 keys. That
is what lets the scheduler be a pure function without copying its queue for each fact.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_CHUNK = 128


class Ordered(Generic[K, V]):
    """Keys of one comparable type in rising order, each with a value."""

    __slots__ = ("_chunks", "_firsts", "_size")

    def __init__(
        self,
        firsts: tuple[Any, ...] = (),
        chunks: tuple[tuple[tuple[Any, ...], tuple[Any, ...]], ...] = (),
        size: int = 0,
    ) -> None:
        self._firsts = firsts
        self._chunks = chunks
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __contains__(self, key: K) -> bool:
        return self.rank(key) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ordered) and self._size == other._size and list(self.items()) == list(other.items())

    def __repr__(self) -> str:
        return f"Ordered({dict(self.items())!r})"

    def _locate(self, key: Any) -> tuple[int, int, bool]:
        """Chunk, place in it, and whether the key is there. Not for an empty map."""
        at = max(bisect_right(self._firsts, key) - 1, 0)
        keys = self._chunks[at][0]
        place = bisect_left(keys, key)
        return at, place, place < len(keys) and keys[place] == key

    def get(self, key: K) -> V | None:
        """The value of a key, None where it is absent."""
        if not self._size:
            return None
        at, place, found = self._locate(key)
        return self._chunks[at][1][place] if found else None

    def __getitem__(self, key: K) -> V:
        if self._size:
            at, place, found = self._locate(key)
            if found:
                value: V = self._chunks[at][1][place]
                return value
        raise KeyError(key)

    def rank(self, key: K) -> int | None:
        """How many keys come before this one; None where it is absent."""
        if not self._size:
            return None
        at, place, found = self._locate(key)
        return sum(len(chunk[0]) for chunk in self._chunks[:at]) + place if found else None

    def set(self, key: K, value: V) -> Ordered[K, V]:
        """The map with one value put or replaced."""
        if not self._size:
            return Ordered((key,), (((key,), (value,)),), 1)
        at, place, found = self._locate(key)
        keys, values = self._chunks[at]
        if found:
            chunk = (keys, (*values[:place], value, *values[place + 1 :]))
            return Ordered(self._firsts, (*self._chunks[:at], chunk, *self._chunks[at + 1 :]), self._size)
        keys = (*keys[:place], key, *keys[place:])
        values = (*values[:place], value, *values[place:])
        if len(keys) <= _CHUNK:
            parts: tuple[tuple[tuple[Any, ...], tuple[Any, ...]], ...] = ((keys, values),)
        else:
            half = len(keys) // 2
            # Rising keys are the usual case: a chunk that grew at its end is left full.
            half = len(keys) - 1 if place == len(keys) - 1 else half
            parts = ((keys[:half], values[:half]), (keys[half:], values[half:]))
        return Ordered(
            (*self._firsts[:at], *(part[0][0] for part in parts), *self._firsts[at + 1 :]),
            (*self._chunks[:at], *parts, *self._chunks[at + 1 :]),
            self._size + 1,
        )

    def drop(self, key: K) -> Ordered[K, V]:
        """The map without a key; the map itself where it is absent."""
        if not self._size:
            return self
        at, place, found = self._locate(key)
        if not found:
            return self
        keys, values = self._chunks[at]
        keys = (*keys[:place], *keys[place + 1 :])
        values = (*values[:place], *values[place + 1 :])
        parts = ((keys, values),) if keys else ()
        return Ordered(
            (*self._firsts[:at], *(part[0][0] for part in parts), *self._firsts[at + 1 :]),
            (*self._chunks[:at], *parts, *self._chunks[at + 1 :]),
            self._size - 1,
        )

    def items(self) -> Iterator[tuple[K, V]]:
        """Keys and values in rising order of keys."""
        for keys, values in self._chunks:
            yield from zip(keys, values, strict=True)

    def values(self) -> Iterator[V]:
        """Values in rising order of keys."""
        for _, values in self._chunks:
            yield from values

    def __iter__(self) -> Iterator[K]:
        for keys, _ in self._chunks:
            yield from keys


EMPTY: Ordered[Any, Any] = Ordered()
