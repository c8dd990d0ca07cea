"""Run logs: complete, the same every time, and enough to repeat the run."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from bullpend.errors import RunLogInvalid
from bullpend.home import settings_folder
from bullpend.quality.model import Limits, Measured
from bullpend.quality.rules import assess
from bullpend.runs import ingest
from bullpend.runs.logform import schema
from bullpend.runs.model import (
    AppliedChange,
    Candidate,
    CandidateState,
    Failure,
    Job,
    JobState,
    Run,
    RunRequest,
    RunState,
    Sampling,
    SamplingRequest,
)
from bullpend.runs.runlog import parse, render
from hypothesis import given
from hypothesis import strategies as st

RUN = "projects/harbor/runs/r1"
REQUEST = RunRequest(
    "harbor", "style", scenes=(), sampling=SamplingRequest(steps=4), seed=7, variables={"style": "ink"}
)


def candidate(job: int, index: int, **change: Any) -> Candidate:
    values: dict[str, Any] = {
        "state": CandidateState.SUCCEEDED,
        "asset": "projects/harbor/assets/x",
        "sha256": "e" * 64,
        "quality": assess(Measured({"chroma_mean": 70.0}), Limits(chroma_soft=55.0)),
        "rank": index,
        "rank_reason": "Place.",
        "accepted": index == 1,
        "accept_reason": "Best." if index == 1 else "",
        "recipe": {"seed": index},
    }
    return Candidate(f"{RUN}/jobs/{job}/candidates/{index}", index, index, **{**values, **change})


def job(number: int, **change: Any) -> Job:
    values: dict[str, Any] = {
        "name": f"{RUN}/jobs/{number}",
        "key": f"scene{number}",
        "prompt": "Redraw this panel in ink style.",
        "negative_prompt": "",
        "source_sha256": f"{number:064x}",
        "scene": f"projects/harbor/scenes/scene{number}",
        "state": JobState.SUCCEEDED,
        "candidates": (candidate(number, 1), candidate(number, 2, changes=(AppliedChange(2, 3.0),))),
    }
    return Job(**{**values, **change})


END = Run(
    name=RUN,
    request=REQUEST,
    plan_digest="p" * 64,
    model="models/starter-edit",
    model_digest="d" * 64,
    model_family="instruct-pix2pix",
    sampling=Sampling(4, 1.0, 1.5, 128, 128),
    seed=7,
    state=RunState.PARTIAL,
    end_time=10.0,
)
JOBS = (job(1), job(2, state=JobState.FAILED, error=Failure("WORKER_LOST", "Gone."), candidates=(candidate(2, 1),)))
TEXT = render(END, JOBS, versions={"torch": "2.13.0"}, plan={"estimated_seconds": 3.5})


def test_the_log_is_complete() -> None:
    """Request, plan, jobs, candidates with recipe, quality, place and reason, winners, failures and versions."""
    log = json.loads(TEXT)
    assert log["schema"] == "bullpen.run/1"
    assert log["request"]["variables"] == {"style": "ink"}
    assert log["plan"]["digest"] == "p" * 64
    assert log["plan"]["estimated_seconds"] == 3.5
    assert log["plan"]["model"]["digest"] == "d" * 64
    assert log["versions"] == {"torch": "2.13.0"}
    assert [winner["scene"] for winner in log["winners"]] == [item.scene for item in JOBS]
    first = log["jobs"][0]["candidates"][0]
    assert first["recipe"] == {"seed": 1}
    assert first["quality"]["soft_warnings"] == 1
    assert first["rank_reason"] == "Place."
    assert log["jobs"][1]["error"] == {"reason": "WORKER_LOST", "message": "Gone.", "remedy": ""}


def test_the_same_run_gives_the_same_text() -> None:
    """To the byte, ending with a line break."""
    assert render(END, JOBS, versions={"torch": "2.13.0"}, plan={"estimated_seconds": 3.5}) == TEXT
    assert TEXT.endswith("}\n")


def test_a_log_is_enough_to_repeat_the_run() -> None:
    """Sources by hash, words, seeds, sampling and changes come back as they were."""
    replay = parse(TEXT)
    assert replay.run == RUN
    assert replay.request == REQUEST
    assert (replay.model, replay.model_digest, replay.seed) == (END.model, END.model_digest, 7)
    assert replay.sampling == END.sampling
    assert [item.source_sha256 for item in replay.jobs] == [item.source_sha256 for item in JOBS]
    assert [item.key for item in replay.jobs] == ["scene1", "scene2"]
    assert replay.jobs[0].prompt == JOBS[0].prompt
    assert [item.seed for item in replay.jobs[0].candidates] == [1, 2]
    assert replay.jobs[0].candidates[1].changes == (AppliedChange(2, 3.0),)
    assert replay.jobs[0].candidates[0].sha256 == "e" * 64


NEEDED = [
    "schema",
    "run",
    "request",
    "request.project",
    "request.stage",
    "request.sampling.steps",
    "plan",
    "plan.model.name",
    "plan.model.digest",
    "plan.sampling.steps",
    "plan.sampling.guidance_scale",
    "plan.sampling.width",
    "plan.seed",
    "jobs",
    "jobs.0.key",
    "jobs.0.source.sha256",
    "jobs.0.prompt",
    "jobs.0.negative_prompt",
    "jobs.0.candidates",
    "jobs.0.candidates.1.seed",
    "jobs.0.candidates.1.changes",
    "jobs.0.candidates.1.changes.0.step",
]


def changed(path: str, value: Any) -> str:
    log: Any = copy.deepcopy(json.loads(TEXT))
    *parents, last = path.split(".")
    place = log
    for part in parents:
        place = place[int(part)] if part.isdigit() else place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(log)


@pytest.mark.parametrize("path", NEEDED)
def test_what_a_replay_needs_is_missed_by_name(path: str) -> None:
    """A missing field is named by its path."""
    with pytest.raises(RunLogInvalid) as caught:
        parse(changed(path, ...))
    assert caught.value.field == path
    assert path in caught.value.message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", "bullpen.run/2"),
        ("plan.seed", -1),
        ("plan.seed", "7"),
        ("plan.sampling.steps", 0),
        ("plan.sampling.guidance_scale", "1"),
        ("plan.sampling.width", 100_000),
        ("jobs", []),
        ("jobs.0.source.sha256", "../../etc/passwd"),
        ("jobs.0.candidates.0.seed", 2**32),
        ("request.acceptance", "NEVER"),
        ("request.seed", 1.5),
        ("request.priority", 10**30),
        ("request.candidates", -1),
    ],
)
def test_wrong_values_are_named(path: str, value: Any) -> None:
    """A value out of its bounds or of another type is refused, never adjusted."""
    with pytest.raises(RunLogInvalid) as caught:
        parse(changed(path, value))
    assert caught.value.field.startswith(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"schema": "x"}', "[" * 100_000])
def test_what_is_no_run_log_is_refused(text: str) -> None:
    """Any text at all gives RUN_LOG_INVALID."""
    with pytest.raises(RunLogInvalid):
        parse(text)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_is_refused_in_the_same_way(data: Any) -> None:
    """No shape of JSON raises anything else."""
    with pytest.raises(RunLogInvalid):
        parse(json.dumps(data))


def test_the_log_of_a_run_over_a_folder_keeps_the_paths() -> None:
    """A picture of a folder is found by its hash, and named by its path."""
    request = replace(REQUEST, scenes=None, input_folder="/in")
    item = job(1, scene="", source_path="a/b.png", key="a/b.png")
    replay = parse(render(replace(END, request=request), [item]))
    assert replay.request.scenes is None
    assert (replay.jobs[0].scene, replay.jobs[0].source_path) == ("", "a/b.png")


def test_the_published_schema_is_that_of_the_form() -> None:
    """docs/schemas has what `python -m bullpend.runs.logform` writes; parts that every log has are required there."""
    published = settings_folder({}).parent / "docs" / "schemas" / "run-log-1.schema.json"
    assert published.read_text(encoding="utf-8") == schema()
    assert {"schema", "run", "request", "plan", "jobs", "winners", "versions"} <= set(json.loads(schema())["required"])


@pytest.mark.parametrize("text", ["NaN", "1e999", '"\\ud800"', "[" * 5000 + "]" * 5000])
def test_what_no_json_holds_is_refused_wherever_it_stands(text: str) -> None:
    """Also in parts that nobody reads: a log that was taken in must be writable again."""
    with pytest.raises(RunLogInvalid):
        parse(changed("jobs.0.candidates.0.recipe", "HERE").replace('"HERE"', f'{{"x": {text}}}'))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("times.create", 1e300),
        ("times.create", -1.0),
        ("jobs.0.candidates.0.device_seconds", 1e308),
        ("jobs.0.attempt", 2**40),
        ("jobs.0.candidates.0.quality", {}),
        ("jobs.0.candidates.0.sha256", "x"),
        ("jobs.1.error", {"reason": ""}),
        ("winners.0.candidate", ""),
        ("versions", {"torch": 2}),
    ],
)
def test_an_ingest_needs_the_whole_log(path: str, value: Any) -> None:
    """What a replay does not read is held against the form where a run is made of it."""
    text = changed(path, value)
    assert parse(text).run == RUN
    with pytest.raises(RunLogInvalid) as caught:
        ingest.parse(text)
    assert caught.value.field.startswith(path)


def test_a_log_is_known_by_its_content() -> None:
    """Blanks and the order of keys decide nothing; a value does."""
    known = ingest.parse(TEXT).digest
    turned = json.dumps(dict(reversed(json.loads(TEXT).items())))
    assert ingest.parse(turned).digest == known
    assert ingest.parse(TEXT.replace('"rank": 1', '"rank": 2', 1)).digest != known
