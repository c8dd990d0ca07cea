"""Resources of one kind, by name and in order below their parent, as an immutable value.

Changing one of ten thousand costs a copy of references and no sorting: the order of a parent's resources is worked out
once, and each change moves one place in it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar


class Named(Protocol):
    """A resource of the contract."""

    @property
    def name(self) -> str:
        """Its resource name."""
        ...


Item = TypeVar("Item", bound=Named)
Key = Callable[[Item], Any]
"""Place of a resource among its siblings; no two resources have the same."""


def parent_of(name: str) -> str:
    """Name of the resource that holds this one: `projects/p/runs/r` gives `projects/p`."""
    parts = name.rsplit("/", 2)
    return parts[0] if len(parts) == 3 else ""


class _Siblings(Generic[Item]):
    """What one parent holds. `keys` and `ordered` run in step, and are empty until they are asked for."""

    __slots__ = ("items", "keys", "ordered")

    def __init__(
        self, items: dict[str, Item], keys: list[Any] | None = None, ordered: list[Item] | None = None
    ) -> None:
        self.items = items
        self.keys = keys
        self.ordered = ordered

    def sort(self, key: Key[Item]) -> list[Item]:
        """The resources in their order, worked out once."""
        if self.ordered is None:
            pairs = sorted(((key(item), item) for item in self.items.values()), key=lambda pair: pair[0])
            self.keys = [place for place, _ in pairs]
            self.ordered = [item for _, item in pairs]
        return self.ordered

    def put(self, item: Item, key: Key[Item]) -> _Siblings[Item]:
        """The siblings with this one in place of an older one, or among them."""
        items = {**self.items, item.name: item}
        if self.ordered is None or self.keys is None:
            return _Siblings(items)
        keys, ordered = self.keys.copy(), self.ordered.copy()
        old = self.items.get(item.name)
        if old is not None:
            at = bisect_left(keys, key(old))
            del keys[at], ordered[at]
        place = key(item)
        at = bisect_left(keys, place)
        keys.insert(at, place)
        ordered.insert(at, item)
        return _Siblings(items, keys, ordered)


class Shelf(Mapping[str, Item]):
    """The mapping. `put` and `put_all` give another one and leave this one as it is."""

    __slots__ = ("_key", "_parents")

    def __init__(self, key: Key[Item], parents: Mapping[str, _Siblings[Item]] | None = None) -> None:
        self._key = key
        self._parents: Mapping[str, _Siblings[Item]] = parents or {}

    def __getitem__(self, name: str) -> Item:
        """A resource by its name."""
        return self._parents[parent_of(name)].items[name]

    def __iter__(self) -> Iterator[str]:
        """Names, parent by parent."""
        for siblings in self._parents.values():
            yield from siblings.items

    def __len__(self) -> int:
        return sum(len(siblings.items) for siblings in self._parents.values())

    def __repr__(self) -> str:
        return f"<Shelf of {len(self)}>"

    def of(self, parent: str) -> list[Item]:
        """Resources of a parent in their order. The list belongs to the shelf: it is read, never changed."""
        siblings = self._parents.get(parent)
        return siblings.sort(self._key) if siblings is not None else []

    def put(self, item: Item) -> Shelf[Item]:
        """A shelf with this resource in place of an older one."""
        parent = parent_of(item.name)
        siblings = self._parents.get(parent)
        grown = siblings.put(item, self._key) if siblings is not None else _Siblings({item.name: item})
        return Shelf(self._key, {**self._parents, parent: grown})

    def put_all(self, items: Iterable[Item]) -> Shelf[Item]:
        """A shelf with all of these; one sorting for all of them instead of a move for each."""
        grown: dict[str, dict[str, Item]] = {}
        for item in items:
            parent = parent_of(item.name)
            if parent not in grown:
                known = self._parents.get(parent)
                grown[parent] = dict(known.items) if known is not None else {}
            grown[parent][item.name] = item
        if not grown:
            return self
        fresh = {parent: _Siblings(items) for parent, items in grown.items()}
        return Shelf(self._key, {**self._parents, **fresh})
