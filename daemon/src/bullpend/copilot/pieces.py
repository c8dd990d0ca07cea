"""Pieces of an answer that more than one reading is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from bullpen_api.v1 import copilot_pb2

from bullpend.copilot.engines import Part, Piece
from bullpend.errors import BullpenError

pb = copilot_pb2


def failed(error: BullpenError) -> Piece:
    """A refusal as a part of the answer."""
    failure = pb.ChatFailure(reason=error.reason, message=error.message, remedy=error.remedy)
    return Part(pb.ChatPart(failure=failure))


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Piece:
    """A table as a part of the answer."""
    made = pb.ChatTable(title=title, columns=columns)
    for row in rows:
        made.rows.add(cells=[str(cell) for cell in row])
    return Part(pb.ChatPart(table=made))


def ident(name: str) -> str:
    """The last part of a resource name."""
    return name.rpartition("/")[2]


def state_of(message: Any) -> str:
    """A state in lower case."""
    return str(type(message).State.Name(message.state)).removeprefix("STATE_").lower()


def plain(text: str) -> str:
    """Words of the bible as words: no sign of them is taken for markup."""
    return re.sub(r"([\\`*_\[\]#<>|])", r"\\\1", text)
