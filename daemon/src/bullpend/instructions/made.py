"""What an instruction can make that goes on by itself, runs and exports: how each is read, stopped, and told of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bullpend.db import Row
from bullpend.db.database import View
from bullpend.exports import store as exports
from bullpend.exports import wire
from bullpend.instructions import model
from bullpend.instructions.cards import count, size
from bullpend.instructions.ends import Canceled, Failed
from bullpend.instructions.model import Makes
from bullpend.runs import store as runs


@dataclass(frozen=True, slots=True)
class Kind:
    """How what was made is followed. `outcome` says what it ended with; it raises Canceled or Failed."""

    read: Callable[[View, str], Row]
    ended: frozenset[str]
    outcome: Callable[[Row], str]
    cancel: str
    # Whether the instruction notes its name.
    noted: bool = False
    # States in which the end of a daemon left it, and the call that begins it once more.
    cut_off: frozenset[str] = frozenset()
    again: str = ""


def _run(view: View, name: str) -> Row:
    _, project, _, slug = name.split("/")
    return runs.get(view, project, slug)


def _run_outcome(run: Row) -> str:
    """What a run ended with; its own error where nothing of it succeeded."""
    name = f"projects/{run['project']}/runs/{run['slug']}"
    done = f"{run['jobs_done']} of {run['jobs']} pictures, {run['candidates_done']} candidates"
    if run["state"] == "CANCELED":
        raise Canceled(f"{run['slug']} was stopped: {done}.")
    if run["state"] == "FAILED":
        raise Failed(_said(run) or {"reason": "ENGINE_FAILED", "message": f"{name} failed.", "remedy": ""})
    return f"{run['slug']} {run['state'].lower()}: {done}."


def _export(view: View, name: str) -> Row:
    _, project, _, slug = name.split("/")
    return exports.get(view, project, slug)


def _export_outcome(row: Row) -> str:
    """Where the file lies, and what is in it."""
    if row["state"] == "CANCELED":
        raise Canceled(f"{row['slug']} was stopped; nothing of it is left.")
    if row["state"] == "FAILED":
        name = wire.name_of(row)
        raise Failed(_said(row) or {"reason": "INTERNAL", "message": f"{name} failed.", "remedy": ""})
    made = wire.pack(row)
    figures = made.figures
    what = count(figures.pages, "page") if figures.pages else count(figures.pictures, "picture")
    left = f"; {count(len(made.left_out), 'scene')} had no accepted picture" if made.left_out else ""
    return f"{what} in {made.path} ({size(made.size_bytes)}){left}."


def _said(row: Row) -> Mapping[str, str]:
    said: Mapping[str, str] = json.loads(row["error"]) if row["error"] else {}
    return said


KINDS: Mapping[Makes, Kind] = {
    Makes.RUN: Kind(
        read=_run,
        ended=frozenset({"SUCCEEDED", "PARTIAL", "FAILED", "CANCELED"}),
        outcome=_run_outcome,
        cancel=model.CANCEL_RUN,
        noted=True,
    ),
    Makes.EXPORT: Kind(
        read=_export,
        ended=frozenset({"SUCCEEDED", "FAILED", "CANCELED", "INTERRUPTED"}),
        outcome=_export_outcome,
        cancel=model.CANCEL_EXPORT,
        cut_off=frozenset({"INTERRUPTED"}),
        again=model.RESTART_EXPORT,
    ),
}
