"""What a finished picture is compared with, and who judges it: the references that its plan names, and models.

It is measured by a post worker in a task of its own, when it is stored already: whatever happens to that task, the
picture is there. A task that fails, or a worker that dies over it, becomes a finding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from bullpen_api.worker.v1 import link_pb2

from bullpend.assets import store as assets
from bullpend.assets.files import Files
from bullpend.db import Database
from bullpend.db.database import View
from bullpend.dispatch.lease import Lease
from bullpend.errors import BullpenError, ModelNotFound, ShuttingDown
from bullpend.models.loading import Loading
from bullpend.quality.model import JUDGED, LIKENESS, Checks, Measured
from bullpend.runs import cast, method
from bullpend.runs.cast import SUBJECTS

RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]
log = structlog.get_logger("dispatch")


class Judging:
    """Has stored pictures measured against references and by models."""

    def __init__(self, database: Database, files: Files, models: Loading, run_task: RunTask) -> None:
        self._database = database
        self._files = files
        self._models = models
        self._run_task = run_task

    async def measure(self, lease: Lease, picture: str, checks: Checks) -> Measured:
        """Measures the picture at a path. Never raises for what measuring meets, but ShuttingDown."""
        try:
            return await self._measure(lease, picture, checks)
        except ShuttingDown:
            raise
        except BullpenError as error:
            log.warning("candidate.not_measured", job=lease.job["name"], reason=error.reason, message=error.message)
            return Measured(failed={LIKENESS: error.message})

    async def _measure(self, lease: Lease, picture: str, checks: Checks) -> Measured:
        named = [use for use in cast.from_json(lease.job["uses"]) if use.part in SUBJECTS]
        if not named and not checks.judges:
            return Measured()
        references = await self._database.read(lambda view: self._references(view, named))
        judges: list[link_pb2.Judge] = []
        found = Measured()
        for subject, model in checks.judges.items():
            if subject in _WITHOUT and not any(one.subject == subject for one in references):
                found |= Measured(not_applicable={JUDGED[subject]: _WITHOUT[subject]})
                continue
            try:
                ref = await asyncio.to_thread(self._models.judge, model)
            except ModelNotFound:
                found |= Measured(not_applicable={JUDGED[subject]: f"{model} is not installed."})
            except BullpenError as error:
                found |= Measured(failed={JUDGED[subject]: error.message})
            else:
                judges.append(link_pb2.Judge(subject=subject, model=ref))
        if not judges and not references:
            return found
        task = link_pb2.MeasurePicture(
            path=picture,
            references=references,
            judges=judges,
            source_path=str(lease.source),
            source_sha256=lease.job["source_sha256"],
            edit_share=checks.edit_share,
            boxes=[
                link_pb2.MaskBox(left=left, top=top, right=right, bottom=bottom)
                for left, top, right, bottom in method.inputs_from_json(lease.job["inputs"]).boxes
            ],
        )
        done = (await self._run_task(link_pb2.Task(measure_picture=task))).picture_measured
        return found | Measured(
            dict(done.measures),
            dict(done.failed_measures),
            dict(done.not_applicable),
            dict(done.nearest),
            dict(done.basis),
        )

    def _references(self, view: View, named: Sequence[cast.Use]) -> list[link_pb2.ReferencePicture]:
        """The pictures that were settled when the run was planned: of the style guide, and of the characters."""
        return [self._reference(view, SUBJECTS[use.part], use.item, use.subject) for use in named]

    def _reference(self, view: View, subject: str, name: str, character: str) -> link_pb2.ReferencePicture:
        row = assets.by_name(view, name)
        path = self._files.content(row["project"], row["sha256"], row["mime_type"])
        return link_pb2.ReferencePicture(
            subject=subject, name=name, path=str(path), sha256=row["sha256"], character=character
        )


_WITHOUT: Mapping[str, str] = {
    "style": "The run has no style guide with anchors to compare with.",
    "identity": "The scene has no character with reference pictures to compare with.",
}
