"""What a repair did, told so that a person can read it."""

from __future__ import annotations

from bullpen_api.v1 import system_pb2
from bullpen_cli.repairs import crowds


def repair(kind: str, done: bool = True) -> system_pb2.Repair:
    return system_pb2.Repair(kind=kind, subject="x", message="y.", done=done)


def test_only_what_was_done_is_told_as_a_crowd() -> None:
    """Thousands of adopted files are one crowd; each thing that is left to a person stands alone; order is kept."""
    found = [repair("project"), *[repair("adopted")] * 7, repair("lost", False), repair("lost", False), repair("run")]
    assert [(alike[0].kind, len(alike)) for alike in crowds(found)] == [
        ("project", 1),
        ("adopted", 7),
        ("lost", 1),
        ("lost", 1),
        ("run", 1),
    ]
    assert crowds([]) == []
