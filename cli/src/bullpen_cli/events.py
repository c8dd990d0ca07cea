"""`bullpen watch`: the journal as it grows, one line an event. Survives restarts of the daemon without a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import copilot_pb2, event_pb2
from bullpen_client import Backoff, Reconnected, Reconnecting, names
from bullpen_client import watch as watch_journal

from bullpen_cli import output
from bullpen_cli.command import Command, State, Whole, pass_state

if TYPE_CHECKING:
    from bullpen_client import Session
    from bullpen_client.watch import Item


def detail(event: event_pb2.Event) -> str:
    """The few words that tell most about an event."""
    kind = event.WhichOneof("payload")
    if kind == "notice":
        return event.notice.message
    if kind == "run":
        figures = event.run.figures
        return f"{event.run.spec.stage} {output.state_name(event.run).lower()} {figures.jobs_done}/{figures.jobs}"
    if kind == "job":
        why = f": {event.job.error.message}" if event.job.error.message else ""
        return f"{names.ident(event.job.scene)} {output.state_name(event.job).lower()}{why}".strip()
    if kind == "candidate":
        candidate = event.candidate
        rank = f" rank {candidate.rank}" if candidate.rank else ""
        return f"{output.state_name(candidate).lower()}{rank}{' accepted' if candidate.accepted else ''}"
    if kind == "asset":
        return event.asset.display_name
    if kind == "instruction":
        return f"{output.state_name(event.instruction).lower()}: {event.instruction.objective}"
    if kind == "chat_message":
        return f"{output.state_name(event.chat_message).lower()} {_first_words(event.chat_message)}".strip()
    if kind == "prompt":
        return event.prompt.text
    return str(getattr(getattr(event, kind), "title", "")) if kind else ""


def _first_words(message: copilot_pb2.ChatMessage) -> str:
    said = next((part.text for part in message.parts if part.HasField("text")), "")
    return " ".join(said.split())[:60]


def _as_response(item: Item) -> event_pb2.WatchResponse | None:
    if isinstance(item, event_pb2.Event):
        return event_pb2.WatchResponse(event=item)
    if isinstance(item, event_pb2.Progress):
        return event_pb2.WatchResponse(progress=item)
    if isinstance(item, event_pb2.Bookmark):
        return event_pb2.WatchResponse(bookmark=item)
    return None


def _tell(item: Item) -> None:
    if isinstance(item, event_pb2.Event):
        stamp = output.moment(item.time)
        line = f"{item.revision:>7}  {stamp}  {item.kind:<22} {item.subject}  {detail(item)}"
        print(output.plain(line).rstrip(), flush=True)  # noqa: T201
    elif isinstance(item, event_pb2.Progress):
        print(f"      ·  {item.phase:<10} {item.step}/{item.steps}  {item.candidate}", flush=True)  # noqa: T201


@click.command(
    cls=Command,
    examples=[
        "bullpen watch                                    what happens from now on",
        "bullpen watch --after 0 --project harbor_lights  all that ever happened there",
        "bullpen watch --json --progress | jq -c .progress",
    ],
)
@click.option("--project", metavar="SLUG", default="", help="Only this project.")
@click.option("--after", type=Whole(0, 2**63 - 1), metavar="REV", help="Begin after this revision.")
@click.option("--progress", is_flag=True, help="Also where running candidates stand.")
@click.option("--count", type=Whole(1), help="End after so many events.")
@pass_state
def watch(state: State, project: str, after: int | None, progress: bool, count: int | None) -> None:
    """Print what changes, one line an event, until Ctrl-C."""

    async def body(session: Session) -> None:
        seen = 0
        parent = names.project(project) if project else ""
        async for item in watch_journal(session, parent, after, progress=progress, backoff=Backoff(longest=2.0)):
            if isinstance(item, Reconnecting):
                if item.attempt == 1:
                    output.note("the daemon is gone; waiting for it", style="yellow")
            elif isinstance(item, Reconnected):
                output.note(f"connected again, going on after revision {item.revision}", style="yellow")
            elif state.json and (message := _as_response(item)) is not None:
                output.emit(message)
            else:
                _tell(item)
            seen += isinstance(item, event_pb2.Event)
            if count and seen >= count:
                return

    state.with_session(body, start=False)
