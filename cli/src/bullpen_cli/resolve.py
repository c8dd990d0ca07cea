"""From what a person types to a resource name: full names, `PROJECT/ID`, bare ids, `last`."""

from __future__ import annotations

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


def expand(text: str) -> str:
    """`p/r`, `p/r/j` and `p/r/j/c` as full names; a full name stays. Raises a usage error for anything else."""
    if text.startswith("projects/"):
        try:
            return str(names.parse(text))
        except ValueError as wrong:
            raise click.UsageError(f"{wrong}.") from None
    parts = text.split("/")
    if not 2 <= len(parts) <= len(_LEVELS) or not all(parts):
        raise click.UsageError(f"'{text}' is no name; use one such as projects/P/runs/R.")
    return "/".join(f"{level}/{part}" for level, part in zip(_LEVELS, parts, strict=False))


async def run_named(session: Session, text: str) -> str:
    """The name of a run. A bare id is looked for in all projects; `last` is the newest run."""
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
