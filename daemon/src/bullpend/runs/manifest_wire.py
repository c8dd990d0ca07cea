"""The wire forms of manifests and their stages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bullpen_api.v1 import run_pb2
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from bullpend.runs.manifest import Manifest, Stage
from bullpend.runs.manifests import Known


def pack_stage(slug: str, stage: Stage, own: bool = False) -> run_pb2.Stage:
    """The wire form of a stage; `own` says that the project has a part in it."""
    limits = stage.qa.limits.model_dump(exclude_none=True, exclude={"greyscale"})
    return run_pb2.Stage(
        name=f"stages/{slug}",
        title=stage.title,
        description=stage.description,
        instruction=stage.instruction,
        negative_prompt=stage.negative_prompt,
        predecessor=stage.predecessor or "",
        default_model=stage.default_model,
        capability=stage.strategies[0],
        defaults=run_pb2.SamplingParameters(**stage.defaults.model_dump(exclude_none=True)),
        default_candidates=stage.default_candidates,
        variables=list(stage.variables),
        predecessors=stage.predecessors,
        strategies=stage.strategies,
        may_change=stage.may_change,
        must_keep=stage.must_keep,
        quality_limits={key: float(value) for key, value in limits.items()},
        own=own,
    )


def pack_stages(manifest: Manifest, own: Mapping[str, Any]) -> run_pb2.ListStagesResponse:
    """The wire form of a manifest's stages; `own` is the project's part."""
    changed = own.get("stages") or {}
    return run_pb2.ListStagesResponse(
        stages=[pack_stage(slug, stage, slug in changed) for slug, stage in manifest.stages.items()],
        safe_batch_limit=manifest.safe_batch_limit,
        candidate_cap=manifest.candidate_cap,
    )


def pack_manifest(project: str, known: Known, path: str) -> run_pb2.Manifest:
    """The wire form of a project's manifest."""
    whole = known.whole.model_dump(mode="json", by_alias=True)
    return run_pb2.Manifest(
        name=f"projects/{project}/manifest",
        own=ParseDict(dict(known.own), Struct()),
        effective=ParseDict(whole, Struct()),
        path=path,
        etag=known.etag,
    )


def read_own(own: Struct) -> dict[str, Any]:
    """The JSON of a project's part. Numbers without a fraction are whole ones, as they were before they were sent."""
    return {key: _whole(value) for key, value in MessageToDict(own).items()}


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value
