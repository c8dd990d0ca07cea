"""A job that a device works on: what the frames to the worker and the recipes of its pictures are made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2

from bullpend.db import Row
from bullpend.dispatch.methods import pack_method
from bullpend.models.loading import References
from bullpend.runs import cast, choices, loras, method
from bullpend.runs.model import AppliedChange
from bullpend.runs.recipe import Recipe
from bullpend.runs.wire import sampling_of


@dataclass(frozen=True, slots=True)
class Lease:
    """Rows as they were when the job was leased, the source's file, and the device."""

    run: Row
    job: Row
    source: Path
    # Width and height of the source in pixels.
    source_size: tuple[int, int]
    device: str
    device_kind: str
    # Files of the pictures that the job works with beside its source, by asset.
    pictures: Mapping[str, Path] = field(default_factory=dict)

    @property
    def attempt(self) -> int:
        """Counted from 1; marks every answer."""
        return int(self.job["attempt"])

    def frame(self, models: References, out_folder: Path, preview_every: int) -> link_pb2.ToWorker:
        """The order to the device's worker: what is still to be made of the job, with models that were checked."""
        run, job = self.run, self.job
        way = method.method_from_json(run["method"])
        how = pack_method(way, method.inputs_from_json(job["inputs"]), models, self.pictures)
        tasks = [
            link_pb2.CandidateTask(
                name=row["name"],
                seed=row["seed"],
                changes=[link_pb2.AppliedChange(**change) for change in json.loads(row["changes"])],
                words=self._words(row["seed"]),
                place=place,
            )
            for place, row in enumerate(job["candidates"], 1)
            if row["state"] in ("QUEUED", "RUNNING")
        ]
        return link_pb2.ToWorker(
            run_job=link_pb2.RunJob(
                job=job["name"],
                attempt=self.attempt,
                model=models.model,
                loras=models.loras,
                source_path=str(self.source),
                prompt=job["prompt"],
                negative_prompt=job["negative_prompt"],
                steps=run["steps"],
                guidance_scale=run["guidance_scale"],
                image_guidance_scale=run["image_guidance_scale"],
                width=run["width"],
                height=run["height"],
                method=how,
                candidates=tasks,
                batch=way.batch if len(job["candidates"]) % way.batch == 0 else 1,
                out_folder=str(out_folder),
                preview_every=preview_every,
            )
        )

    def _words(self, seed: int) -> link_pb2.CandidateWords | None:
        """What a candidate's seed makes of choices in the job's words; None where they have none."""
        made = self._expanded(seed)
        if made is None:
            return None
        return link_pb2.CandidateWords(prompt=made.prompt, negative_prompt=made.negative_prompt)

    def _expanded(self, seed: int) -> choices.Expanded | None:
        job = self.job
        return choices.expand(cast.from_json(job["uses"]), job["prompt"], job["negative_prompt"], seed)

    def recipe(self, frame: link_pb2.CandidateReady, ready: link_pb2.Ready) -> Recipe:
        """Everything that decided the picture of `frame`."""
        run, job = self.run, self.job
        candidate = next(row for row in job["candidates"] if row["name"] == frame.candidate)
        # A replay makes the file of the picture that it repeats, to the byte, and so it says what that one said.
        name = candidate["repeats"] or frame.candidate
        uses = cast.from_json(job["uses"])
        expanded = self._expanded(candidate["seed"])
        return Recipe(
            project=run["project"],
            run=name.split("/jobs/")[0],
            job=name.split("/candidates/")[0],
            candidate=name,
            stage=run["stage"],
            model=run["model"],
            model_digest=run["model_digest"],
            family=run["model_family"],
            engine=ready.engine,
            device_kind=self.device_kind,
            versions=dict(sorted(ready.versions.items())),
            prompt=expanded.prompt if expanded else job["prompt"],
            negative_prompt=expanded.negative_prompt if expanded else job["negative_prompt"],
            expansion=choices.recipe_part(expanded, job["prompt"]),
            seed=candidate["seed"],
            sampling=sampling_of(run),
            source_sha256=job["source_sha256"],
            source_asset=job["source_asset"],
            scene=job["scene"],
            source_path=job["source_path"],
            changes=changes_of(frame),
            loras=loras.from_json(job["loras"]),
            method=replace(method.method_from_json(run["method"]), batch=max(1, frame.batch)),
            inputs=method.inputs_from_json(job["inputs"]),
            variables=cast.variables(uses),
            uses=uses,
        )


def changes_of(frame: link_pb2.CandidateReady) -> tuple[AppliedChange, ...]:
    """The changes of parameters that took effect while the picture was made."""
    return tuple(
        AppliedChange(
            change.step,
            change.guidance_scale if change.HasField("guidance_scale") else None,
            change.image_guidance_scale if change.HasField("image_guidance_scale") else None,
            change.steps if change.HasField("steps") else None,
            change.strength if change.HasField("strength") else None,
        )
        for change in frame.changes
    )
