"""How many candidates are computed together follows from what was measured, and from nothing else."""

from __future__ import annotations

from bullpend.runs.batching import GAIN, SAMPLES, SIZES, Measured, choose, sizes
from hypothesis import given, settings
from hypothesis import strategies as st


def table(**seconds: float) -> dict[int, Measured]:
    """Figures that are believed, such as `b2=0.9`."""
    return {int(name[1:]): Measured(SAMPLES, value) for name, value in seconds.items()}


def test_sizes_divide_the_candidates_and_keep_to_the_limit() -> None:
    """A batch that is not full would compute pictures for nobody."""
    assert sizes(4, 8) == (1, 2, 4)
    assert sizes(6, 8) == (1, 2)
    assert sizes(8, 4) == (1, 2, 4)
    assert sizes(3, 8) == (1,)
    assert sizes(4, 1) == (1,)


def test_what_is_not_measured_is_measured_from_the_smallest_up() -> None:
    """First alone, then in pairs, then larger; one picture is not enough to believe a figure."""
    assert choose({}, 4, 4) == 1
    assert choose({1: Measured(SAMPLES - 1, 1.0)}, 4, 4) == 1
    assert choose(table(b1=1.0), 4, 4) == 2
    assert choose(table(b1=1.0, b2=0.8), 4, 4) == 4


def test_the_size_that_pays_is_used() -> None:
    """A size that is hardly faster is not worth its memory, and larger ones are not tried then."""
    assert choose(table(b1=1.0, b2=0.8, b4=0.6), 4, 4) == 4
    assert choose(table(b1=1.0, b2=0.8, b4=0.79), 4, 4) == 2
    assert choose(table(b1=1.0, b2=0.99), 8, 8) == 1
    assert choose(table(b1=1.0, b2=1.4, b4=0.1), 4, 4) == 1
    assert choose(table(b1=1.0, b2=0.8, b4=0.6), 4, 2) == 2


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(SIZES), st.builds(Measured, st.integers(0, 9), st.floats(1e-6, 1e6))),
    st.integers(1, 16),
    st.integers(1, 8),
)
def test_any_table_gives_a_size_that_can_be_made(known: dict[int, Measured], candidates: int, limit: int) -> None:
    """And a size that is believed is chosen only where it is faster than single pictures by the gain."""
    size = choose(known, candidates, limit)
    assert size in sizes(candidates, limit)
    if size > 1 and known.get(size, Measured(0, 0.0)).samples >= SAMPLES:
        assert known[size].seconds <= GAIN * known[1].seconds
