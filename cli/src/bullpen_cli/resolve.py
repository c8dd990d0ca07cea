"""From what a person types to a resource name.

Full names, `PROJECT/RUN/JOB/CANDIDATE`, the short names that trees print (`RUN/j-001/c-2`), bare ids of runs, and
`last` for the newest run: `last/j-001/c-2`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
import grpc
from bullpen_api.v1 import run_pb2
from bullpen_client import errors, names

from bullpen_cli.paging import everything

if TYPE_CHECKING:
    from bullpen_client import Session

LAST = "last"
_LEVELS = ("projects", "runs", "jobs", "candidates")
# What an id may begin with; so `../..` is never a name.
_ID = re.compile(r"[^\W_][^/]*")
_JOB = re.compile(r"j-\d+")
_WANTED = {"jobs": ("a job", "RUN/j-001"), "candidates": ("a candidate", "RUN/j-001/c-2")}


def expand(text: str) -> str:
    """`p/r`, `p/r/j` and `p/r/j/c` as full names; a full name stays. Raises a usage error for anything else."""
    if text.startswith("projects/"):
        try:
            return str(names.parse(text))
        except ValueError as wrong:
            raise click.UsageError(f"{wrong}.") from None
    parts = text.split("/")
    if not 2 <= len(parts) <= len(_LEVELS) or not all(map(_ID.fullmatch, parts)):
        raise click.UsageError(f"'{text}' is no name; use one such as projects/P/runs/R.")
    return "/".join(f"{level}/{part}" for level, part in zip(_LEVELS, parts, strict=False))


def _below(text: str) -> tuple[str, str]:
    """Takes `RUN/j-001/c-2` apart into the run, which may be `last`, and what lies below it; both empty elsewhere."""
    head, *rest = text.split("/")
    if not 1 <= len(rest) <= 2 or not all(map(_ID.fullmatch, (head, *rest))):
        return "", ""
    if head != LAST and not _JOB.fullmatch(rest[0]):
        return "", ""
    return head, "/" + "/".join(f"{level}/{part}" for level, part in zip(_LEVELS[2:], rest, strict=False))


def checked(text: str, kind: str = "") -> str:
    """The text as it is, where it can name a run or what lies below one; needs no daemon.

    With `kind`, `jobs` or `candidates`, it must name one of these. Raises a usage error elsewhere.
    """
    run, below = _below(text)
    name = f"projects/-/runs/{run}{below}" if run or "/" not in text else expand(text)
    if kind and names.kind_of(name) != kind:
        what, example = _WANTED[kind]
        raise click.UsageError(f"'{text}' is not {what}, such as {example}; `bullpen runs jobs RUN` lists them.")
    return text


async def run_named(session: Session, text: str) -> str:
    """The name of a run or of what lies below one. A bare id is looked for in all projects; `last` is the newest."""
    run, below = _below(text)
    if run:
        return await run_named(session, run) + below
    if "/" in text:
        return expand(text)
    request = run_pb2.ListRunsRequest(parent="projects/-")
    found = (await everything(session.runs.ListRuns, request, "runs", limit=1 if text == LAST else 0))[0]
    for run in found:
        if text in (LAST, names.ident(run.name)):
            return str(run.name)
    raise errors.ResourceNotFound(
        "There is no run yet." if text == LAST else f"No project has a run '{text}'.",
        field="name",
        remedy="`bullpen runs list` shows the runs.",
        metadata={"resource": text},
        code=grpc.StatusCode.NOT_FOUND,
    )
