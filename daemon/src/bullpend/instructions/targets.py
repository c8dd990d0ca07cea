"""What a call other than a run would meet: the card of its target, and what of it must not move."""

from __future__ import annotations

from typing import Any

from bullpen_api.v1 import postprocess_pb2, storage_pb2
from google.protobuf.json_format import MessageToDict

from bullpend.bible import store as bible
from bullpend.bible.model import CHARACTERS, PROMPT_TEMPLATES, REFERENCE_SETS, SCENES, STYLE_GUIDES, Kind
from bullpend.db.database import View
from bullpend.errors import ExactlyOneOf, ResourceNotFound, StateConflict
from bullpend.instructions import model
from bullpend.instructions.cards import Shown, card, count, ident
from bullpend.projects import store as projects
from bullpend.runs import store as runs

_KINDS: dict[str, Kind[Any]] = {
    str(kind.message.DESCRIPTOR.name): kind
    for kind in (SCENES, CHARACTERS, STYLE_GUIDES, REFERENCE_SETS, PROMPT_TEMPLATES)
}
AT_NAME = "instruction.inputs.name"
_ENDED = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELED")


def run_target(view: View, method: str, request: Any) -> Shown:
    """A run that is stopped, paused, made again or moved."""
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


def job_target(view: View, method: str, request: Any) -> Shown:
    """A job that is stopped or tuned."""
    row = runs.job(view, request.name, AT_NAME)
    if row["state"] not in ("QUEUED", "RUNNING"):
        raise StateConflict(f"{request.name} is {row['state'].lower()}.", field=AT_NAME, resource=request.name)
    changes = [
        (field.name.replace("_", " "), f"{value:g}") for field, value in request.ListFields() if field.name != "name"
    ]
    verb = "Stop" if method == model.CANCEL_JOB else "Tune"
    facts = [("job", request.name), ("scene", ident(row["scene"])), ("state", row["state"].lower()), *changes]
    return Shown(card(f"{verb} the job of {ident(row['scene']) or row['source_path']}", *facts), {"open": request.name})


def accept_target(view: View, request: Any) -> Shown:
    """A candidate, and the one in whose place it comes."""
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


def process_target(view: View, request: postprocess_pb2.ProcessAssetsRequest) -> Shown:
    """The pictures that a chain begins with."""
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


def quality_target(view: View, name: str) -> Shown:
    """A run whose pictures are looked at."""
    row = _run_row(view, name)
    made = card(
        f"Check the quality of {row['slug']}",
        ("run", row["slug"]),
        ("stage", row["stage"]),
        ("finished candidates", row["candidates_done"]),
    )
    return Shown(made, {"run": name, "finished": row["candidates_done"]})


def sync_target(view: View, request: storage_pb2.SyncStorageRequest) -> Shown:
    """Where a project's pictures are brought."""
    project = request.parent.split("/")[1]
    if bool(request.folder) == request.bucket:
        raise ExactlyOneOf("Give a folder, or the project's bucket.", field="instruction.inputs.folder")
    s3 = projects.get(view, project, "parent")["s3"] or {}
    if request.bucket and not s3:
        raise StateConflict(
            f"The project {project} names no bucket.",
            field="instruction.inputs.bucket",
            remedy="`bullpen projects edit P --bucket …` names one; or give a folder.",
        )
    place = f"s3://{s3['bucket']}/{s3.get('prefix', '')}".rstrip("/") if request.bucket else request.folder
    sql = "SELECT count(*) AS pictures, coalesce(sum(size_bytes), 0) AS bytes FROM assets WHERE project = ?"
    held = view.one(f"{sql} AND delete_time IS NULL", project)
    assert held is not None
    made = card(
        f"Bring {count(held['pictures'], 'picture')} of {project} to {place}",
        ("place", place),
        ("server", s3.get("endpoint_url") or s3.get("region") if request.bucket else None),
        ("pictures", held["pictures"]),
        ("megabytes at most", f"{held['bytes'] / 1e6:.1f}"),
        ("what lies there", "is read again" if request.verify else "is kept where its size is right"),
    )
    # More pictures may come meanwhile, and are brought too; another place may not.
    return Shown(made, {"place": place, "server": s3.get("endpoint_url", "") if request.bucket else ""})


def bible_target(view: View, method: str, request: Any) -> Shown:
    """A resource of the bible that is added, changed or thrown away."""
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


def _run_row(view: View, name: str) -> Any:
    parts = name.split("/")
    if len(parts) < 4 or parts[2] != "runs":
        raise ResourceNotFound(f"{name[:100]!r} is no run.", field=AT_NAME, resource=name[:100])
    return runs.get(view, parts[1], parts[3], AT_NAME)


def _short(candidate: str) -> str:
    return "/".join(candidate.split("/")[3::2])


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())[:300]
    return (", ".join(map(str, value)) if isinstance(value, list) else str(value))[:300]
