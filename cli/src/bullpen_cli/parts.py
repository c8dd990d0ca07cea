"""How the copilot's answers look in a terminal: words as they come, cards, questions, tables, failures."""

from __future__ import annotations

import sys

from bullpen_api.v1 import copilot_pb2 as pb

from bullpen_cli import output
from bullpen_cli.instructions import card, cost_of

__all__ = ["Stream", "cost_of", "show"]


class Stream:
    """Writes an answer while it comes: words at once, other parts whole; `quiet` writes nothing."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._open = False
        self._status = ""

    def take(self, delta: pb.ChatDelta) -> None:
        """Shows what was added; cards wait for the end, where they are complete."""
        if self._quiet:
            return
        self._status_over()
        if delta.WhichOneof("added") == "text":
            # A model may say anything; what steers a terminal is not for it to say.
            sys.stdout.write(output.plain(delta.text))
            sys.stdout.flush()
            self._open = True
        elif not delta.whole.HasField("card"):
            self._close()
            part(delta.whole)

    def status(self, status: pb.ChatStatus) -> None:
        """Says what is going on; on a terminal in one line that changes, else once for each thing."""
        if self._quiet:
            return
        if sys.stderr.isatty():
            share = f" {status.share:.0%}" if status.HasField("share") else ""
            sys.stderr.write(f"\r\x1b[K{status.text}{share}")
            sys.stderr.flush()
        elif status.text != self._status:
            output.note(status.text)
        self._status = status.text

    def end(self, answer: pb.ChatMessage) -> None:
        """Shows the cards, and how it ended."""
        if self._quiet:
            return
        self._close()
        for one in answer.parts:
            if one.HasField("card"):
                part(one)
        state = pb.ChatMessage.State.Name(answer.state).removeprefix("STATE_").lower()
        if state != "complete":
            output.note(f"(the answer is {state})", style="yellow")

    def _status_over(self) -> None:
        """The line that changes makes room for words."""
        if self._status and sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._status = ""

    def _close(self) -> None:
        self._status_over()
        if self._open:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._open = False


def part(one: pb.ChatPart) -> None:
    """Writes a part of an answer."""
    kind = one.WhichOneof("part")
    if kind == "text":
        output.say(one.text)
    elif kind == "card":
        card(one.card.current)
    elif kind == "question":
        output.say(f"? {one.question.text}", style="cyan", wrap=2)
        for choice in one.question.choices:
            output.say(f"    {choice}")
    elif kind == "table":
        output.say(one.table.title, style="bold")
        rows = [list(row.cells) for row in one.table.rows]
        output.table(list(one.table.columns), rows, empty="There is nothing.")
    elif kind == "failure":
        output.say(f"✗ {one.failure.reason}: {one.failure.message}", style="red", wrap=2)
        if one.failure.remedy:
            output.say(f"  {one.failure.remedy}", wrap=2)
    elif kind == "reading":
        output.say(f"· {one.reading.summary or one.reading.method}", style="dim")


def show(message: pb.ChatMessage) -> None:
    """Writes a whole message with who said it."""
    person = message.role == pb.ChatMessage.ROLE_PERSON
    state = pb.ChatMessage.State.Name(message.state).removeprefix("STATE_").lower()
    output.say(("› you" if person else "  copilot") + ("" if state == "complete" else f" ({state})"), style="bold")
    for one in message.parts:
        part(one)
    output.say()
