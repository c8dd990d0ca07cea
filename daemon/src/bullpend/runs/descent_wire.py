"""The wire form of staleness: a leaf, so that the bible's scenes and the runs' candidates have the same."""

from __future__ import annotations

from bullpen_api.v1 import lineage_pb2

from bullpend.runs.descent import from_json


def pack_stale(text: str) -> lineage_pb2.Staleness | None:
    """The wire form of stored staleness; None for what is current."""
    stale = from_json(text)
    if stale is None:
        return None
    return lineage_pb2.Staleness(
        superseded_asset=stale.asset,
        superseded_candidate=stale.candidate,
        current_asset=stale.by_asset,
        current_candidate=stale.by_candidate,
        stage=stale.stage,
        reason=stale.words(),
    )
