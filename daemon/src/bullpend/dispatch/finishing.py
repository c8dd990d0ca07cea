"""From a raw picture to what is registered of it: encoded, stored and measured by a post worker, compared, assessed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from bullpen_api.worker.v1 import link_pb2

from bullpend.assets.files import Files
from bullpend.dispatch.judging import Judging
from bullpend.dispatch.lease import Lease, changes_of
from bullpend.quality.model import NOT_FINITE, Checks, Measured
from bullpend.quality.rules import assess, fitted_size
from bullpend.runs import cast, transitions
from bullpend.runs.recipe import parameters_text, to_json

RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]


class Finishing:
    """Turns CandidateReady frames into stored, measured pictures."""

    def __init__(self, files: Files, run_task: RunTask, judging: Judging) -> None:
        self._files = files
        self._run_task = run_task
        self._judging = judging

    async def finish(
        self, lease: Lease, frame: link_pb2.CandidateReady, ready: link_pb2.Ready, checks: Checks
    ) -> transitions.Finished:
        """Stores the picture and measures it; returns what is to be registered. A failed measure is a finding.

        Raises DiskFull, WorkerLost or what the post worker met.
        """
        project = lease.run["project"]
        recipe = lease.recipe(frame, ready).to_dict()
        text = to_json(recipe)
        # Of the picture that the file tells of, which a replay makes again.
        made = str(recipe["candidate"])
        _, _, _, run, _, job, _, candidate = made.split("/")
        sidecar = {
            "schema": "bullpen.asset/1",
            "project": project,
            "kind": "CANDIDATE",
            "display_name": f"{run}_{job}_{candidate}.png",
            "origin": made,
            "derived_from": [lease.job["source_asset"]],
            "recipe": recipe,
        }
        task = link_pb2.Task(
            finish_picture=link_pb2.FinishPicture(
                raw_path=frame.raw_path,
                width=frame.width,
                height=frame.height,
                assets_folder=str(self._files.assets(project)),
                thumbnails_folder=str(self._files.thumbnails(project)),
                texts={"bullpen": text, "parameters": parameters_text(recipe)},
                sidecar_json=json.dumps(sidecar),
                source_path=str(lease.source),
                source_sha256=lease.job["source_sha256"],
                edit_share=checks.edit_share,
            )
        )
        stored = (await self._run_task(task)).stored_picture
        measured = Measured({**stored.measures, NOT_FINITE: frame.not_finite}, dict(stored.failed_measures))
        measured |= await self._judging.measure(lease, stored.path, checks)
        return transitions.Finished(
            candidate=frame.candidate,
            job=frame.job,
            attempt=frame.attempt,
            asset={
                "project": project,
                "kind": "CANDIDATE",
                "sha256": stored.sha256,
                "mime_type": stored.mime_type,
                "size_bytes": stored.size_bytes,
                "width": stored.width,
                "height": stored.height,
                "display_name": sidecar["display_name"],
                "origin": made,
                "derived_from": sidecar["derived_from"],
            },
            quality=assess(
                measured,
                checks.limits.of_cast(cast.known(cast.from_json(lease.job["uses"]))),
                expected_size=fitted_size(lease.source_size, (lease.run["width"], lease.run["height"])),
            ),
            recipe=text,
            changes=[change.to_dict() for change in changes_of(frame)],
            device_seconds=frame.device_seconds,
            device=lease.device,
        )
