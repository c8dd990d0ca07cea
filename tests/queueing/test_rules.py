"""Moved jobs stand where they were put, and nobody else is moved without need."""

from __future__ import annotations

from bullpend.queueing.rules import Standing, arrange
from hypothesis import given
from hypothesis import strategies as st


def after(waiting: list[Standing], places: dict[int, float]) -> list[int]:
    """The order that these places make."""
    return [each.id for each in sorted(waiting, key=lambda each: (places.get(each.id, each.place), each.id))]


@given(data=st.data(), count=st.integers(1, 12), moves=st.integers(1, 8))
def test_moves_make_the_wanted_order(data: st.DataObject, count: int, moves: int) -> None:
    """Whatever is moved where, again and again, the order is as a list would have it."""
    waiting = [Standing(number, float(number)) for number in range(1, count + 1)]
    for _ in range(moves):
        order = after(waiting, {})
        moving = data.draw(st.lists(st.sampled_from(order), min_size=1, unique=True))
        rest = [each for each in order if each not in moving]
        before = data.draw(st.sampled_from([*rest, None]))
        places = arrange(sorted(waiting, key=lambda each: (each.place, each.id)), moving, before)
        at = rest.index(before) if before is not None else len(rest)
        assert after(waiting, places) == [*rest[:at], *moving, *rest[at:]]
        assert set(places) == set(moving), "others stay"
        waiting = [Standing(each.id, places.get(each.id, each.place)) for each in waiting]


def test_all_are_counted_anew_where_no_number_is_left() -> None:
    """Between two neighbours there are only so many numbers; then everybody gets a new place, in the wanted order."""
    waiting = [Standing(1, 1.0), Standing(2, 1.0000000000000002), Standing(3, 7.0)]
    places = arrange(waiting, [3], 2)
    assert set(places) == {1, 2, 3}
    assert after(waiting, places) == [1, 3, 2]


def test_moving_to_one_spot_again_and_again_never_fails() -> None:
    """A hundred moves between the same two neighbours, of which each halves the gap."""
    waiting = [Standing(number, float(number)) for number in range(1, 103)]
    for job in range(102, 2, -1):
        places = arrange(waiting, [job], 2)
        waiting = sorted(
            (Standing(each.id, places.get(each.id, each.place)) for each in waiting),
            key=lambda each: (each.place, each.id),
        )
        assert [each.id for each in waiting].index(job) == [each.id for each in waiting].index(2) - 1
