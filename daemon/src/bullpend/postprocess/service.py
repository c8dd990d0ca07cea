"""PostProcessService: pictures of a project through the chain, each step's output an asset derived from the one before.

The work is done while the call lasts and nothing waits in a queue: a daemon that dies keeps the assets that were made,
and the same call makes the same ones again, which are then recognised.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from bullpen_api.v1 import postprocess_pb2, postprocess_pb2_grpc
from bullpen_api.worker.v1 import link_pb2
from google.protobuf.json_format import MessageToDict

from bullpend.assets import store
from bullpend.assets.files import Files, name_of
from bullpend.assets.intake import Intake
from bullpend.audit import calls
from bullpend.clock import new_id
from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.errors import BullpenError, ContentLost, ExactlyOneOf, FieldInvalid, LimitExceeded, StateConflict
from bullpend.postprocess.following import Following, RunLongTask, field_of, stop
from bullpend.postprocess.judged import findings
from bullpend.postprocess.resolving import STEPS, Resolved, Resolver
from bullpend.projects import store as projects
from bullpend.remote.consent import Consent
from bullpend.remote.cutouts import PaidCutouts
from bullpend.rpc import names
from bullpend.runs import store as runs

MOST = 500
SCHEMA = "bullpen.postprocess/1"
Response = postprocess_pb2.ProcessAssetsResponse


class PostProcessService(postprocess_pb2_grpc.PostProcessServiceServicer):
    """The chain over assets."""

    def __init__(
        self,
        database: Database,
        files: Files,
        intake: Intake,
        resolver: Resolver,
        run: RunLongTask,
        scratch: Path,
        paid: PaidCutouts,
    ) -> None:
        """`scratch` holds a picture between worker and store; `paid` has providers do what they are asked for."""
        self._paid = paid
        self._database = database
        self._files = files
        self._intake = intake
        self._resolver = resolver
        self._run = run
        self._scratch = scratch

    async def ProcessAssets(  # noqa: N802
        self, request: postprocess_pb2.ProcessAssetsRequest, context: Any
    ) -> AsyncIterator[Response]:
        """Each picture through all steps, one picture after the other."""
        rows = await self._sources(request)
        resolved = await asyncio.to_thread(self._resolve, request)
        consent = await self._consent(request, resolved, rows)
        behind = bool(resolved.post_process.cutout.fallback)
        yield Response(
            started=postprocess_pb2.ProcessAssetsStarted(
                post_process=resolved.post_process,
                assets=[name_of(row["project"], row["sha256"]) for row in rows],
                estimated_cost_usd=consent.cost_usd(len(rows)) if consent and not behind else 0.0,
                fallback_cost_usd=consent.cost_usd(len(rows)) if consent and behind else 0.0,
            )
        )
        begun: list[Following] = []
        # A client that leaves while a message is on its way ends this generator late; the worker need not wait for it.
        context.add_done_callback(lambda _: stop(begun))
        try:
            for number, row in enumerate(rows, 1):
                async for answer in self._picture(number, row, resolved, begun, consent):
                    yield answer
        finally:
            stop(begun)

    async def _consent(
        self, request: postprocess_pb2.ProcessAssetsRequest, resolved: Resolved, rows: list[Row]
    ) -> Consent | None:
        """Consent to what a provider does, or may do; None where all is done here. Its model then says who pays."""
        return await self._paid.agreed(
            resolved,
            len(rows),
            request.confirm_spend,
            project=rows[0]["project"],
            field="confirm_spend",
            model_field="post_process.cutout",
        )

    def _resolve(self, request: postprocess_pb2.ProcessAssetsRequest) -> Resolved:
        wish = request.post_process if request.HasField("post_process") else self._resolver.configured()
        return self._resolver.resolve(wish)

    async def _sources(self, request: postprocess_pb2.ProcessAssetsRequest) -> list[Row]:
        """The assets that are asked for, in their order, each once."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        if bool(request.assets) == bool(request.run):
            raise ExactlyOneOf("Name assets, or a run, and not both.", field="assets", fields="assets, run")
        if len(request.assets) > MOST:
            raise LimitExceeded(f"One call takes at most {MOST} assets.", field="assets", limit=MOST)
        slugs = []
        for index, name in enumerate(request.assets):
            owner, slug = names.parse(name, "projects/*/assets/*", f"assets[{index}]")
            if owner != project:
                raise FieldInvalid(f"{name} belongs to another project.", field=f"assets[{index}]")
            slugs.append(slug)
        run = ""
        if request.run:
            owner, run = names.parse(request.run, "projects/*/runs/*", "run")
            if owner != project:
                raise FieldInvalid(f"{request.run} belongs to another project.", field="run")

        def read(view: View) -> list[Row]:
            projects.get(view, project, "parent")
            if run:
                accepted = _accepted(view, runs.get(view, project, run, "run")["id"])
                return [store.by_name(view, name) for name in dict.fromkeys(accepted)]
            return [store.get(view, project, slug, f"assets[{index}]") for index, slug in enumerate(slugs)]

        rows = await self._database.read(read)
        if not rows:
            raise StateConflict(
                f"Nothing of {request.run} is accepted yet.",
                field="run",
                remedy="Wait for its end, or accept candidates.",
                resource=request.run,
            )
        return list({row["sha256"]: row for row in rows}.values())

    async def _picture(
        self, number: int, source: Row, resolved: Resolved, begun: list[Following], consent: Consent | None
    ) -> AsyncIterator[Response]:
        steps = [field.name for field, _ in resolved.work.ListFields() if field.name in STEPS]
        row, name = source, name_of(source["project"], source["sha256"])
        for step in steps:
            made = self._scratch / f"post-{new_id()}.png"
            work = self._work(row, step, resolved, made)
            run, behind = self._run, None
            if consent is not None and resolved.post_process.cutout.fallback:
                behind = self._paid.behind(consent, name, partial(self._by_another, row, step, resolved, consent))
                run = behind.run
            elif consent is not None:
                run = self._paid.runner(consent, name)
            following = Following(run, work)
            begun[:] = [following]
            try:
                async for frame in following.progress():
                    yield Response(
                        progress=postprocess_pb2.ProcessAssetsProgress(
                            picture=number, asset=name, step=frame.step, share=frame.share
                        )
                    )
                try:
                    measures = dict(following.result().measures)
                except BullpenError as error:
                    error.field = error.field or field_of(error, "post_process")
                    raise
                # What was made is also registered, even when the client leaves now.
                recipe = work.texts["bullpen"]
                if behind is not None and behind.reason and consent is not None:
                    recipe = self._recipe(row, step, resolved, consent.model)
                keeping = calls.joined(asyncio.create_task(self._keep(row, step, made, recipe)))
                try:
                    row = await asyncio.shield(keeping)
                except asyncio.CancelledError:
                    await asyncio.wait([keeping])
                    raise
            finally:
                made.unlink(missing_ok=True)
            yield Response(
                made=postprocess_pb2.AssetMade(
                    source=name,
                    step=step,
                    asset=store.pack(row, self._files),
                    last=step == steps[-1],
                    measures=measures,
                    findings=findings(measures, resolved.limits) if step == "cutout" else (),
                    fallback_reason=behind.reason if behind is not None and step == "cutout" else "",
                )
            )

    def _by_another(
        self, row: Row, step: str, resolved: Resolved, consent: Consent, work: link_pb2.ProcessPicture
    ) -> None:
        """Says in the picture that the fallback made its cutout."""
        work.texts["bullpen"] = self._recipe(row, step, resolved, consent.model)

    def _work(self, row: Row, step: str, resolved: Resolved, made: Path) -> link_pb2.ProcessPicture:
        path = self._files.content(row["project"], row["sha256"], row["mime_type"])
        if not path.is_file():
            raise ContentLost(f"The file of {name_of(row['project'], row['sha256'])} is missing.", path=path)
        work = link_pb2.ProcessPicture(path=str(path), out_path=str(made))
        getattr(work, step).CopyFrom(getattr(resolved.work, step))
        work.texts["bullpen"] = self._recipe(row, step, resolved)
        return work

    def _recipe(self, row: Row, step: str, resolved: Resolved, cutter: str = "") -> str:
        """What decided a step's pixels, as JSON; `cutter` made the cutout in place of the chosen model."""
        settings = {"model": cutter} if cutter and step == "cutout" else _settings(step, resolved)
        recipe = {
            "schema": SCHEMA,
            "parent": {"asset": name_of(row["project"], row["sha256"]), "sha256": row["sha256"]},
            "step": step,
            "settings": settings,
        }
        return json.dumps(recipe, ensure_ascii=False, sort_keys=True)

    async def _keep(self, parent: Row, step: str, made: Path, recipe: str) -> Row:
        name = name_of(parent["project"], parent["sha256"])
        return await self._intake.take(
            parent["project"],
            made,
            kind="POSTPROCESS",
            display_name=f"{Path(parent['display_name']).stem}_{step}.png",
            origin=f"{step} of {name}",
            licence=parent["licence"],
            tags=parent["tags"],
            consume=True,
            field="assets",
            derived_from=[name],
            recipe=json.loads(recipe),
        )


def _accepted(view: View, run: int) -> list[str]:
    """Assets of the run's accepted candidates, in the order of its jobs."""
    sql = "SELECT asset FROM candidates WHERE run_id = ? AND accepted = 1 AND asset <> '' ORDER BY job_id, id"
    return [str(row["asset"]) for row in view.all(sql, run)]


def _settings(step: str, resolved: Resolved) -> dict[str, Any]:
    """Every value that decides pixels: the choices, the model by its digest, the profile by its numbers.

    Files are named without their folders: a picture that is given away tells nothing of the machine.
    """
    chosen = MessageToDict(getattr(resolved.post_process, step), preserving_proto_field_name=True)
    # What would have been done decides nothing.
    chosen.pop("fallback", None)
    work = getattr(resolved.work, step)
    if step == "color":
        chosen["values"] = _nameless(MessageToDict(work, preserving_proto_field_name=True))
    if step == "refine" and resolved.refiner:
        chosen["digest"] = resolved.refiner
    if step in ("cutout", "upscale") and work.HasField("tool"):
        chosen["digest"] = work.tool.model.digest
    return _nameless(chosen)


def _nameless(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
        for key, value in values.items()
    }
