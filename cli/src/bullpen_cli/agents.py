"""`bullpen instructions hand-over` and `receive`: what the external agent is to do, and what it says came of it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, BinaryIO

import click
from bullpen_api.v1 import instruction_pb2 as pb
from bullpen_client import names
from google.protobuf.json_format import ParseDict, ParseError

from bullpen_cli import output
from bullpen_cli.command import State, pairs, pass_state
from bullpen_cli.instructions import TYPES, instructions, one

if TYPE_CHECKING:
    from bullpen_client import Session

__all__ = ("hand_over", "instructions", "receive")

MOST_BODY = 64 * 1024


@instructions.command(
    "hand-over",
    examples=[
        'bullpen instructions hand-over harbor_lights "Draw the map of the harbour" --type asset_edit',
        'bullpen instructions hand-over noir_city "Check the lettering" --type qa_check --inputs \'{"pages": [3, 4]}\'',
    ],
)
@click.argument("project")
@click.argument("objective")
@click.option("--type", "kind", type=click.Choice(TYPES), default="custom", show_default=True, help="What it is.")
@click.option("--inputs", default="{}", help="What the agent needs to know, as a JSON object.")
@click.option("--constraint", "constraints", multiple=True, metavar="NAME=VALUE", help="What must hold; repeatable.")
@pass_state
def hand_over(state: State, project: str, objective: str, kind: str, inputs: str, constraints: tuple[str, ...]) -> None:
    """Propose something for the external agent of the settings. It is sent when you have confirmed it."""
    said = pb.Instruction(
        objective=objective,
        type=pb.Instruction.Type.Value(f"TYPE_{kind.upper()}"),
        constraints=pairs(constraints, "--constraint"),
        execution=pb.InstructionExecution(executor=pb.InstructionExecution.EXECUTOR_AGENT),
        confirmation_required=True,
        requested_by="command line",
    )
    try:
        ParseDict({"inputs": json.loads(inputs)}, said)
    except (ValueError, ParseError) as error:
        raise click.UsageError(f"--inputs is no JSON object: {error}.") from None
    request = pb.CreateInstructionRequest(parent=names.project(project), instruction=said, request_id=str(uuid.uuid4()))

    async def body(session: Session) -> pb.Instruction:
        return await session.instructions.CreateInstruction(request)

    one(state, state.with_session(body))


@instructions.command(
    "receive",
    examples=["bullpen instructions receive body.json --token 5f0c… --timestamp 1763672400 --signature 91ab…"],
)
@click.argument("body", type=click.File("rb"))
@click.option("--token", required=True, help="The header Bullpen-Token.")
@click.option("--timestamp", required=True, help="The header Bullpen-Timestamp.")
@click.option("--signature", required=True, help="The header Bullpen-Signature.")
@pass_state
def receive(state: State, body: BinaryIO, token: str, timestamp: str, signature: str) -> None:
    """Give the daemon a callback that another program received: BODY is a file, or - for what is piped in."""
    request = pb.ReceiveCallbackRequest(
        body=body.read(MOST_BODY + 1), token=token, timestamp=timestamp, signature=signature
    )

    async def call(session: Session) -> pb.ReceiveCallbackResponse:
        return await session.instructions.ReceiveCallback(request)

    found = state.with_session(call)
    if state.json:
        output.emit(found)
    else:
        output.say(f"Taken, for {found.instruction}.")
