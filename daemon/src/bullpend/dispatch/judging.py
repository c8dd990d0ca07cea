"""What a finished picture is compared with, and who judges it: the style's anchors, the character's references, models.

It is measured by a post worker in a task of its own, when it is stored already: whatever happens to that task, the
picture is there. A task that fails, or a worker that dies over it, becomes a finding.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

import structlog
from bullpen_api.v1 import run_pb2
from bullpen_api.worker.v1 import link_pb2

from bullpend.assets import store as assets
from bullpend.assets.files import Files
from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.dispatch.lease import Lease
from bullpend.errors import BullpenError, ModelNotFound, ShuttingDown
from bullpend.models.loading import Loading
from bullpend.quality.model import JUDGED, LIKENESS, Checks, Measured

RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]
log = structlog.get_logger("dispatch")

# Reference pictures of one subject that a candidate is compared with; more cost time and tell little.
MOST_REFERENCES = 8


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
        references = await self._database.read(lambda view: self._references(view, lease))
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
        )
        done = (await self._run_task(link_pb2.Task(measure_picture=task))).picture_measured
        return found | Measured(
            dict(done.measures), dict(done.failed_measures), dict(done.not_applicable), dict(done.nearest)
        )

    def _references(self, view: View, lease: Lease) -> list[link_pb2.ReferencePicture]:
        """Anchors of the run's style guide, and references of the character that the scene names first."""
        project = lease.run["project"]
        guide, character = _guide(view, lease.run), _character(view, project, lease.job["scene"])
        named = [("style", name) for name in _pictures(view, project, guide, "anchors")]
        named += [("identity", name) for name in _pictures(view, project, character, "references")]
        return [self._reference(view, subject, name) for subject, name in named]

    def _reference(self, view: View, subject: str, name: str) -> link_pb2.ReferencePicture:
        row = assets.by_name(view, name)
        path = self._files.content(row["project"], row["sha256"], row["mime_type"])
        return link_pb2.ReferencePicture(subject=subject, name=name, path=str(path), sha256=row["sha256"])


_WITHOUT: Mapping[str, str] = {
    "style": "The run has no style guide with anchors to compare with.",
    "identity": "The scene has no character with reference pictures to compare with.",
}


def _guide(view: View, run: Row) -> Row | None:
    """The style guide that a run names, else the only one of its project."""
    project, name = run["project"], run_pb2.RunSpec.FromString(run["spec"]).style_guide
    if name:
        return _kept(view, "style_guides", project, name)
    rows = view.all("SELECT * FROM style_guides WHERE project = ? AND delete_time IS NULL LIMIT 2", project)
    return rows[0] if len(rows) == 1 else None


def _character(view: View, project: str, scene: str) -> Row | None:
    """The character that a scene names first: the one that its prompt is filled with."""
    row = _kept(view, "scenes", project, scene)
    names = json.loads(row["characters"]) if row is not None else []
    return _kept(view, "characters", project, names[0]) if names else None


def _pictures(view: View, project: str, row: Row | None, column: str) -> list[str]:
    """Names of the assets that a row of the bible names itself, then of those of its reference set, each once."""
    if row is None:
        return []
    names = [str(name) for name in json.loads(row[column])]
    kept = _kept(view, "reference_sets", project, row["reference_set"])
    names += [str(item["asset"]) for item in json.loads(kept["items"])] if kept is not None else []
    return list(dict.fromkeys(names))[:MOST_REFERENCES]


def _kept(view: View, table: str, project: str, name: str) -> Row | None:
    """A row of the bible by its resource name, where it is not in the trash."""
    slug = name.rsplit("/", 1)[-1]
    return view.one(f"SELECT * FROM {table} WHERE project = ? AND slug = ? AND delete_time IS NULL", project, slug)
