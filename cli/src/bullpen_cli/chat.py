"""`bullpen chat`: a conversation with the copilot about a project. What it proposes is a card that you confirm."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import copilot_pb2 as pb
from bullpen_api.v1 import instruction_pb2
from bullpen_client import names
from bullpen_client.errors import BullpenError
from google.protobuf.field_mask_pb2 import FieldMask

from bullpen_cli import output, parts
from bullpen_cli.command import Group, State, pass_state
from bullpen_cli.failure import FAILED, OK
from bullpen_cli.paging import everything
from bullpen_cli.transfer import writing

if TYPE_CHECKING:
    from bullpen_client import Session

_FORMATS = {
    "markdown": pb.ExportChatSessionRequest.FORMAT_MARKDOWN,
    "json": pb.ExportChatSessionRequest.FORMAT_JSON,
}


class _Chat(Group):
    """`bullpen chat PROJECT …` means `bullpen chat say PROJECT …`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; a first word that is none is a project."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            args = ["say", *args]
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Chat,
    examples=[
        "bullpen chat harbor_lights                     talk in this terminal",
        'bullpen chat harbor_lights "run a style lock pass on all six scenes with three candidates each"',
        'bullpen chat harbor_lights "why did panel 4 fail?" --session c-0001',
        "bullpen chat tune harbor_lights/c-0001 --temperature 0.3",
        "bullpen chat list harbor_lights",
        'bullpen chat search harbor_lights "pier"',
        "bullpen chat export harbor_lights/c-0001 --out talk.md",
    ],
)
def chat() -> None:
    """Talk with the copilot about a project.

    It reads at once; what would change something becomes a card that only you can confirm. Without a language model a
    built-in grammar answers, which knows the words of the studio.
    """


def full(text: str) -> str:
    """`P/C` as a full name; a full name stays. Raises a usage error."""
    if text.startswith("projects/"):
        return text
    project, slash, ident = text.partition("/")
    if not (project and slash and ident) or "/" in ident:
        raise click.UsageError(f"'{text}' is no conversation; use one such as PROJECT/c-0001.")
    return f"projects/{project}/chatSessions/{ident}"


@chat.command("say", examples=['bullpen chat say harbor_lights "list scenes"', "bullpen chat harbor_lights"])
@click.argument("project")
@click.argument("text", nargs=-1)
@click.option("--session", "session_id", default="", metavar="ID", help="Go on with this conversation.")
@click.option("--engine", default="", help="What answers; `bullpen chat engines` lists them.")
@pass_state
def say(state: State, project: str, text: tuple[str, ...], session_id: str, engine: str) -> int:
    """Say something, or without TEXT talk line by line. A card can be confirmed at once."""
    interactive = sys.stdin.isatty() and not state.json
    if not text and state.json:
        raise click.UsageError("--json needs a TEXT to answer.")
    if text and not " ".join(text).strip():
        raise click.UsageError("there is nothing to say; leave TEXT out to talk line by line.")

    async def body(session: Session) -> int:
        chat_name = await _session(session, project, session_id, engine)
        if text:
            return await _exchange(state, session, chat_name, " ".join(text), interactive)
        output.note(f"Conversation {names.ident(chat_name)}. An empty line or Ctrl-D ends it; `help` says what I know.")
        status = OK
        while line := _line(interactive):
            status = await _exchange(state, session, chat_name, line, interactive)
        return status

    return state.with_session(body)


def _line(interactive: bool) -> str:
    """The next line of the person; empty at the end."""
    if interactive:
        output.note("› ", style="bold")
    return sys.stdin.readline().strip()


async def _session(session: Session, project: str, given: str, engine: str) -> str:
    if given:
        return full(given if "/" in given else f"{names.ident(names.project(project))}/{given}")
    request = pb.CreateChatSessionRequest(
        parent=names.project(project),
        chat_session=pb.ChatSession(engine=engine if not engine or "/" in engine else f"chatEngines/{engine}"),
        request_id=str(uuid.uuid4()),
    )
    return (await session.copilot.CreateChatSession(request)).name


async def _exchange(state: State, session: Session, chat_name: str, text: str, interactive: bool) -> int:
    """One message with its answer, and what the person decides about its cards."""
    answer = await _answer(state, session, chat_name, text)
    if state.json:
        output.emit(answer)
    else:
        for part in answer.parts:
            if part.HasField("card"):
                await _decide(session, part.card.current, interactive)
    return OK if answer.state == pb.ChatMessage.STATE_COMPLETE else FAILED


async def _answer(state: State, session: Session, chat_name: str, text: str) -> pb.ChatMessage:
    """Sends a message, and shows the answer as it comes."""
    request = pb.SendChatMessageRequest(parent=chat_name, text=text, request_id=str(uuid.uuid4()))
    answer = pb.ChatMessage()
    shown = parts.Stream(quiet=state.json)
    async for item in session.copilot.SendChatMessage(request):
        if item.HasField("message"):
            answer = item.message
        elif item.HasField("delta"):
            shown.take(item.delta)
        elif item.HasField("status"):
            shown.status(item.status)
    shown.end(answer)
    return answer


async def _decide(session: Session, card: instruction_pb2.Instruction, interactive: bool) -> None:
    """Asks the person about a card: y confirms with the digest that was shown, n cancels, anything else leaves it."""
    if not interactive:
        return
    word = click.prompt("[y] confirm  [n] cancel  [Enter] leave it", default="", show_default=False, err=True)
    name = card.name
    try:
        if word.strip().lower() in ("y", "yes"):
            spend = bool(parts.cost_of(card.preview))
            if spend and not click.confirm(f"It costs about {parts.cost_of(card.preview)}. Spend it?", err=True):
                return
            request = instruction_pb2.ConfirmInstructionRequest(name=name, digest=card.digest, confirm_spend=spend)
            done = await session.instructions.ConfirmInstruction(request)
            output.say(f"✓ {names.ident(done.name)} is {output.state_name(done).lower()}", style="green")
        elif word.strip().lower() in ("n", "no"):
            await session.instructions.CancelInstruction(instruction_pb2.CancelInstructionRequest(name=name))
            output.say(f"⊘ {names.ident(name)} is canceled")
    except BullpenError as refused:
        output.note(f"✗ {refused.message} {refused.remedy}", style="red", wrap=2)


@chat.command("list", examples=["bullpen chat list harbor_lights"])
@click.argument("project")
@click.option("--trash", is_flag=True, help="Those in the trash too.")
@pass_state
def list_chats(state: State, project: str, trash: bool) -> None:
    """List conversations, the one that was used last first."""
    request = pb.ListChatSessionsRequest(parent=names.project(project), show_deleted=trash)

    async def body(session: Session) -> list[pb.ChatSession]:
        return (await everything(session.copilot.ListChatSessions, request, "chat_sessions"))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"chatSessions": [output.as_dict(item) for item in found]})
        return
    output.table(
        ("conversation", "title", "messages", "used"),
        (
            (
                names.ident(item.name),
                item.title + (" (in the trash)" if item.HasField("delete_time") else ""),
                item.messages,
                output.moment(item.update_time),
            )
            for item in found
        ),
        empty="There is no conversation yet. `bullpen chat PROJECT` begins one.",
        right=("messages",),
    )


@chat.command("show", examples=["bullpen chat show harbor_lights/c-0001"])
@click.argument("conversation")
@pass_state
def show(state: State, conversation: str) -> None:
    """Read a conversation, with its cards as they are now."""
    request = pb.ListChatMessagesRequest(parent=full(conversation))

    async def body(session: Session) -> list[pb.ChatMessage]:
        return (await everything(session.copilot.ListChatMessages, request, "chat_messages"))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"chatMessages": [output.as_dict(item) for item in found]})
        return
    for message in found:
        parts.show(message)


@chat.command("search", examples=['bullpen chat search harbor_lights "style pier"'])
@click.argument("project")
@click.argument("query")
@pass_state
def search(state: State, project: str, query: str) -> None:
    """Find messages that hold all words."""
    request = pb.SearchChatMessagesRequest(parent=names.project(project), query=query)

    async def body(session: Session) -> list[pb.ChatMessage]:
        return (await everything(session.copilot.SearchChatMessages, request, "chat_messages"))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"chatMessages": [output.as_dict(item) for item in found]})
        return
    if not found:
        output.say("No message holds all of these words.", style="dim")
    for message in found:
        output.say(message.name, style="dim")
        parts.show(message)


@chat.command("export", examples=["bullpen chat export harbor_lights/c-0001 --format json"])
@click.argument("conversation")
@click.option("--format", "form", type=click.Choice(list(_FORMATS)), default="markdown", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default is stdout.")
@pass_state
def export(state: State, conversation: str, form: str, out: Path | None) -> None:
    """Write a conversation as one text."""
    request = pb.ExportChatSessionRequest(name=full(conversation), format=_FORMATS[form])

    async def body(session: Session) -> pb.ExportChatSessionResponse:
        return await session.copilot.ExportChatSession(request)

    found = state.with_session(body)
    if out is not None:
        with writing(out):
            out.write_text(found.text, encoding="utf-8")
        output.note(f"wrote {out}")
    else:
        sys.stdout.write(found.text)


@chat.command("delete", examples=["bullpen chat delete harbor_lights/c-0001"])
@click.argument("conversation")
@click.option("--restore", is_flag=True, help="Take it out of the trash instead.")
@pass_state
def delete(state: State, conversation: str, restore: bool) -> None:
    """Put a conversation into the trash, or take it out."""
    name = full(conversation)

    async def body(session: Session) -> pb.ChatSession:
        if restore:
            return await session.copilot.UndeleteChatSession(pb.UndeleteChatSessionRequest(name=name))
        return await session.copilot.DeleteChatSession(pb.DeleteChatSessionRequest(name=name))

    found = state.with_session(body)
    if state.json:
        output.emit(found)
    else:
        output.say(f"{found.name} is {'in the trash' if found.HasField('delete_time') else 'there again'}")


@chat.command(
    "tune",
    examples=[
        "bullpen chat tune harbor_lights/c-0001 --temperature 0.3",
        "bullpen chat tune harbor_lights/c-0001 --engine qwen3-4b.gguf --max-tokens 400",
    ],
)
@click.argument("conversation")
@click.option("--engine", default="", help="What answers from now on; `bullpen chat engines` lists them.")
@click.option("--temperature", type=float, help="How freely words are chosen, 0–2; 0 takes the likeliest.")
@click.option("--top-p", type=float, help="Share of probability that is chosen among, 0–1.")
@click.option("--top-k", type=int, help="How many of the likeliest words are chosen among; 0 means all.")
@click.option("--min-p", type=float, help="Least share of the likeliest word's probability, 0–1.")
@click.option("--repeat-penalty", type=float, help="How much less likely what was said lately is, 0.5–2.")
@click.option("--max-tokens", type=int, help="Length of an answer.")
@click.option("--seed", type=int, help="Same words for the same seed.")
@pass_state
def tune(state: State, /, conversation: str, engine: str, **given: float | None) -> None:
    """Change how a language model chooses its words; an answer that is being written takes it from the next word on.

    What is not given stays.
    """
    said = {key: value for key, value in given.items() if value is not None}
    if not said and not engine:
        raise click.UsageError("Say what is to change, such as --temperature 0.3.")

    async def body(session: Session) -> pb.ChatSession:
        name = full(conversation)
        now = await session.copilot.GetChatSession(pb.GetChatSessionRequest(name=name))
        change = pb.ChatSession(name=name, sampling=now.sampling)
        for key, value in said.items():
            setattr(change.sampling, key, value)
        paths = ["sampling"] if said else []
        if engine:
            change.engine = engine if "/" in engine else f"chatEngines/{engine}"
            paths.append("engine")
        request = pb.UpdateChatSessionRequest(chat_session=change, update_mask=FieldMask(paths=paths))
        return await session.copilot.UpdateChatSession(request)

    found = state.with_session(body)
    if state.json:
        output.emit(found)
        return
    words = ", ".join(f"{field.name.replace('_', ' ')} {value:g}" for field, value in found.sampling.ListFields())
    output.say(f"{names.ident(found.name)}: {names.ident(found.engine)}, {words or 'as the engine chooses'}")


@chat.command("engines", examples=["bullpen chat engines"])
@pass_state
def engines(state: State) -> None:
    """List what can answer."""

    async def body(session: Session) -> pb.ListChatEnginesResponse:
        return await session.copilot.ListChatEngines(pb.ListChatEnginesRequest())

    found = state.with_session(body)
    if state.json:
        output.emit(found)
        return
    output.table(
        ("engine", "what it is", "model", "size", "in memory", "", "detail"),
        (
            (
                names.ident(item.name) + (" (usual)" if item.is_default else ""),
                item.title,
                item.model or "–",
                output.size(item.size_bytes) if item.size_bytes else "–",
                item.loaded_on or "–",
                "✓" if item.available else "✗",
                f"{item.detail} {item.remedy}".strip(),
            )
            for item in found.chat_engines
        ),
    )
