"""The complete log of an ended run, as JSON, and what it takes to run it again.

The log holds the request, the plan as it was carried out, every job and candidate with recipe, quality, place and
reason, the winners, times and versions. Sources are named by their hash: a replay finds them in the store, wherever
they came from. Reading is strict: what a replay needs is either there and well formed, or the log is refused with the
path of the field. `logform.py` has the form, of which the published schema is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import bullpend
from bullpend.runs.logform import SCHEMA
from bullpend.runs.model import Candidate, Failure, Job, Run
from bullpend.runs.replay import ReplayCandidate, ReplayJob, ReplayRequest, parse

__all__ = ["SCHEMA", "ReplayCandidate", "ReplayJob", "ReplayRequest", "parse", "render"]


def render(
    run: Run,
    jobs: Sequence[Job],
    *,
    versions: Mapping[str, str] | None = None,
    plan: Mapping[str, Any] | None = None,
) -> str:
    """The run log, ending with a line break; the same run, with its jobs in their order, gives the same text.

    `versions` are library versions by name. `plan` may add what was shown before the start (estimates, findings).
    """
    winners = [
        {"scene": job.scene, "source_path": job.source_path, **_winner(candidate)}
        for job in jobs
        for candidate in job.candidates
        if candidate.accepted
    ]
    content = {
        "schema": SCHEMA,
        "bullpen": bullpend.__version__,
        "run": run.name,
        "parent_run": run.parent_run,
        "state": run.state.value,
        "request": run.request.to_dict(),
        "plan": {
            **(plan or {}),
            "digest": run.plan_digest,
            "stage": run.request.stage.removeprefix("stages/"),
            "model": {"name": run.model, "digest": run.model_digest, "family": run.model_family},
            "sampling": asdict(run.sampling),
            "seed": run.seed,
            "loras": [lora.to_dict() for lora in run.loras],
            "method": dict(run.method),
        },
        "times": {"create": run.create_time, "start": run.start_time, "end": run.end_time},
        "versions": dict(sorted((versions or {}).items())),
        "error": _failure(run.error),
        "winners": winners,
        "jobs": [_job(job) for job in jobs],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _job(job: Job) -> dict[str, Any]:
    return {
        "name": job.name,
        "key": job.key,
        "state": job.state.value,
        "source": {
            "sha256": job.source_sha256,
            "asset": job.source_asset,
            "scene": job.scene,
            "path": job.source_path,
        },
        "prompt": job.prompt,
        "negative_prompt": job.negative_prompt,
        "loras": [lora.to_dict() for lora in job.loras],
        "bible": [dict(use) for use in job.uses],
        "inputs": dict(job.inputs),
        "parent_job": job.parent_job,
        "retry_reason": job.retry_reason,
        "sampling": dict(job.sampling),
        "attempt": job.attempt,
        "device": job.device,
        "times": {"create": job.create_time, "start": job.start_time, "end": job.end_time},
        "error": _failure(job.error),
        "candidates": [_candidate(candidate) for candidate in sorted(job.candidates, key=lambda item: item.index)],
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "index": candidate.index,
        "state": candidate.state.value,
        "seed": candidate.seed,
        "changes": [change.to_dict() for change in candidate.changes],
        "asset": candidate.asset,
        "sha256": candidate.sha256,
        "device_seconds": candidate.device_seconds,
        "end_time": candidate.end_time,
        "quality": candidate.quality.to_dict() if candidate.quality is not None else None,
        "rank": candidate.rank,
        "rank_reason": candidate.rank_reason,
        "accepted": candidate.accepted,
        "accept_reason": candidate.accept_reason,
        "accepted_by_hand": candidate.accepted_by_hand,
        "recipe": dict(candidate.recipe) if candidate.recipe is not None else None,
    }


def _winner(candidate: Candidate) -> dict[str, Any]:
    return {
        "candidate": candidate.name,
        "asset": candidate.asset,
        "reason": candidate.accept_reason,
        "by_hand": candidate.accepted_by_hand,
    }


def _failure(failure: Failure | None) -> dict[str, str] | None:
    return asdict(failure) if failure is not None else None
