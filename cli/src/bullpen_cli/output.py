"""How answers look: tables and short lines for a person, one JSON object a line for a program.

Answers go to stdout, progress and notes to stderr. Texts of users are never read as markup, and what would steer a
terminal is taken out of them: a recipe in a stranger's picture, or a provider's answer, may hold anything.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any, Literal

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

if TYPE_CHECKING:
    from rich.console import Console

# Width where there is no terminal to ask: wide enough that no path is cut.
_PIPE_WIDTH = 240
GLYPHS = {
    "QUEUED": ("◌", "dim"),
    "RUNNING": ("●", "cyan"),
    "SUCCEEDED": ("✓", "green"),
    "PARTIAL": ("◐", "yellow"),
    "FAILED": ("✗", "red"),
    "CANCELED": ("⊘", "dim"),
    "HELD": ("‖", "yellow"),
    "INTERRUPTED": ("◐", "yellow"),
}


# Control characters but tabs and ends of lines, and signs that turn the direction of writing round.
_STEERING = dict.fromkeys(
    [*range(9), 11, 12, *range(13, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd"
)


def plain(text: str) -> str:
    """A text without what would steer a terminal."""
    return text.replace("\r\n", "\n").translate(_STEERING)


def console(*, stderr: bool = False) -> Console:
    """A console on stdout or stderr that reads no markup."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width, soft_wrap=width is not None)


def as_dict(message: Message) -> dict[str, Any]:
    """A message as proto3 JSON; fields at their default are written too, so that a script finds every key."""
    return MessageToDict(message, always_print_fields_with_no_presence=True)


def line(value: Any) -> str:
    """One line of JSON."""
    return json.dumps(as_dict(value) if isinstance(value, Message) else value, ensure_ascii=False)


def emit(value: Any) -> None:
    """Writes one JSON object on stdout."""
    sys.stdout.write(line(value) + "\n")
    sys.stdout.flush()


def say(text: str = "", *, style: str | None = None, wrap: int | None = None) -> None:
    """Writes a line for a person on stdout.

    The terminal wraps it, so that paths can be copied. With `wrap` it is wrapped at blanks where there is a terminal,
    and the lines after the first are indented by so many cells.
    """
    _write(console(), text, style, wrap)


def _write(out: Console, text: str, style: str | None, wrap: int | None) -> None:
    text = plain(text)
    if wrap is not None and out.is_terminal:
        text = wrapped(text, out.width, wrap)
    out.print(text, style=style, soft_wrap=True)


def wrapped(text: str, width: int, indent: int) -> str:
    """A text in lines of at most `width` cells, broken at blanks only; a longer word stays whole."""
    fold = textwrap.TextWrapper(
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )
    return "\n".join(fold.fill(line) for line in text.split("\n"))


def note(text: str, *, style: str | None = "dim", wrap: int | None = None) -> None:
    """Writes a line for a person on stderr; `wrap` is that of `say`."""
    _write(console(stderr=True), text, style, wrap)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    empty: str = "",
    right: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> None:
    """Writes a table on stdout, or the sentence `empty` when there are no rows.

    `right` columns are numbers, `whole` ones are never broken into lines. In a terminal no word is broken: where the
    words do not fit, each row stands as a few lines of its own.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from bullpen_cli import tables

    listed = [[cell if hasattr(cell, "__rich_console__") else plain(str(cell)) for cell in row] for row in rows]
    if not listed and empty:
        say(empty, style="dim")
        return
    out = console()
    widths: Sequence[int | None] = [None] * len(columns)
    if out.is_terminal:
        texts = [[str(cell) for cell in row] for row in listed]
        fitting = tables.widths(columns, texts, out.width, whole)
        if fitting is None:
            for head, rest in tables.blocks(columns, texts, whole):
                say(head, style="bold")
                say(f"  {rest}", wrap=2)
            return
        widths = fitting
    view = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if column in right else "left"
        view.add_column(column, justify=justify, overflow="fold", no_wrap=column in whole, width=width)
    for row in listed:
        view.add_row(*row)
    out.print(view)


def details(rows: Iterable[tuple[str, Any]]) -> None:
    """Writes names with their values on stdout, one below the other."""
    listed = [(name, str(value)) for name, value in rows]
    width = max(len(name) for name, _ in listed)
    for name, value in listed:
        for number, part in enumerate(value.split("\n")):
            path = part.startswith(("/", "~"))
            say(f"{'' if number else name:<{width}}  {part}", wrap=None if path else width + 2)


def count(number: int, word: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def state_name(message: Any, field: str = "state") -> str:
    """Short name of an enum field, such as `RUNNING` for `STATE_RUNNING`."""
    descriptor = message.DESCRIPTOR.fields_by_name[field].enum_type
    value = descriptor.values_by_number.get(getattr(message, field))
    if value is None:
        return "UNKNOWN"
    return str(value.name).rpartition("STATE_")[2] if field == "state" else str(value.name)


def state_text(state: str) -> Any:
    """A state with its sign, coloured."""
    from rich.text import Text

    glyph, style = GLYPHS.get(state, ("·", ""))
    return Text(f"{glyph} {state.lower()}", style=style)


def size(count: float) -> str:
    """Bytes for a person, in powers of 1024: `12.3 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def span(value: Duration | float | None) -> str:
    """A length of time for a person: `0.4 s`, `12 s`, `1:12`, `2:03:12`."""
    if value is None:
        return "–"
    seconds = value.seconds + value.nanos / 1e9 if isinstance(value, Duration) else float(value)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def money(micros: int, currency: str) -> str:
    """Millionths of a currency's unit for a person: two digits after the point, more where they say something."""
    digits = f"{micros % 1_000_000:06d}".rstrip("0").ljust(2, "0")
    return f"{micros // 1_000_000}.{digits} {currency}"


def moment(stamp: Timestamp) -> str:
    """A time in the local zone, or a dash when it is not set."""
    if not stamp.seconds:
        return "–"
    return stamp.ToDatetime(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def percent(message: Any, field: str) -> str:
    """An optional share as a percentage, or a dash when it was not measured."""
    return f"{getattr(message, field):.0%}" if message.HasField(field) else "–"
