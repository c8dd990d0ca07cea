"""What a call would do, looked up now: the card that a person sees, and all of the target that the digest covers.

Two looks give the same digest exactly while nothing moved that would change what the call does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bullpen_api.v1 import instruction_pb2, postprocess_pb2, run_pb2
from google.protobuf.json_format import MessageToDict

from bullpend.bible import store as bible
from bullpend.bible.model import CHARACTERS, PROMPT_TEMPLATES, REFERENCE_SETS, SCENES, STYLE_GUIDES, Kind
from bullpend.db import Database
from bullpend.db.database import View
from bullpend.errors import LimitExceeded, ResourceNotFound, StateConflict
from bullpend.instructions import model
from bullpend.projects import store as projects
from bullpend.rpc.inside import Calls
from bullpend.runs import store as runs

PLAN_RUN = "bullpen.v1.RunService/PlanRun"
_KINDS: dict[str, Kind[Any]] = {
    str(kind.message.DESCRIPTOR.name): kind
    for kind in (SCENES, CHARACTERS, STYLE_GUIDES, REFERENCE_SETS, PROMPT_TEMPLATES)
}
AT_NAME = "instruction.inputs.name"
_ENDED = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELED")


@dataclass
class Shown:
    """A card, the plan of a run, and what the digest covers."""

    preview: instruction_pb2.InstructionPreview
    target: dict[str, Any] = field(default_factory=dict)
    plan: run_pb2.Plan | None = None

    @property
    def plan_digest(self) -> str:
        """Digest of the run's plan; empty for other calls."""
        return self.plan.digest if self.plan is not None else ""

    @property
    def confirm_until(self) -> float | None:
        """Seconds since 1970 until which its price holds; None where it has none."""
        if self.plan is None or not self.plan.HasField("confirm_until"):
            return None
        return self.plan.confirm_until.ToMicroseconds() / 1e6


def card(summary: str, *facts: tuple[str, object]) -> instruction_pb2.InstructionPreview:
    """A card with its facts; facts without a value are left out."""
    made = instruction_pb2.InstructionPreview(summary=summary)
    for label, value in facts:
        if value not in ("", None):
            made.facts.add(label=label, value=str(value))
    return made


def ident(name: str) -> str:
    """The last part of a resource name."""
    return name.rpartition("/")[2]


def count(number: int, word: str) -> str:
    """`1 scene`, `2 scenes`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


class Look:
    """Looks at what a call would meet."""

    def __init__(self, database: Database, calls: Calls) -> None:
        self._database = database
        self._calls = calls

    async def at(self, project: str, method: str, request: Any, constraints: Mapping[str, str]) -> Shown:
        """The card of a call. Raises what the call itself would refuse at once."""
        if method == model.CREATE_RUN:
            shown = await self._run(request)
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
            ("scenes", _few(scenes) if scenes else None),
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
            return _run_target(view, method, request)
        if method in (model.PAUSE_QUEUE, model.RESUME_QUEUE):
            what = (
                "Let everything wait that is not being made now"
                if method == model.PAUSE_QUEUE
                else "Let the queue go on"
            )
            return Shown(card(what, ("reaches", "all projects of this daemon")))
        if method in (model.CANCEL_JOB, model.TUNE_JOB):
            return _job_target(view, method, request)
        if method == model.ACCEPT:
            return _accept_target(view, request)
        if method == model.PROCESS:
            return _process_target(view, request)
        if method == model.QUALITY:
            return _quality_target(view, request.name)
        return _bible_target(view, method, request)


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"


def _run_row(view: View, name: str) -> Any:
    parts = name.split("/")
    if len(parts) < 4 or parts[2] != "runs":
        raise ResourceNotFound(f"{name[:100]!r} is no run.", field=AT_NAME, resource=name[:100])
    return runs.get(view, parts[1], parts[3], AT_NAME)


def money(preview: instruction_pb2.InstructionPreview) -> str:
    """What it costs in words; empty where it costs no money."""
    if preview.HasField("estimated_cost"):
        return f"{preview.estimated_cost.micros / 1e6:.2f} {preview.estimated_cost.currency_code}"
    return f"{preview.estimated_cost_usd:.2f} USD" if preview.estimated_cost_usd > 0 else ""


def _run_target(view: View, method: str, request: Any) -> Shown:
    name = request.name
    row = _run_row(view, name)
    ended = row["state"] in _ENDED
    verb = {
        model.CANCEL_RUN: "Stop",
        model.RETRY_RUN: "Retry what failed in",
        model.PAUSE_RUN: "Pause",
        model.RESUME_RUN: "Go on with",
        model.PRIORITIZE: "Change the priority of",
    }[method]
    if ended != (method == model.RETRY_RUN):
        what = "has ended already" if ended else "has not ended yet"
        raise StateConflict(f"{ident(name)} {what}.", field=AT_NAME, resource=name)
    facts: list[tuple[str, object]] = [
        ("run", row["slug"]),
        ("stage", row["stage"]),
        ("state", row["state"].lower()),
        ("pictures", f"{row['jobs_done']} of {row['jobs']} done"),
    ]
    if method == model.PRIORITIZE:
        facts.append(("priority", request.priority))
    target: dict[str, Any] = {"run": name, "ended": ended}
    if method == model.RETRY_RUN:
        sql = "SELECT name, state FROM jobs WHERE run_id = ? AND state IN ('FAILED', 'HELD', 'CANCELED') ORDER BY id"
        again = view.all(sql, row["id"])
        if not again:
            raise StateConflict(f"Every job of {ident(name)} succeeded.", field=AT_NAME, resource=name)
        target["again"] = [job["name"] for job in again]
        facts.append(("to be made again", count(len(again), "picture")))
    return Shown(card(f"{verb} {row['slug']}", *facts), target)


def _job_target(view: View, method: str, request: Any) -> Shown:
    row = runs.job(view, request.name, AT_NAME)
    if row["state"] not in ("QUEUED", "RUNNING"):
        raise StateConflict(f"{request.name} is {row['state'].lower()}.", field=AT_NAME, resource=request.name)
    changes = [
        (field.name.replace("_", " "), f"{value:g}") for field, value in request.ListFields() if field.name != "name"
    ]
    verb = "Stop" if method == model.CANCEL_JOB else "Tune"
    facts = [("job", request.name), ("scene", ident(row["scene"])), ("state", row["state"].lower()), *changes]
    return Shown(card(f"{verb} the job of {ident(row['scene']) or row['source_path']}", *facts), {"open": request.name})


def _accept_target(view: View, request: Any) -> Shown:
    row = runs.candidate(view, request.name, AT_NAME)
    if row["state"] != "SUCCEEDED":
        raise StateConflict(
            f"{ident(request.name)} is {row['state'].lower()}, not finished.",
            field=AT_NAME,
            resource=request.name,
        )
    job = runs.job(view, request.name.rsplit("/candidates/", 1)[0])
    run = runs.by_id(view, row["run_id"])
    sql = "SELECT candidate FROM accepted WHERE project = ? AND scene = ? AND stage = ?"
    now = view.value(sql, run["project"], ident(job["scene"]), run["stage"]) or ""
    made = card(
        f"Take {ident(request.name)} as the picture of {ident(job['scene']) or job['source_path']}",
        ("candidate", request.name),
        ("stage", run["stage"]),
        ("rank", row["rank"] or None),
        ("hard failures", row["hard_failures"]),
        ("in place of", _short(str(now)) if now and now != request.name else None),
        ("reason", request.reason),
    )
    return Shown(made, {"candidate": request.name, "asset": row["asset"], "before": now})


def _short(candidate: str) -> str:
    return "/".join(candidate.split("/")[3::2])


def _process_target(view: View, request: postprocess_pb2.ProcessAssetsRequest) -> Shown:
    steps = [field.name for field, _ in request.post_process.ListFields()]
    if request.run:
        row = _run_row(view, request.run)
        sql = "SELECT asset FROM candidates WHERE run_id = ? AND accepted = 1 AND asset <> '' ORDER BY id"
        assets = [str(found["asset"]) for found in view.all(sql, row["id"])]
        if not assets:
            raise StateConflict(
                f"Nothing of {ident(request.run)} is accepted yet.",
                field="instruction.inputs.run",
                resource=request.run,
            )
    else:
        assets = list(request.assets)
        for name in assets:
            if not view.value("SELECT 1 FROM assets WHERE project = ? AND slug = ?", name.split("/")[1], ident(name)):
                raise ResourceNotFound(f"There is no {name}.", field="instruction.inputs.assets", resource=name)
    details = MessageToDict(request.post_process, preserving_proto_field_name=True)
    words = [
        f"{step} {' '.join(str(value) for value in details[step].values())}".strip()
        for step in steps
        if step in details
    ]
    made = card(
        f"Post-process {count(len(assets), 'picture')}: {', '.join(words) or 'as the settings say'}",
        ("run", ident(request.run)),
        ("pictures", len(assets)),
        ("steps", ", ".join(words)),
    )
    return Shown(made, {"assets": assets})


def _quality_target(view: View, name: str) -> Shown:
    row = _run_row(view, name)
    made = card(
        f"Check the quality of {row['slug']}",
        ("run", row["slug"]),
        ("stage", row["stage"]),
        ("finished candidates", row["candidates_done"]),
    )
    return Shown(made, {"run": name, "finished": row["candidates_done"]})


def _bible_target(view: View, method: str, request: Any) -> Shown:
    verb, kind = next(
        (verb, kind)
        for verb in ("Create", "Update", "Delete")
        for message, kind in _KINDS.items()
        if method == f"bullpen.v1.BibleService/{verb}{message}"
    )
    given = getattr(request, kind.singular, None)
    target: dict[str, Any] = {}
    if verb == "Create":
        name = getattr(request, f"{kind.singular}_id")
    else:
        name = request.name if given is None else given.name
        parts = name.split("/")
        if len(parts) != 4 or parts[2] != kind.collection:
            what = f"{name[:100]!r} is no {kind.title}."
            raise ResourceNotFound(what, field="instruction.inputs", resource=name[:100])
        row = bible.live(view, kind, parts[1], parts[3], "instruction.inputs")
        target["revision"] = row["revision"]
    words = {"Create": "Add", "Update": "Change", "Delete": "Put into the trash:"}[verb]
    said = {} if given is None else MessageToDict(given, preserving_proto_field_name=True)
    facts = [(key.replace("_", " "), _flat(value)) for key, value in said.items() if key not in ("name", "etag")]
    return Shown(card(f"{words} the {kind.title} {ident(name)}", *facts), target)


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())[:300]
    return (", ".join(map(str, value)) if isinstance(value, list) else str(value))[:300]
