"""The scheduler's decisions: one pure function."""

from __future__ import annotations

from bullpend.scheduling.model import Command, Fact, State


def step(state: State, fact: Fact, now: float) -> tuple[State, tuple[Command, ...]]:
    """Takes one fact, gives the new state and what is to be done, in order. `now` never goes back."""
    raise NotImplementedError
