"""Which pictures are out of date: whatever descends from one that its scene has replaced."""

from __future__ import annotations

from bullpend.runs.descent import SCENE, Node, Stale, from_json, staleness, to_json
from hypothesis import given
from hypothesis import strategies as st

RUN = "projects/p/runs/r-0001-style/jobs/j-001/candidates/"
STYLE_1 = Node(f"{RUN}c-1", "a1", "style", SCENE, "s1")
STYLE_2 = Node(f"{RUN}c-2", "a2", "style", SCENE, "s1")
TIME = Node("time", "t1", "time", STYLE_1.name, "a1")
RAIN = Node("rain", "w1", "weather", "time", "t1")
NODES = {node.name: node for node in (STYLE_1, STYLE_2, TIME, RAIN)}
FIRST = {"style": (STYLE_1.name, "a1"), "time": ("time", "t1"), "weather": ("rain", "w1")}


def test_what_descends_from_what_is_accepted_is_current() -> None:
    """Also candidates that were not accepted, and a picture whose stage has none."""
    assert set(staleness(NODES, FIRST, "s1").values()) == {None}
    assert set(staleness(NODES, {}, "s1").values()) == {None}


def test_all_that_descends_from_a_replaced_picture_is_stale() -> None:
    """However many stages later, with the picture that was replaced and the one in its place; back again, it is not."""
    second = {**FIRST, "style": (STYLE_2.name, "a2")}
    found = staleness(NODES, second, "s1")
    why = Stale("a1", STYLE_1.name, "a2", STYLE_2.name, "style")
    assert found == {STYLE_1.name: None, STYLE_2.name: None, "time": why, "rain": why}
    assert "c-1 of r-0001-style" in why.words()
    assert set(staleness(NODES, FIRST, "s1").values()) == {None}


def test_another_source_makes_everything_stale() -> None:
    """The first stage is made from the scene's source, and the rest from it."""
    found = staleness(NODES, FIRST, "s2")
    assert set(found.values()) == {Stale("s1", "", "s2", "", "")}
    assert "source picture" in Stale("s1", "", "s2", "", "").words()


def test_the_same_content_is_the_same_picture() -> None:
    """A replay's candidate with the same asset replaces nothing."""
    again = {**FIRST, "style": ("projects/p/runs/r-0009-style/jobs/j-001/candidates/c-1", "a1")}
    assert set(staleness(NODES, again, "s1").values()) == {None}


def test_what_is_not_known_is_not_stale() -> None:
    """A picture that starts from nothing known, and one that its own row makes its ancestor."""
    odd = {
        "lost": Node("lost", "x", "time", "", "y"),
        "round": Node("round", "z", "time", "round", "z"),
    }
    assert staleness(odd, {"style": ("c", "a")}, "s1") == {"lost": None, "round": None}


@given(st.permutations(list(NODES)))
def test_the_order_of_rows_decides_nothing(order: list[str]) -> None:
    """Descendants may come before their ancestors."""
    second = {**FIRST, "style": (STYLE_2.name, "a2")}
    assert staleness({name: NODES[name] for name in order}, second, "s1") == staleness(NODES, second, "s1")


def test_reasons_survive_the_database() -> None:
    """What is stored is read as it was; what is current is an empty text."""
    why = Stale("a1", "c", "a2", "d", "style")
    assert from_json(to_json(why)) == why
    assert (to_json(None), from_json("")) == ("", None)
