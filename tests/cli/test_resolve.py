"""What a person types for a run, a job or a candidate."""

from __future__ import annotations

import click
import pytest
from bullpen_cli.resolve import checked


@pytest.mark.parametrize("text", ["r-0004-time/j-001/c-2", "last/j-001/c-2", "p/r-0004-time/j-001/c-2"])
def test_the_short_names_of_tables_and_trees_are_candidates(text: str) -> None:
    """`bullpen runs lineage` prints RUN/j-001/c-2: that can be typed."""
    assert checked(text, "candidates") == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("../../etc/passwd", ""),
        ("last", "candidates"),
        ("p/r/j", "candidates"),
        ("r-1/j-1", "candidates"),
        ("p/r", "jobs"),
    ],
)
def test_another_kind_of_name_is_refused_without_a_daemon(text: str, kind: str) -> None:
    """With the words that were typed, not with what was made of them."""
    with pytest.raises(click.UsageError, match=text.replace(".", r"\.")):
        checked(text, kind)
