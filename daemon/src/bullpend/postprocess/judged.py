"""What was measured of a processed picture, and what that means: a cutout that kept almost nothing is no cutout."""

from __future__ import annotations

from collections.abc import Mapping

from bullpen_api.v1 import run_pb2

from bullpend.quality.model import Limits, Measured
from bullpend.quality.rules import assess
from bullpend.quality.wire import pack_kind


def findings(measures: Mapping[str, float], limits: Limits) -> list[run_pb2.Finding]:
    """The wire form of what was found."""
    return [
        run_pb2.Finding(
            severity=run_pb2.Finding.Severity.Value(f"SEVERITY_{found.severity.value}"),
            kind=pack_kind(found.kind),
            message=found.message,
            value=found.value,
            limit=found.limit,
        )
        for found in assess(Measured(dict(measures)), limits).findings
    ]
