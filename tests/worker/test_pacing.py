"""Previews never cost more than their share."""

from __future__ import annotations

import itertools

import pytest
from bullpen_worker.pacing import MIN_INTERVAL_SECONDS, SHARE, PreviewPacer


@pytest.mark.parametrize(("step", "cost"), [(0.03, 0.004), (0.005, 0.01), (2.0, 0.05), (0.03, 0.0001)])
def test_previews_keep_to_their_share_of_the_time(step: float, cost: float) -> None:
    """Over many steps the time for previews stays below the share, but for the first one, made on trust."""
    pacer, now, shown = PreviewPacer(), 0.0, []
    for _ in range(2000):
        now += step
        pacer.earned(step)
        if pacer.due(now):
            now += cost
            pacer.spent(cost, now)
            shown.append(now)
    assert shown
    assert cost * (len(shown) - 1) <= SHARE * step * 2000
    assert all(later - earlier >= MIN_INTERVAL_SECONDS for earlier, later in itertools.pairwise(shown))


def test_one_slow_preview_is_forgotten() -> None:
    """A preview that was slow by accident does not end previews for good."""
    pacer = PreviewPacer()
    pacer.spent(0.5, now=0.0)
    now, shown = 0.0, 0
    for _ in range(8000):
        now += 0.03
        pacer.earned(0.03)
        if pacer.due(now):
            pacer.spent(0.002, now)
            shown += 1
    assert shown > 20
