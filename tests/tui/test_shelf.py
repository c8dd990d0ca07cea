"""Shelves: the order of ten thousand is kept while one of them changes."""

from __future__ import annotations

from bullpen_api.v1 import bible_pb2
from bullpen_tui.shelf import Shelf, parent_of
from hypothesis import given
from hypothesis import strategies as st

Scenes = Shelf[bible_pb2.Scene]


def scene(number: int, ordinal: int, project: str = "p") -> bible_pb2.Scene:
    return bible_pb2.Scene(name=f"projects/{project}/scenes/{number}", ordinal=ordinal)


def place(one: bible_pb2.Scene) -> tuple[int, str]:
    return one.ordinal, one.name


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.sampled_from("pq")), max_size=30), st.integers(0, 30)
)
def test_moving_one_gives_the_order_of_sorting_all(puts: list[tuple[int, int, str]], looked: int) -> None:
    """Whether or not somebody looked in between, and one by one or all at once, the order is that of sorting."""
    one_by_one: Scenes = Shelf(place)
    latest: dict[str, bible_pb2.Scene] = {}
    for at, (number, ordinal, project) in enumerate(puts):
        item = scene(number, ordinal, project)
        latest[item.name] = item
        one_by_one = one_by_one.put(item)
        if at >= looked:
            one_by_one.of("projects/p")
    at_once: Scenes = Shelf(place).put_all([scene(*one) for one in puts])
    for project in ("projects/p", "projects/q"):
        wanted = sorted((one for one in latest.values() if parent_of(one.name) == project), key=place)
        assert one_by_one.of(project) == wanted == at_once.of(project)
    assert one_by_one == latest == at_once


def test_a_shelf_never_changes() -> None:
    """What a screen holds stays as it was when others go on."""
    before: Scenes = Shelf(place).put(scene(1, 1))
    order = before.of("projects/p")
    after = before.put(scene(2, 0)).put(scene(1, 5))
    assert order == before.of("projects/p") == [scene(1, 1)]
    assert [one.ordinal for one in after.of("projects/p")] == [0, 5]
