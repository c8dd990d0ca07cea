"""Sets of assets as bits, held against sets of numbers."""

from __future__ import annotations

from bullpend.assets import bits
from hypothesis import given
from hypothesis import strategies as st

IDS = st.sets(st.integers(0, 5 * bits.BLOCK - 1), max_size=60)


@given(IDS, st.integers(0, 70), st.integers(0, 70))
def test_walking_from_the_top(ids: set[int], skip: int, most: int) -> None:
    """The largest first, after some, so many of them; from the end, the smallest."""
    found = bits.of_ids(ids)
    ordered = sorted(ids, reverse=True)
    assert found.bit_count() == len(ids)
    assert bits.from_top(found, skip, most) == ordered[skip : skip + most]
    assert bits.from_bottom(found, most) == ordered[max(0, len(ordered) - most) :]


@given(IDS, st.integers(0, 5 * bits.BLOCK))
def test_what_is_below(ids: set[int], top: int) -> None:
    """Only smaller ids are left."""
    assert bits.below(bits.of_ids(ids), top) == bits.of_ids(one for one in ids if one < top)


@given(IDS)
def test_blocks_give_the_set_again(ids: set[int]) -> None:
    """A set that was stored in blocks, empty bytes left out, is the same set when it is joined."""
    blocks = []
    for number in range(5):
        inside = {one - number * bits.BLOCK for one in ids if one // bits.BLOCK == number}
        first, stored = bits.trim(sum(1 << one for one in inside))
        assert bits.unpack(first, stored) == bits.of_ids(inside)
        assert len(stored) <= bits.BLOCK // 8
        blocks.append((number, first, stored))
    assert bits.join(blocks, 5) == bits.of_ids(ids)
