"""`bullpen logs`: what the daemon says of its own work, from its memory; from the file where none answers."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import log_pb2
from bullpen_client import names
from bullpen_client.errors import DaemonSilent, DaemonUnavailable

from bullpen_cli import output
from bullpen_cli.command import Command, State, Whole, pass_state
from bullpen_cli.resolve import run_named

if TYPE_CHECKING:
    from bullpen_client import Session

LEVELS = ("debug", "info", "warning", "error")
FILE = "bullpend.log"
TAIL = 200
_STYLES = {"debug": "dim", "warning": "yellow", "error": "bold red"}
_OWN = ("number", "timestamp", "level", "component", "event", "exception")


def level_name(level: log_pb2.LogEntry.Level.ValueType) -> str:
    """`warning` for LEVEL_WARNING."""
    return log_pb2.LogEntry.Level.Name(level).removeprefix("LEVEL_").lower()


def entry_line(stamp: float, level: str, component: str, event: str, fields: Mapping[str, str]) -> str:
    """One entry for a person; a line break in a value does not break the line."""
    said = " ".join(f"{name}={' '.join(value.split())}" for name, value in sorted(fields.items()))
    clock = time.strftime("%m-%d %H:%M:%S", time.localtime(stamp))
    return f"{clock}  {level:<7}  {component:<12}  {event}  {said}".rstrip()


def _tell(state: State, entry: log_pb2.LogEntry) -> None:
    if state.json:
        output.emit(entry)
        return
    level = level_name(entry.level)
    output.say(
        entry_line(entry.time.ToNanoseconds() / 1e9, level, entry.component, entry.event, entry.fields),
        style=_STYLES.get(level),
    )
    for row in entry.traceback.splitlines():
        output.say(f"    {row}", style="dim")


@click.command(
    cls=Command,
    examples=[
        "bullpen logs                                   the last entries",
        "bullpen logs -f --level warning                what goes wrong, as it does",
        "bullpen logs -f --run last --json | jq .event  what is said about a run",
        "bullpen logs --files                           where the log files are",
    ],
)
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C, also over restarts of the daemon.")
@click.option("--level", type=click.Choice(LEVELS), default="debug", show_default="all", help="This level and above.")
@click.option(
    "--component", "components", multiple=True, metavar="NAME", help="Only this part, such as rpc or workers."
)
@click.option("--project", metavar="SLUG", default="", help="Only what is about this project.")
@click.option("--run", "run", metavar="RUN", default="", help="Only what is about this run.")
@click.option(
    "-n", "--tail", type=Whole(0, 4000), default=TAIL, show_default=True, help="Begin with so many of the last."
)
@click.option("--files", is_flag=True, help="Say where the logs of this home are, and read none.")
@pass_state
def logs(
    state: State, follow: bool, level: str, components: tuple[str, ...], project: str, run: str, tail: int, files: bool
) -> None:
    """Show what the daemon logs. Where none serves, the end of its log file."""
    if files:
        list_files(state)
        return
    if project and run:
        raise click.UsageError("Give --project or --run, not both.")

    async def body(session: Session) -> None:
        from bullpen_client.log import watch_log
        from bullpen_client.watch import Backoff, Reconnected, Reconnecting

        parent = await run_named(session, run) if run else names.project(project) if project else ""
        request = log_pb2.WatchLogRequest(
            level=log_pb2.LogEntry.Level.Value(f"LEVEL_{level.upper()}"),
            components=components,
            parent=parent,
            tail=tail,
            follow=follow,
        )
        async for item in watch_log(session, request, backoff=Backoff(longest=2.0)):
            if isinstance(item, Reconnecting):
                if item.attempt == 1:
                    output.note("the daemon is gone; waiting for it", style="yellow")
            elif isinstance(item, Reconnected):
                output.note("connected again", style="yellow")
            else:
                _show(state, item, level)

    try:
        state.with_session(body, start=False)
    except (DaemonUnavailable, DaemonSilent) as error:
        if follow or run or not (state.home / "logs" / FILE).is_file():
            raise
        parent = names.project(project) if project else ""
        lives = isinstance(error, DaemonSilent)
        output.note(
            f"{'the daemon does not answer' if lives else 'no daemon serves'}; from {state.home / 'logs' / FILE}",
            style="yellow",
        )
        read_file(state, lambda whole: _passes(whole, level, components, parent), tail)


def _show(state: State, message: log_pb2.WatchLogResponse, level: str) -> None:
    if message.least and LEVELS.index(level) < LEVELS.index(level_name(message.least)) and level != LEVELS[0]:
        least = level_name(message.least)
        output.note(f"the daemon writes {least} and above; log.level in its settings changes that", style="yellow")
    if message.missed:
        output.note(f"{message.missed} entries are gone from memory; they are in the log file", style="yellow")
    for entry in message.entries:
        _tell(state, entry)


# --- without a daemon ------------------------------------------------------------------------------------------------


def read_file(state: State, passes: Callable[[Mapping[str, Any]], bool], tail: int) -> None:
    """The end of the log file, read here: nobody serves who could be asked."""
    path = state.home / "logs" / FILE
    kept: deque[dict[str, Any]] = deque(maxlen=tail)
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                whole = json.loads(line)
                stamp = datetime.fromisoformat(whole["timestamp"]).timestamp()
            except (ValueError, TypeError, KeyError):
                continue  # a line that was cut in half when the daemon ended
            if passes(whole):
                kept.append({**whole, "_stamp": stamp})
    for whole in kept:
        stamp, level = whole.pop("_stamp"), str(whole.get("level", "info"))
        if state.json:
            output.emit(whole)
            continue
        fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in whole.items()}
        shown = {name: value for name, value in fields.items() if name not in _OWN}
        line = entry_line(stamp, level, fields.get("component", ""), fields.get("event", ""), shown)
        output.say(line, style=_STYLES.get(level))


def _passes(whole: Mapping[str, Any], level: str, components: tuple[str, ...], parent: str) -> bool:
    said = whole.get("level", "info")
    if (LEVELS.index(said) if said in LEVELS else len(LEVELS)) < LEVELS.index(level):
        return False
    if components and whole.get("component") not in components:
        return False
    values = [value for value in whole.values() if isinstance(value, str)]
    return not parent or any(value == parent or value.startswith(f"{parent}/") for value in values)


def list_files(state: State) -> None:
    """The log files, the one written last first."""
    folder: Path = state.home / "logs"
    found = sorted((p for p in folder.glob("*") if p.is_file()), key=lambda path: path.stat().st_mtime, reverse=True)
    if state.json:
        listed = [{"path": str(path), "bytes": path.stat().st_size} for path in found]
        output.emit({"folder": str(folder), "files": listed})
        return
    rows = (
        (
            path,
            output.size(path.stat().st_size),
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(path.stat().st_mtime)),
        )
        for path in found
    )
    empty = f"There are no logs in {folder} yet."
    output.table(("log", "size", "last written"), rows, empty=empty, right=("size",))
