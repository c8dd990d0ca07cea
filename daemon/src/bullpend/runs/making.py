"""How runs come to be: from a plan, or from a run log. Those from the jobs of another run are in remaking.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog
from bullpen_api.v1 import event_pb2, run_pb2
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from bullpend import failpoints
from bullpend.assets.files import name_of, slug_of
from bullpend.assets.intake import Intake
from bullpend.costs import guard
from bullpend.costs.model import Quote
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import ContentLost, PlanStale, QueueFull, RunLogInvalid, SpendNotConfirmed
from bullpend.models.keeping import keep_alive, put_keep_alive
from bullpend.models.model import Model
from bullpend.projects import store as projects
from bullpend.rpc.wire import once
from bullpend.runs import batching, choices, order_rows, runlog, store
from bullpend.runs.method import Method
from bullpend.runs.model import Lora, Sampling
from bullpend.runs.order_rows import OrderRows
from bullpend.runs.plan import PlanDraft, PlannedJob
from bullpend.runs.planning import Planning
from bullpend.runs.store import NewJob, NewRun, run_name
from bullpend.runs.wire import pack_plan, pack_run, write_spec

log = structlog.get_logger("runs")

ENDED = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELED")


class Making:
    """Makes durable runs, and hands their jobs to the scheduler."""

    def __init__(
        self,
        database: Database,
        planning: Planning,
        intake: Intake,
        submit: Callable[[Row, OrderRows | None], None],
        queue_limit: int,
        stage_lead: Callable[[str, str], int] = lambda project, stage: 0,
        confirm_seconds: float = 900.0,
        placed: Callable[[Message], str] = lambda request: "",
        batch_limit: int = 1,
    ) -> None:
        """`stage_lead` says how many later jobs of earlier stages may go before those of a project's stage, `placed`
        which device alone a request is for; `batch_limit` is the most candidates that are computed together.
        """
        self._batch_limit = batch_limit
        self._placed = placed
        self._database = database
        self._planning = planning
        self._intake = intake
        self._submit = submit
        self._queue_limit = queue_limit
        self._confirm_seconds = confirm_seconds
        self._stage_lead = stage_lead

    async def from_plan(self, project: str, request: run_pb2.CreateRunRequest) -> Row:
        """A run as it is planned now. Raises PlanStale where that is not what was shown."""
        keep_alive(request)
        self._placed(request)
        if known := await self.known(request.request_id):
            return await self.store(project, request, known)
        draft = await self._planning.draft(project, request.spec)
        if request.plan_digest and request.plan_digest != draft.digest:
            raise PlanStale("The plan is another one than the one that was shown.", field="plan_digest")
        if draft.cost is not None:
            guard.check_consent(request.plan_digest, request.confirm_spend, draft.cost)
        jobs = [await self._job(project, job) for job in draft.jobs]
        plan = MessageToDict(pack_plan(draft, request.spec), preserving_proto_field_name=True)
        new = _new_run(project, request.spec, draft, jobs, plan)
        if self._batch_limit > 1 and draft.quote is None:
            new = replace(new, method=replace(new.method, batch=await self._batch(new, draft.device)))
        return await self.store(project, request, new, draft.quote)

    async def _batch(self, new: NewRun, device: str) -> int:
        """How many candidates of each job are to be computed together; not part of the plan, which measures outdate."""
        model, pixels = new.model.name, new.sampling.width * new.sampling.height
        counts = {len(job.seeds) for job in new.jobs}
        if len(counts) != 1:
            return 1
        measured = await self._database.read(lambda view: store.batch_times(view, model, device, pixels))
        return batching.choose(measured, counts.pop(), self._batch_limit)

    async def offer(self, project: str, draft: PlanDraft) -> float | None:
        """Makes a plan that costs money one that can be confirmed, once; returns until when. None for other plans."""
        cost = draft.cost
        if cost is None:
            return None
        seconds = self._confirm_seconds
        return await self._database.write(lambda tx: guard.offer(tx, project, draft.digest, cost, seconds))

    async def from_log(self, request: run_pb2.ReplayRunRequest, project: str) -> Row:
        """A run that repeats a log. Raises RunLogInvalid or ContentLost."""
        replay = runlog.parse(request.run_log)
        project = project or replay.request.project
        if known := await self.known(request.request_id):
            return await self.store(project, request, known)
        model = await self.free(await self._planning.model(replay.model), replay.sampling, "A replay")
        if model.digest != replay.model_digest:
            raise RunLogInvalid(
                f"{replay.model} is not the model that the log was made with; its weights differ.",
                field="run_log.model_digest",
                remedy="Install the model's version that the log names.",
            )

        def sources(view: View) -> dict[str, str]:
            projects.get(view, project, "parent")
            found = {}
            for job in replay.jobs:
                if not view.value(
                    "SELECT 1 FROM assets WHERE project = ? AND slug = ?", project, slug_of(job.source_sha256)
                ):
                    what = job.scene or job.source_path
                    raise ContentLost(
                        f"The source of {what} is not among the project's assets.",
                        remedy="Import the picture with the hash that the log names.",
                        sha256=job.source_sha256,
                    )
                found[job.source_sha256] = name_of(project, job.source_sha256)
                for given in job.inputs.given:
                    if not view.value(
                        "SELECT 1 FROM assets WHERE project = ? AND slug = ?", project, slug_of(given.sha256)
                    ):
                        raise ContentLost(
                            f"A picture that {job.key} was made with is not among the project's assets.",
                            remedy="Import the picture with the hash that the log names.",
                            sha256=given.sha256,
                        )
                    found[given.sha256] = name_of(project, given.sha256)
            return found

        await self._same_companions(replay.method)
        for index, job in enumerate(replay.jobs):
            await self._same_loras(job.loras, f"run_log.jobs[{index}].loras")
        names = await self._database.read(sources)
        own = project == replay.request.project
        jobs = tuple(
            NewJob(
                key=job.key,
                scene=job.scene if own else "",
                source_asset=names[job.source_sha256],
                source_path=job.source_path,
                source_sha256=job.source_sha256,
                prompt=job.prompt,
                negative_prompt=job.negative_prompt,
                seeds=tuple(candidate.seed for candidate in job.candidates),
                changes=tuple(candidate.changes for candidate in job.candidates),
                loras=job.loras,
                uses=job.uses if own else choices.of(job.uses),
                inputs=job.inputs.renamed(lambda given: names[given.sha256]),
                retry_reason=job.retry_reason,
                sampling=job.sampling,
                repeats=tuple(candidate.repeats for candidate in job.candidates) if own else (),
            )
            for job in replay.jobs
        )
        new = NewRun(
            project=project,
            stage=replay.request.stage,
            # What was made again is among the jobs already.
            spec=write_spec(replace(replay.request, auto_retry=None)).SerializeToString(),
            plan_digest="",
            plan={"replay_of": replay.run},
            model=model,
            sampling=replay.sampling,
            seed=replay.seed,
            # A replay shows what was; it does not take the place of what a scene was given since.
            acceptance="MANUAL" if any(job.scene for job in jobs) else replay.request.acceptance.value,
            priority=replay.request.priority,
            jobs=jobs,
            parent_run=replay.run,
            forks=False,
            loras=replay.loras,
            method=replay.method,
        )
        return await self.store(project, request, new)

    async def _same_companions(self, logged: Method) -> None:
        """Raises RunLogInvalid where an installed companion is not the one of a log."""
        for index, one in enumerate(logged.companions):
            if (await self._planning.model(one.name)).digest != one.digest:
                raise RunLogInvalid(
                    f"{one.name} is not the network that the log was made with; its weights differ.",
                    field=f"run_log.plan.method.companions[{index}].digest",
                    remedy="Install the version that the log names.",
                )

    async def free(self, model: Model, sampling: Sampling, what: str) -> Model:
        """The model, where its work costs no money. Raises SpendNotConfirmed: only a plan that was shown is consent."""
        quote = await self._planning.quote(model, sampling.width, sampling.height)
        if quote is not None:
            raise SpendNotConfirmed(
                f"{what} with {model.name} costs about {quote.each} a picture, and it has no plan to be confirmed.",
                field="name",
                remedy="Plan a new run of the same scenes with `bullpen run`, and confirm what it costs.",
            )
        return model

    async def _same_loras(self, logged: Sequence[Lora], field: str) -> None:
        """Raises RunLogInvalid where an installed LoRA is not the one of a log."""
        for index, lora in enumerate(logged):
            if (await self._planning.model(lora.name)).digest != lora.digest:
                raise RunLogInvalid(
                    f"{lora.name} is not the LoRA that the log was made with; its weights differ.",
                    field=f"{field}[{index}].digest",
                    remedy="Install the LoRA's version that the log names.",
                )

    async def _job(self, project: str, job: PlannedJob) -> NewJob:
        asset, sha256 = job.source_asset, job.source_sha256
        if job.source_file:
            path = Path(job.source_file)
            row = await self._intake.take(
                project,
                path,
                kind="SOURCE",
                display_name=path.name,
                origin=job.source_file,
                field="input_folder",
            )
            if row["sha256"] != sha256:
                raise PlanStale(f"{job.source_path} changed while the run was made.", field="input_folder")
            asset = name_of(project, sha256)
        return NewJob(
            key=job.key,
            scene=job.scene,
            source_asset=asset,
            source_path=job.source_path,
            source_sha256=sha256,
            prompt=job.prompt,
            negative_prompt=job.negative_prompt,
            seeds=job.seeds,
            loras=job.loras,
            uses=job.uses,
            inputs=job.inputs,
        )

    async def known(self, request_id: str) -> str:
        """The run that the same request made before; empty where there is none."""
        if not request_id:
            return ""
        sql = "SELECT answer FROM requests WHERE request_id = ?"
        return str(await self._database.read(lambda view: view.value(sql, request_id)) or "")

    async def store(
        self,
        project: str,
        request: Message,
        new: NewRun | str,
        quote: Quote | None = None,
        check: Callable[[View], None] = lambda view: None,
    ) -> Row:
        """One transaction, or the answer that the same request_id had before; `check` raises what stands against it."""
        device = self._placed(request)

        def write(tx: Tx) -> tuple[Row, list[Row], OrderRows | None]:
            made: list[Row] = []

            def work() -> str:
                assert isinstance(new, NewRun)
                check(tx)
                projects.get(tx, project, "parent")
                there, limit = store.open_count(tx), self._queue_limit
                if there + len(new.jobs) > limit:
                    words = f"The queue takes {limit} jobs; {there} wait or run, and this run has {len(new.jobs)}."
                    remedy = f"{QueueFull.default_remedy} The setting scheduler.queue_limit is the limit."
                    raise QueueFull(words, remedy=remedy, limit=limit, there=there, asked=len(new.jobs))
                row = store.create(tx, new)
                put_keep_alive(tx, row["id"], request)
                if device:
                    store.bind(tx, row["id"], device)
                if quote is not None:
                    cost = quote.each.times(row["candidates"])
                    guard.redeem(tx, project, new.plan_digest, cost, run_name(row))
                payload = event_pb2.Event(run=pack_run(row)).SerializeToString()
                tx.emit(project, run_name(row), "run.created", payload)
                seconds = store.step_seconds(tx, row["model"], "")
                guard.promise(tx, run_name(row), None if seconds is None else seconds * row["steps"], quote)
                if ahead := self._stage_lead(project, new.stage):
                    store.line_up(tx, row["id"], ahead)
                made.extend(store.open_jobs(tx, "r.id = ?", row["id"]))
                return run_name(row)

            name = once(tx, getattr(request, "request_id", ""), request, work)
            _, owner, _, slug = name.split("/")
            row = store.get(tx, owner, slug)
            # The first job may find an idle device: it is to have its order without another turn through the database.
            first = order_rows.of(tx, row, store.job(tx, made[0]["name"])) if made else None
            return row, made, first

        row, made, first = await self._database.write(write)
        failpoints.reach("run.created")
        if made:
            log.info("run.created", run=run_name(row), jobs=len(made), model=row["model"])
        for job in made:
            self._submit(job, first)
            first = None
        return row


def _new_run(
    project: str, spec: run_pb2.RunSpec, draft: PlanDraft, jobs: list[NewJob], plan: dict[str, object]
) -> NewRun:
    return NewRun(
        project=project,
        stage=draft.stage,
        spec=spec.SerializeToString(),
        plan_digest=draft.digest,
        plan=plan,
        model=draft.model,
        sampling=draft.sampling,
        seed=draft.seed,
        acceptance=draft.request.acceptance.value,
        priority=draft.request.priority,
        jobs=tuple(jobs),
        loras=draft.loras,
        method=draft.method,
    )
