"""What a call would do, looked up now: the card that a person sees, and all of the target that the digest covers.

Two looks give the same digest exactly while nothing moved that would change what the call does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bullpen_api.v1 import run_pb2

from bullpend.db import Database
from bullpend.db.database import View
from bullpend.errors import LimitExceeded
from bullpend.instructions import exporting, model, targets
from bullpend.instructions.cards import Shown, card, count, few, ident
from bullpend.instructions.proposal import Proposal
from bullpend.projects import store as projects
from bullpend.rpc.inside import Calls

PLAN_RUN = "bullpen.v1.RunService/PlanRun"


class Look:
    """Looks at what a call would meet."""

    def __init__(self, database: Database, calls: Calls) -> None:
        self._database = database
        self._calls = calls

    async def at(self, project: str, method: str, request: Any, constraints: Mapping[str, str]) -> Shown:
        """The card of a call. Raises what the call itself would refuse at once."""
        if method == model.CREATE_RUN:
            shown = await self._run(request)
        elif method == model.EXPORT:
            shown = await exporting.shown(self._database, self._calls, project, request)
        else:
            shown = await self._database.read(lambda view: self._other(view, project, method, request))
        most = constraints.get("max_cost_usd")
        if most is not None and shown.preview.estimated_cost_usd > float(most):
            cost = shown.preview.estimated_cost_usd
            raise LimitExceeded(
                f"It would cost about ${cost:.2f}, and at most ${float(most):.2f} may be spent.",
                field="instruction.constraints.max_cost_usd",
                limit=most,
            )
        return shown

    async def handed_over(self, said: Proposal, inputs: Mapping[str, Any], url: str, host: str) -> Shown:
        """The card of what the external agent is to do, with all that is sent. What it costs is not known here."""
        await self._database.read(lambda view: projects.get(view, said.project, "parent"))
        made = card(
            f"Hand over to the agent at {host}: {said.objective}"[:300],
            ("agent", host),
            ("type", said.type.lower()),
            ("call", said.method),
            *((f"constraint {key}", value) for key, value in sorted(said.constraints.items())),
            ("is sent", json.dumps(inputs, ensure_ascii=False)[:2000]),
        )
        return Shown(made, {"agent": url})

    async def _run(self, request: run_pb2.CreateRunRequest) -> Shown:
        wanted = run_pb2.PlanRunRequest(parent=request.parent, spec=request.spec)
        plan = await self._calls.call(PLAN_RUN, wanted)
        assert isinstance(plan, run_pb2.Plan)
        pictures = len(plan.jobs)
        each = plan.candidates // pictures if pictures else 0
        over = "a folder" if plan.spec.input_folder else ""
        what = over or count(pictures, "scene")
        scenes = [ident(job.scene) for job in plan.jobs if job.scene]
        made = card(
            f"Run {plan.spec.stage} over {what}, {count(each, 'candidate')} each",
            ("stage", plan.spec.stage),
            ("scenes", few(scenes) if scenes else None),
            ("pictures", pictures if over else None),
            ("folder", plan.spec.input_folder),
            ("candidates", each),
            ("model", ident(plan.models[0].model) if plan.models else None),
            ("loras", ", ".join(ident(use.model) for use in plan.spec.loras)),
            ("style guide", ident(plan.spec.style_guide)),
            ("values", ", ".join(f"{key}={value}" for key, value in sorted(plan.spec.variables.items()))),
            ("instruction", plan.spec.instruction),
            ("steps", plan.sampling.steps),
            ("seed", plan.seed),
            ("acceptance", "by hand" if plan.spec.acceptance == run_pb2.RunSpec.ACCEPTANCE_MANUAL else None),
            ("device", plan.device),
        )
        if plan.HasField("estimated_duration"):
            made.estimated_duration.CopyFrom(plan.estimated_duration)
        made.estimated_cost_usd = plan.estimated_cost_usd
        if plan.HasField("estimated_cost"):
            made.estimated_cost.CopyFrom(plan.estimated_cost)
        made.price = plan.price
        made.findings.extend(plan.findings)
        return Shown(made, {"plan": plan.digest}, plan)

    def _other(self, view: View, project: str, method: str, request: Any) -> Shown:
        projects.get(view, project, "parent")
        if method in (model.CANCEL_RUN, model.RETRY_RUN, model.PAUSE_RUN, model.RESUME_RUN, model.PRIORITIZE):
            return targets.run_target(view, method, request)
        if method in (model.PAUSE_QUEUE, model.RESUME_QUEUE):
            what = (
                "Let everything wait that is not being made now"
                if method == model.PAUSE_QUEUE
                else "Let the queue go on"
            )
            return Shown(card(what, ("reaches", "all projects of this daemon")))
        if method in (model.CANCEL_JOB, model.TUNE_JOB):
            return targets.job_target(view, method, request)
        if method == model.ACCEPT:
            return targets.accept_target(view, request)
        if method == model.PROCESS:
            return targets.process_target(view, request)
        if method == model.SYNC:
            return targets.sync_target(view, request)
        if method == model.QUALITY:
            return targets.quality_target(view, request.name)
        return targets.bible_target(view, method, request)
