"""`bullpen instructions`: what was proposed, what waits for a word, and what became of it."""

from __future__ import annotations

import json
import sys
import uuid
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import instruction_pb2 as pb
from bullpen_client import names
from google.protobuf.json_format import ParseDict, ParseError

from bullpen_cli import output, plan
from bullpen_cli.command import Group, State, pass_state
from bullpen_cli.failure import FAILED, OK
from bullpen_cli.paging import everything

if TYPE_CHECKING:
    from bullpen_client import Session

STATES = ("draft", "queued", "running", "done", "failed", "canceled")
TYPES = ("pipeline_run", "asset_edit", "qa_check", "storage_sync", "custom")
_SIGNS = {
    "DRAFT": ("⚑", "yellow"),
    "QUEUED": ("◌", "dim"),
    "RUNNING": ("●", "cyan"),
    "DONE": ("✓", "green"),
    "FAILED": ("✗", "red"),
    "CANCELED": ("⊘", "dim"),
}
_ENDED = (pb.Instruction.STATE_DONE, pb.Instruction.STATE_FAILED, pb.Instruction.STATE_CANCELED)


@click.group(
    cls=Group,
    examples=[
        "bullpen instructions list harbor_lights",
        "bullpen instructions show harbor_lights/i-0003",
        "bullpen instructions confirm harbor_lights/i-0003",
        "bullpen instructions cancel harbor_lights/i-0003",
        "bullpen instructions retry harbor_lights/i-0003",
        "bullpen instructions methods",
    ],
)
def instructions() -> None:
    """What was proposed, and waits for your word or is carried out."""


def full(text: str) -> str:
    """`P/I` as a full name; a full name stays. Raises a usage error."""
    if text.startswith("projects/"):
        return text
    project, slash, ident = text.partition("/")
    if not (project and slash and ident) or "/" in ident:
        raise click.UsageError(f"'{text}' is no instruction; use one such as PROJECT/i-0001.")
    return f"projects/{project}/instructions/{ident}"


@instructions.command(
    "list",
    examples=["bullpen instructions list", "bullpen instructions list harbor_lights --state draft --state queued"],
)
@click.argument("project", required=False)
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only these.")
@click.option("--type", "types", multiple=True, type=click.Choice(TYPES), help="Only these.")
@pass_state
def list_instructions(state: State, project: str | None, states: tuple[str, ...], types: tuple[str, ...]) -> None:
    """List instructions, newest first; without PROJECT those of all."""
    request = pb.ListInstructionsRequest(
        parent=names.project(project or "-"),
        states=[pb.Instruction.State.Value(f"STATE_{value.upper()}") for value in states],
        types=[pb.Instruction.Type.Value(f"TYPE_{value.upper()}") for value in types],
    )

    async def body(session: Session) -> list[pb.Instruction]:
        return (await everything(session.instructions.ListInstructions, request, "instructions"))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"instructions": [output.as_dict(item) for item in found]})
        return
    output.table(
        ("instruction", "type", "objective", "by", "state", "tried", "cost", "made"),
        (_row(item) for item in found),
        empty="There is no instruction yet. `bullpen chat PROJECT` proposes some.",
        right=("tried", "cost"),
        whole=("instruction",),
    )


def _row(item: pb.Instruction) -> tuple[Any, ...]:
    cost = cost_of(item.preview) or "–"
    name = names.parse(item.name)
    return (
        f"{name['projects']}/{name.ident}",
        kind_of(item),
        item.objective,
        item.requested_by,
        state_text(item),
        item.attempt or "–",
        cost,
        output.moment(item.create_time),
    )


def cost_of(preview: pb.InstructionPreview) -> str:
    """What it costs, such as `1.80 USD`; empty where it costs no money."""
    if preview.HasField("estimated_cost"):
        return f"{preview.estimated_cost.micros / 1e6:.2f} {preview.estimated_cost.currency_code}"
    return f"{preview.estimated_cost_usd:.2f} USD" if preview.estimated_cost_usd else ""


def kind_of(item: pb.Instruction) -> str:
    """Its type in lower case, such as `pipeline_run`."""
    return pb.Instruction.Type.Name(item.type).removeprefix("TYPE_").lower()


def state_text(item: pb.Instruction) -> Any:
    """Its state with a sign, coloured."""
    from rich.text import Text

    state = output.state_name(item)
    glyph, style = _SIGNS.get(state, ("·", ""))
    return Text(f"{glyph} {state.lower()}", style=style)


@instructions.command(
    "show", examples=["bullpen instructions show harbor_lights/i-0003", "bullpen instructions show P/i-0003 --plan"]
)
@click.argument("instruction")
@click.option("--plan", "with_plan", is_flag=True, help="Also the whole plan of a run.")
@pass_state
def show_instruction(state: State, instruction: str, with_plan: bool) -> None:
    """Show one instruction: what it would do, and what became of it."""
    request = pb.GetInstructionRequest(name=full(instruction))

    async def body(session: Session) -> pb.Instruction:
        return await session.instructions.GetInstruction(request)

    item = state.with_session(body)
    if state.json:
        output.emit(item)
        return
    card(item)
    if with_plan and item.preview.HasField("plan"):
        plan.show(item.preview.plan)


def dispatch_text(dispatch: pb.InstructionDispatch) -> str:
    """How far handing it over has come, in a line."""
    times = "once" if dispatch.deliveries == 1 else f"{dispatch.deliveries} times"
    how = {
        pb.InstructionDispatch.STATE_PREPARED: "nothing was sent yet",
        pb.InstructionDispatch.STATE_SENDING: f"sent {times}, not answered yet",
        pb.InstructionDispatch.STATE_UNCERTAIN: f"sent {times}; whether it was taken is not known",
        pb.InstructionDispatch.STATE_ACCEPTED: f"sent {times}, and accepted",
        pb.InstructionDispatch.STATE_ANSWERED: f"sent {times}, answered by {dispatch.answered_by}",
        pb.InstructionDispatch.STATE_CLOSED: f"sent {times}; no answer is taken any more",
    }.get(dispatch.state, "")
    return f"agent    {dispatch.host}: {how}; key {dispatch.idempotency_key}"


def card(item: pb.Instruction) -> None:
    """Writes an instruction as a card."""
    name = names.parse(item.name)
    short = f"{name['projects']}/{name.ident}"
    glyph, style = _SIGNS.get(output.state_name(item), ("·", ""))
    output.say(f"{glyph} {short}  {kind_of(item)} · {output.state_name(item).lower()}", style=style or None)
    output.say(f"  {item.preview.summary}", style="bold", wrap=2)
    if item.objective and item.objective != item.preview.summary:
        output.say(f"  {item.objective}", wrap=2)
    width = max((len(fact.label) for fact in item.preview.facts), default=0)
    for fact in item.preview.facts:
        output.say(f"    {fact.label:<{width}}  {fact.value}", wrap=width + 6)
    if item.preview.HasField("estimated_duration"):
        output.say(f"    about {output.span(item.preview.estimated_duration)}")
    if cost := cost_of(item.preview):
        output.say(f"    about {cost}  {item.preview.price}".rstrip(), style="yellow")
    for finding in item.preview.findings:
        output.say(f"  ⚑ {finding.message}", style="yellow", wrap=4)
    if item.state == pb.Instruction.STATE_DRAFT:
        output.say(f"  confirm  bullpen instructions confirm {short}   (until {output.moment(item.expire_time)})")
        output.say(f"  cancel   bullpen instructions cancel {short}")
    if item.run:
        output.say(f"  run      {item.run}")
    if item.HasField("dispatch"):
        output.say(f"  {dispatch_text(item.dispatch)}", wrap=2)
    if item.result:
        output.say(f"  {item.result}", wrap=2)
    if item.HasField("error"):
        output.say(f"  ✗ {item.error.reason}: {item.error.message}", style="red", wrap=4)


@instructions.command(
    "confirm",
    examples=[
        "bullpen instructions confirm harbor_lights/i-0003",
        "bullpen instructions confirm harbor_lights/i-0003 --digest 4f2a… --spend",
    ],
)
@click.argument("instruction")
@click.option("--digest", default="", help="Digest of what you saw; without it the card is shown and you are asked.")
@click.option("--yes", is_flag=True, help="Confirm what is shown now without asking.")
@click.option("--spend", is_flag=True, help="It may cost what is shown.")
@click.option("--wait", is_flag=True, help="Come back when it has ended.")
@pass_state
def confirm(state: State, instruction: str, digest: str, yes: bool, spend: bool, wait: bool) -> int:
    """Let a draft be carried out. Shows it first, and asks."""
    name = full(instruction)

    async def body(session: Session) -> pb.Instruction | None:
        seen = digest
        if not seen:
            shown = await session.instructions.GetInstruction(pb.GetInstructionRequest(name=name))
            if not state.json:
                card(shown)
            if shown.state == pb.Instruction.STATE_DRAFT and not yes and not _agreed(state):
                return None
            seen = shown.digest
        request = pb.ConfirmInstructionRequest(name=name, digest=seen, confirm_spend=spend)
        item = await session.instructions.ConfirmInstruction(request)
        return await _ended(session, item) if wait else item

    item = state.with_session(body)
    if item is None:
        output.note("Nothing was confirmed.")
        return OK
    if state.json:
        output.emit(item)
    else:
        card(item)
    return FAILED if item.state == pb.Instruction.STATE_FAILED else OK


def _agreed(state: State) -> bool:
    if state.json or not sys.stdin.isatty():
        raise click.UsageError("nobody is there to be asked; give --yes, or --digest with what was seen.")
    return click.confirm("Confirm this?", default=False, err=True)


async def _ended(session: Session, item: pb.Instruction) -> pb.Instruction:
    """Follows an instruction to its end, also over a restart of the daemon."""
    from bullpen_api.v1 import event_pb2
    from bullpen_client import watch

    parent = names.project_of(item.name)
    async for found in watch(session, parent=parent, after_revision=item.revision):
        if isinstance(found, event_pb2.Event) and found.subject == item.name:
            item = found.instruction
            if item.state in _ENDED:
                break
    return item


def one(state: State, item: pb.Instruction) -> None:
    """Shows an instruction that was just changed."""
    if state.json:
        output.emit(item)
    else:
        card(item)


@instructions.command("cancel", examples=["bullpen instructions cancel harbor_lights/i-0003"])
@click.argument("instruction")
@pass_state
def cancel(state: State, instruction: str) -> None:
    """End an instruction; a run that it started is stopped."""
    request = pb.CancelInstructionRequest(name=full(instruction))

    async def body(session: Session) -> pb.Instruction:
        return await session.instructions.CancelInstruction(request)

    one(state, state.with_session(body))


@instructions.command("retry", examples=["bullpen instructions retry harbor_lights/i-0003"])
@click.argument("instruction")
@pass_state
def retry(state: State, instruction: str) -> None:
    """Propose a failed or canceled instruction again, to be confirmed anew."""
    request = pb.RetryInstructionRequest(name=full(instruction), request_id=str(uuid.uuid4()))

    async def body(session: Session) -> pb.Instruction:
        return await session.instructions.RetryInstruction(request)

    one(state, state.with_session(body))


@instructions.command(
    "create",
    examples=[
        "bullpen instructions create harbor_lights bullpen.v1.RunService/CreateRun "
        '\'{"spec": {"stage": "style", "scenes": {}}}\'',
    ],
)
@click.argument("project")
@click.argument("method")
@click.argument("inputs")
@click.option("--objective", default="", help="What is to be reached, in a sentence.")
@click.option("--max-cost", type=float, help="Refuse it where it would cost more than this many dollars.")
@pass_state
def create(state: State, project: str, method: str, inputs: str, objective: str, max_cost: float | None) -> None:
    """Propose a call by its method and its request in JSON."""
    try:
        said = ParseDict({"method": method, "inputs": json.loads(inputs), "objective": objective}, pb.Instruction())
    except (ValueError, ParseError) as error:
        raise click.UsageError(f"INPUTS is no JSON object: {error}.") from None
    said.confirmation_required = True
    said.requested_by = "command line"
    if max_cost is not None:
        said.constraints["max_cost_usd"] = f"{max_cost:g}"
    request = pb.CreateInstructionRequest(parent=names.project(project), instruction=said, request_id=str(uuid.uuid4()))

    async def body(session: Session) -> pb.Instruction:
        return await session.instructions.CreateInstruction(request)

    one(state, state.with_session(body))


@instructions.command(
    "edit",
    examples=['bullpen instructions edit harbor_lights/i-0003 \'{"spec": {"stage": "style", "scenes": {}}}\''],
)
@click.argument("instruction")
@click.argument("inputs", required=False)
@click.option("--objective", default="", help="What is to be reached, in a sentence.")
@pass_state
def edit(state: State, instruction: str, inputs: str | None, objective: str) -> None:
    """Change a draft: INPUTS are its whole request in JSON. It is shown anew, with another digest."""
    if inputs is None and not objective:
        raise click.UsageError("give INPUTS, --objective, or both.")
    try:
        given = {"inputs": json.loads(inputs)} if inputs is not None else {}
        said = ParseDict({"name": full(instruction), "objective": objective, **given}, pb.Instruction())
    except (ValueError, ParseError) as error:
        raise click.UsageError(f"INPUTS is no JSON object: {error}.") from None

    async def body(session: Session) -> pb.Instruction:
        return await session.instructions.UpdateInstruction(pb.UpdateInstructionRequest(instruction=said))

    one(state, state.with_session(body))


@instructions.command("methods", examples=["bullpen instructions methods"])
@pass_state
def methods(state: State) -> None:
    """List the calls that can be instructions."""

    async def body(session: Session) -> pb.ListInstructionMethodsResponse:
        return await session.instructions.ListInstructionMethods(pb.ListInstructionMethodsRequest())

    found = state.with_session(body)
    if state.json:
        output.emit(found)
        return
    output.table(
        ("method", "type", "what it does"),
        (
            (item.method, pb.Instruction.Type.Name(item.type).removeprefix("TYPE_").lower(), item.description)
            for item in found.methods
        ),
        whole=("method",),
    )
