"""States of runs, jobs and candidates, and what a request looks like as JSON."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest
from bullpen_api.v1 import run_pb2
from bullpend.errors import StateConflict
from bullpend.runs.model import (
    CANDIDATE_TABLE,
    JOB_TABLE,
    RUN_TABLE,
    Acceptance,
    CandidateState,
    JobState,
    RunRequest,
    RunState,
    SamplingRequest,
    is_final,
    move,
    run_state_of,
    sources,
)
from hypothesis import given
from hypothesis import strategies as st

TABLES: dict[type[StrEnum], Mapping[Any, frozenset[Any]]] = {
    RunState: RUN_TABLE,
    JobState: JOB_TABLE,
    CandidateState: CANDIDATE_TABLE,
}


@pytest.mark.parametrize("states", list(TABLES))
def test_every_pair_is_in_the_table_or_raises(states: type[StrEnum]) -> None:
    """A walk over all pairs: a permitted change gives the target, any other raises StateConflict."""
    table = TABLES[states]
    assert set(table) == set(states)
    for current, target in itertools.product(states, states):
        if target in table[current]:
            assert move(table, current, target, "jobs/1") is target
            assert current in sources(table, target)
        else:
            with pytest.raises(StateConflict) as caught:
                move(table, current, target, "jobs/1")
            assert caught.value.metadata == {"subject": "jobs/1", "state": current.value}
            assert current not in sources(table, target)


@pytest.mark.parametrize("states", list(TABLES))
def test_a_final_state_is_never_left(states: type[StrEnum]) -> None:
    """Ended, failed, canceled and held are final; every other state can still reach one."""
    table = TABLES[states]
    final = {state for state in states if is_final(table, state)}
    assert {"SUCCEEDED", "FAILED", "CANCELED"} <= {state.value for state in final}
    for state in states:
        reached, added = {state}, {state}
        while added:
            added = {target for item in added for target in table[item]} - reached
            reached |= added
        assert reached & final


@pytest.mark.parametrize(
    ("states", "message"),
    [(RunState, run_pb2.Run.State), (JobState, run_pb2.Job.State), (CandidateState, run_pb2.Candidate.State)],
)
def test_the_names_are_those_of_the_contract(states: type[StrEnum], message: Any) -> None:
    """Every state of the contract has a state here, under the same name."""
    names = {name.removeprefix("STATE_") for name in (value.name for value in message.DESCRIPTOR.values)} - {
        "UNSPECIFIED"
    }
    assert {state.value for state in states} == names


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        (["QUEUED", "QUEUED"], "QUEUED"),
        (["QUEUED", "SUCCEEDED"], "RUNNING"),
        (["RUNNING", "FAILED"], "RUNNING"),
        (["SUCCEEDED", "SUCCEEDED"], "SUCCEEDED"),
        (["SUCCEEDED", "CANCELED"], "PARTIAL"),
        (["SUCCEEDED", "HELD"], "PARTIAL"),
        (["FAILED", "CANCELED"], "FAILED"),
        (["HELD"], "FAILED"),
        (["CANCELED", "CANCELED"], "CANCELED"),
    ],
)
def test_a_run_is_what_its_jobs_are(jobs: list[str], expected: str) -> None:
    """The state of a run follows from the states of its jobs."""
    assert run_state_of(JobState(state) for state in jobs) is RunState(expected)


@given(st.lists(st.sampled_from(JobState), min_size=1))
def test_a_run_ends_exactly_when_all_jobs_ended(jobs: list[JobState]) -> None:
    """Final jobs make a final run, and only they do."""
    assert is_final(RUN_TABLE, run_state_of(jobs)) == all(is_final(JOB_TABLE, job) for job in jobs)


def test_a_request_survives_json() -> None:
    """`from_dict` restores what `to_dict` wrote, also the difference between no scenes and all scenes."""
    request = RunRequest(
        "projects/x",
        "style",
        scenes=("projects/x/scenes/a",),
        sampling=SamplingRequest(steps=4),
        variables={"style": "ink"},
        acceptance=Acceptance.MANUAL,
        seed=0,
    )
    assert RunRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    for scenes in (None, ()):
        other = RunRequest("projects/x", "style", scenes=scenes)
        assert RunRequest.from_dict(json.loads(json.dumps(other.to_dict()))).scenes == scenes
