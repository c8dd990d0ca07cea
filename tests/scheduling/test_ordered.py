"""The persistent map behaves as a sorted dictionary, and older versions of it stay as they were."""

from __future__ import annotations

import pytest
from bullpend.scheduling.ordered import EMPTY, Ordered
from hypothesis import given
from hypothesis import strategies as st

OPERATIONS = st.lists(st.tuples(st.booleans(), st.integers(0, 400), st.integers()), max_size=600)


@given(OPERATIONS)
def test_it_is_a_sorted_dictionary(operations: list[tuple[bool, int, int]]) -> None:
    """After any sets and drops it has what a dictionary has, in rising order, and each key knows its rank."""
    model: dict[int, int] = {}
    ordered: Ordered[int, int] = EMPTY
    for is_set, key, value in operations:
        if is_set:
            model[key] = value
            ordered = ordered.set(key, value)
        else:
            model.pop(key, None)
            ordered = ordered.drop(key)
    assert list(ordered.items()) == sorted(model.items())
    assert list(ordered) == sorted(model)
    assert list(ordered.values()) == [value for _, value in sorted(model.items())]
    assert len(ordered) == len(model)
    for rank, key in enumerate(sorted(model)):
        assert ordered.rank(key) == rank
        assert ordered[key] == ordered.get(key) == model[key]
    assert 401 not in ordered
    with pytest.raises(KeyError):
        ordered[401]


@given(st.lists(st.integers(), unique=True, min_size=1, max_size=400), st.data())
def test_an_older_version_is_untouched(keys: list[int], data: st.DataObject) -> None:
    """A change makes a new map; whoever holds the old one sees no difference."""
    old: Ordered[int, int] = EMPTY
    for key in keys:
        old = old.set(key, key)
    before = list(old.items())
    key = data.draw(st.sampled_from(keys))
    assert old.set(key, key + 1) != old
    assert key not in old.drop(key)
    assert list(old.items()) == before


def test_many_rising_keys_keep_their_order() -> None:
    """A queue's usual life: thousands in at the end, out at the front."""
    ordered: Ordered[int, str] = EMPTY
    for key in range(5000):
        ordered = ordered.set(key, str(key))
    assert ordered.rank(4999) == 4999
    for key in range(4990):
        ordered = ordered.drop(key)
    assert list(ordered) == list(range(4990, 5000))
    assert ordered.drop(-1) is ordered
