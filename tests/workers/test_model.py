"""The state table of a worker process is walked pair by pair."""

from __future__ import annotations

from itertools import product

import pytest
from bullpend.workers.model import (
    TRANSITIONS,
    IllegalTransitionError,
    WorkerEvent,
    WorkerSettings,
    WorkerState,
    advance,
)


@pytest.mark.parametrize(("state", "event"), product(WorkerState, WorkerEvent))
def test_every_pair_is_in_the_table_or_refused(state: WorkerState, event: WorkerEvent) -> None:
    """Nothing happens to a dead worker, nobody is ready twice; all else is in the table."""
    refused = state is WorkerState.DEAD or (state, event) == (WorkerState.READY, WorkerEvent.ANSWERED)
    if refused:
        with pytest.raises(IllegalTransitionError, match=state.value):
            advance(state, event)
    else:
        assert advance(state, event) is TRANSITIONS[state, event]


def test_every_state_can_die() -> None:
    """From each living state the exit leads to the end."""
    for state in set(WorkerState) - {WorkerState.DEAD}:
        assert advance(state, WorkerEvent.EXITED) is WorkerState.DEAD


def test_pool_size_follows_the_settings() -> None:
    """A given size is taken as it is; without one there is at least one worker."""
    assert WorkerSettings(post_workers=3).pool_size() == 3
    assert 1 <= WorkerSettings().pool_size() <= 4
