"""What a cutout's coverage means by the limits of the settings."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import run_pb2
from bullpend.home import settings_folder
from bullpend.postprocess.judged import findings
from bullpend.postprocess.settings import chain
from bullpend.quality.model import Limits

SHIPPED = chain([settings_folder({})]).cutout
LIMITS = Limits(alpha_coverage_min=SHIPPED.coverage_min, alpha_coverage_max=SHIPPED.coverage_max)


@pytest.mark.parametrize(("coverage", "found"), [(0.0, True), (0.01, True), (0.3, False), (0.97, False), (1.0, True)])
def test_j07_a_cutout_of_nearly_nothing_or_nearly_all_is_told(coverage: float, found: bool) -> None:
    """As a hard finding of the closed list, with what was measured and against which limit."""
    told = findings({"alpha_coverage": coverage}, LIMITS)
    assert bool(told) is found
    for one in told:
        assert (one.severity, one.kind) == (run_pb2.Finding.SEVERITY_HARD, run_pb2.Finding.KIND_ALPHA_COVERAGE)
        assert one.value == coverage
        assert one.limit in (SHIPPED.coverage_min, SHIPPED.coverage_max)


def test_j07_what_was_not_measured_is_not_judged() -> None:
    """A picture without transparency, and steps that cut nothing."""
    assert findings({}, LIMITS) == findings({"alpha_coverage": 0.0}, Limits()) == []
