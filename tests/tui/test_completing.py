"""What is offered while a search is written: fields, values that are always the same, values that pictures have."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import asset_pb2
from bullpen_tui.gallery.completing import completed, offer, offer_line

Value = asset_pb2.AssetFacetValue
FACETS = (
    asset_pb2.AssetFacet(field="character", values=[Value(value="mara", count=9), Value(value="the keeper", count=3)]),
    asset_pb2.AssetFacet(field="stage", values=[Value(value="weather", count=2)]),
)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("", ""),
        ("ra", "rating:"),
        ("rain is:ac", "rain is:accepted"),
        ("rain -is:rej", "rain -is:rejected"),
        ("(is:", "(is:accepted"),
        ("kind:candidate,so", "kind:candidate,source"),
        ("character:m", "character:mara"),
        ("character:th", 'character:"the keeper"'),
        ('character:"the k', 'character:"the keeper"'),
        ('tag:"two words" st', 'tag:"two words" stage:'),
        ("is:accepted", ""),
        ("stage:nowhere", ""),
        ("rating:", ""),
        ("xyzzy:", ""),
    ],
)
def test_the_word_is_written_to_its_end(text: str, whole: str) -> None:
    """The first that fits; examples of numbers and dates are shown and not written for anybody."""
    assert completed(text, FACETS) == whole


def test_what_may_come_is_said_as_far_as_there_is_room() -> None:
    """Fields at the beginning, the values of a field behind its colon, and the keys at the end."""
    line = offer_line("", FACETS, 78).plain
    assert line.startswith("words, or  is:  rating:")
    assert line.endswith("enter keeps it  esc shows all")
    assert len(line) == 78
    assert "2026-11-01..2026-11-20" in offer_line("rain date:", FACETS, 160).plain
    assert "tab completes" in offer_line("stage:", FACETS, 78).plain
    assert "tab" not in offer_line("stage:weather", FACETS, 78).plain
    assert offer("rain stage:", FACETS).choices == ("weather",)
