"""The order of candidates, and the words for it."""

from __future__ import annotations

import itertools

from bullpend.quality.model import Entry, Measured, QualityReport
from bullpend.quality.ranking import model_drift, rank, winner
from bullpend.quality.rules import assess
from hypothesis import given
from hypothesis import strategies as st

from tests.quality.test_rules import LIMITS

GOOD = {"chroma_mean": 20.0, "blank": 40.0, "structure_f1": 0.9, "not_finite": 0.0, "width": 128.0, "height": 128.0}


def entry(index: int, **change: float) -> Entry:
    return Entry(f"c{index}", index, assess(Measured({**GOOD, **change}), LIMITS))


def test_the_order_follows_the_criteria() -> None:
    """Hard failures count first, then warnings, chroma excess, structure, and the index among equals."""
    entries = [
        entry(1, blank=0.0),
        entry(2, structure_f1=0.4),
        entry(3, chroma_mean=80.0),
        entry(4, chroma_mean=55.0),
        entry(5, structure_f1=0.8),
        entry(6, structure_f1=0.95),
        entry(7, structure_f1=0.8),
    ]
    assert [item.key for item in rank(entries)] == ["c6", "c5", "c7", "c2", "c4", "c3", "c1"]


def test_models_decide_after_the_counts_and_before_structure() -> None:
    """Less drift of style and identity wins over more structure, and loses to an excess of chroma."""
    entries = [
        entry(1, style_drift=0.4, identity_drift=0.4, structure_f1=0.95),
        entry(2, style_drift=0.3, identity_drift=0.1, structure_f1=0.8),
        entry(3, style_drift=0.0, identity_drift=0.0, chroma_mean=50.0),
        entry(4, style_drift=0.0, identity_drift=0.0, chroma_mean=51.0),
    ]
    ranking = rank(entries)
    assert [item.key for item in ranking] == ["c3", "c2", "c1", "c4"]
    assert "less drift from the references" in ranking[1].reason
    assert "drift 0.20" in ranking[1].reason


def test_a_copy_is_not_consistent() -> None:
    """Nearly the reference itself has no drift, and ranks behind one that drifts a little; the words say so."""
    copied, drawn = entry(1, style_drift=0.0, copy_rate=0.7), entry(2, style_drift=0.3, copy_rate=0.1)
    ranking = rank([copied, drawn])
    assert [item.key for item in ranking] == ["c2", "c1"]
    assert (model_drift(copied.report), model_drift(drawn.report)) == (1.0, 0.3)
    assert "it is a copy" in ranking[1].reason


def test_what_does_not_apply_decides_nothing() -> None:
    """A measure that one candidate lacks is left out for all; the rest decides."""
    entries = [entry(1, style_drift=0.45), entry(2), entry(3, style_drift=0.1, structure_f1=0.8)]
    assert [item.key for item in rank(entries)] == ["c1", "c2", "c3"]
    bare = Entry("c4", 4, QualityReport())
    assert [item.key for item in rank([entry(5, structure_f1=0.8), bare, entry(6)])] == ["c4", "c5", "c6"]
    assert model_drift(bare.report) is None


def test_each_reason_names_what_decided() -> None:
    """The sentence of a place names the criterion in which it beats the next."""
    reasons = {item.key: item.reason for item in rank([entry(1, blank=0.0), entry(2, structure_f1=0.4), entry(3)])}
    assert "fewer soft warnings" in reasons["c3"]
    assert "fewer hard failures" in reasons["c2"]
    assert reasons["c1"].startswith("Place 3 of 3; the one before has fewer hard failures")
    assert rank([entry(1)])[0].reason.startswith("The only finished candidate")


def test_the_winner_has_no_hard_failure() -> None:
    """Rank 1 wins only if nothing hard was found; without candidates nobody wins."""
    best = winner(rank([entry(1, structure_f1=0.4), entry(2)]))
    assert best is not None
    assert best.key == "c2"
    assert winner(rank([entry(1, blank=0.0), entry(2, not_finite=0.5)])) is None
    assert winner(rank([])) is None


reports = st.builds(
    lambda values: assess(Measured({name: value for name, value in values.items() if value is not None}), LIMITS),
    st.fixed_dictionaries(
        {
            "chroma_mean": st.floats(0, 130),
            "blank": st.floats(0, 128),
            "structure_f1": st.none() | st.floats(0, 1),
            "style_drift": st.none() | st.floats(0, 1),
            "copy_rate": st.none() | st.floats(0, 1),
        }
    ),
)


@given(st.lists(reports, max_size=6))
def test_the_ranking_does_not_depend_on_the_order_of_arrival(found: list[QualityReport]) -> None:
    """Any order of the same candidates gives the same ranking, with places 1 to n."""
    entries = [Entry(f"c{index}", index, report) for index, report in enumerate(found)]
    ranking = rank(entries)
    assert [item.rank for item in ranking] == list(range(1, len(entries) + 1))
    assert rank(entries[::-1]) == ranking
    by_key = {item.key: item.report for item in entries}
    for better, worse in itertools.pairwise(ranking):
        assert by_key[better.key].hard_failures <= by_key[worse.key].hard_failures
