"""Decisions of the runs room: what a request becomes. Pure functions, no I/O, no clock."""

from __future__ import annotations

from bullpend.runs.manifest import Manifest, Stage
from bullpend.runs.model import RunRequest
from bullpend.runs.plan import PlanDraft, PlanWorld


def stage_of(manifest: Manifest, stage: str) -> Stage:
    """The stage by its id or name (`style` or `stages/style`). Raises StageUnknown."""
    raise NotImplementedError


def wanted_model(request: RunRequest, manifest: Manifest) -> str:
    """Name or path of the model that the request needs. Raises StageUnknown."""
    raise NotImplementedError


def plan(request: RunRequest, world: PlanWorld) -> PlanDraft:
    """What the run would do.

    Raises StageUnknown, ExactlyOneOf, LimitExceeded, StageNotReady, FieldInvalid, ResourceNotFound, ModelCorrupt,
    ModelUnsafe, ModelUnsupported, DeviceUnavailable.
    """
    raise NotImplementedError


def candidate_seed(run_seed: int, key: str, index: int) -> int:
    """Seed of the candidate `index` (counted from 1) of the picture `key`, 0–4294967295."""
    raise NotImplementedError


def check_tuning(guidance_scale: float | None, image_guidance_scale: float | None) -> None:
    """Raises FieldInvalid when a change of a running job is empty or out of bounds."""
    raise NotImplementedError
