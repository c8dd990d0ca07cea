"""Resource names: built and taken apart."""

from collections.abc import Callable

import pytest
from bullpen_client import names
from hypothesis import given
from hypothesis import strategies as st

CANDIDATE = "projects/p/runs/r/jobs/j/candidates/c"
part = st.text(st.characters(exclude_characters="/"), min_size=1, max_size=8)


def test_a_name_knows_its_parts() -> None:
    """Collection, id, parent and any level above."""
    name = names.parse(CANDIDATE)
    assert (name.collection, name.ident, name["runs"]) == ("candidates", "c", "r")
    assert name.parent == "projects/p/runs/r/jobs/j"
    assert name.upto("runs") == "projects/p/runs/r"
    assert names.project_of(CANDIDATE) == "projects/p"


@pytest.mark.parametrize("text", ["", "projects", "projects/", "/p", "projects/p/runs", "projects//runs/r"])
def test_what_is_no_name_is_refused(text: str) -> None:
    """Odd or empty parts raise ValueError."""
    with pytest.raises(ValueError, match="not a resource name"):
        names.parse(text)


def test_slugs_and_names_are_taken_alike() -> None:
    """A person may give either."""
    assert names.project("p") == names.project("projects/p") == "projects/p"
    assert names.scene("p", "s") == names.scene("projects/p", "projects/p/scenes/s") == "projects/p/scenes/s"


def test_inside_is_by_whole_parts() -> None:
    """`r1` is not inside `r`."""
    assert names.is_inside(CANDIDATE, "projects/p/runs/r")
    assert not names.is_inside("projects/p/runs/r1", "projects/p/runs/r")


@given(st.lists(st.tuples(part, part), min_size=1, max_size=4))
def test_parsing_undoes_building(parts: list[tuple[str, str]]) -> None:
    """Any name of whole pairs survives the round trip."""
    text = str(names.ResourceName(tuple(parts)))
    assert names.parse(text).parts == tuple(parts)


@pytest.mark.parametrize(
    ("build", "collection"),
    [
        (names.reference_set, "referenceSets"),
        (names.prompt_template, "promptTemplates"),
        (names.provider_account, "providerAccounts"),
    ],
)
def test_names_of_the_bible(build: Callable[[str, str], str], collection: str) -> None:
    """Each kind has its collection; the collection tells the kind."""
    name = build("noir", "one")
    assert name == f"projects/noir/{collection}/one"
    assert names.kind_of(name) == collection
    assert build("noir", name) == name
