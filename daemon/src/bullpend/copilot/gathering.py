"""Gathers what the grammar may know of a project: stages and models by the contract's calls, the rest by SQL."""

from __future__ import annotations

import json
from typing import Any

from bullpen_api.v1 import model_pb2, postprocess_pb2, run_pb2

from bullpend.copilot.reading import Reading
from bullpend.copilot.vocabulary import Vocabulary
from bullpend.copilot.world import CandidateWords, JobWords, RunWords, SceneWords, World
from bullpend.db import Database
from bullpend.db.database import View
from bullpend.errors import BullpenError
from bullpend.instructions.desk import Desk
from bullpend.projects import store as projects

# Runs that a sentence can mean without naming them.
RUNS = 30


class Gathering:
    """Makes worlds."""

    def __init__(self, database: Database, reading: Reading, desk: Desk, vocabulary: Vocabulary) -> None:
        self._database = database
        self._reading = reading
        self._desk = desk
        self._vocabulary = vocabulary

    async def world(self, project: str) -> World:
        """What is there now."""
        listed = await self._reading.read(project, "bullpen.v1.RunService/ListStages", {})
        assert isinstance(listed, run_pb2.ListStagesResponse)
        models = await self._reading.read(project, "bullpen.v1.ModelService/ListModels", {})
        assert isinstance(models, model_pb2.ListModelsResponse)
        stages = tuple(
            self._vocabulary.stage(stage.name.rpartition("/")[2], stage.title, stage.default_candidates)
            for stage in listed.stages
        )

        def read(view: View) -> World:
            row = projects.get(view, project)
            return World(
                project=project,
                title=row["title"],
                stages=stages,
                scenes=_scenes(view, project),
                characters=_titles(view, "characters", project),
                style_guides=_titles(view, "style_guides", project),
                models={model.name: tuple(model.capabilities) for model in models.models},
                runs=_runs(view, project),
                candidate_cap=listed.candidate_cap,
                bucket=str((row["s3"] or {}).get("bucket", "")),
                methods=frozenset(method.name for method in self._desk.methods()),
            )

        world = await self._database.read(read)
        return await self._with_profiles(world)

    async def _with_profiles(self, world: World) -> World:
        """The colour profiles too; a settings file that is wrong is no reason to understand nothing."""
        from dataclasses import replace

        try:
            found = await self._reading.read(world.project, "bullpen.v1.LabService/ListColorProfiles", {})
        except BullpenError:
            return world
        assert isinstance(found, postprocess_pb2.ListColorProfilesResponse)
        return replace(world, profiles=tuple(profile.name for profile in found.profiles))


def _titles(view: View, table: str, project: str) -> dict[str, str]:
    sql = f"SELECT slug, title FROM {table} WHERE project = ? AND delete_time IS NULL ORDER BY id"
    return {row["slug"]: row["title"] for row in view.all(sql, project)}


def _scenes(view: View, project: str) -> tuple[SceneWords, ...]:
    accepted: dict[str, dict[str, str]] = {}
    for row in view.all("SELECT scene, stage, asset FROM accepted WHERE project = ?", project):
        accepted.setdefault(row["scene"], {})[row["stage"]] = row["asset"]
    sql = (
        "SELECT slug, title, ordinal, characters FROM scenes WHERE project = ? AND delete_time IS NULL "
        "ORDER BY ordinal, id"
    )
    return tuple(
        SceneWords(
            row["slug"],
            row["title"],
            row["ordinal"],
            tuple(name.rpartition("/")[2] for name in json.loads(row["characters"])),
            accepted.get(row["slug"], {}),
        )
        for row in view.all(sql, project)
    )


def _runs(view: View, project: str) -> tuple[RunWords, ...]:
    sql = "SELECT id, project, slug, stage, state FROM runs WHERE project = ? ORDER BY id DESC LIMIT ?"
    made = []
    for run in view.all(sql, project, RUNS):
        candidates: dict[int, list[CandidateWords]] = {}
        sql = "SELECT job_id, name, state, accepted, asset FROM candidates WHERE run_id = ? ORDER BY id"
        for row in view.all(sql, run["id"]):
            words = CandidateWords(row["name"], row["state"], bool(row["accepted"]), row["asset"])
            candidates.setdefault(row["job_id"], []).append(words)
        jobs: list[Any] = view.all("SELECT id, name, scene, state FROM jobs WHERE run_id = ? ORDER BY id", run["id"])
        made.append(
            RunWords(
                f"projects/{project}/runs/{run['slug']}",
                run["stage"],
                run["state"],
                tuple(
                    JobWords(
                        job["name"], job["scene"].rpartition("/")[2], job["state"], tuple(candidates.get(job["id"], ()))
                    )
                    for job in jobs
                ),
            )
        )
    return tuple(made)
