"""`bullpen stages`: what the manifest can make of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import run_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Command, State, pass_state

if TYPE_CHECKING:
    from bullpen_client import Session


@click.command(cls=Command, examples=["bullpen stages", "bullpen stages --json"])
@pass_state
def stages(state: State) -> None:
    """List the stages of the manifest, with their limits and defaults."""

    async def body(session: Session) -> run_pb2.ListStagesResponse:
        return await session.runs.ListStages(run_pb2.ListStagesRequest())

    answer = state.with_session(body)
    if state.json:
        output.emit(answer)
        return
    output.table(
        ("stage", "title", "after", "model", "candidates", "steps", "variables", "instruction"),
        (
            (
                names.ident(stage.name),
                stage.title,
                names.ident(stage.predecessor) or "–",
                stage.default_model,
                stage.default_candidates,
                stage.defaults.steps or "–",
                " ".join(stage.variables),
                stage.instruction,
            )
            for stage in answer.stages
        ),
        right=("candidates", "steps"),
    )
    output.say(
        f"One run takes at most {answer.safe_batch_limit} pictures with {answer.candidate_cap} candidates each.",
        style="dim",
    )
