"""The wire forms of sessions and messages, made from rows; and a conversation as a text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from bullpen_api.v1 import copilot_pb2, event_pb2, instruction_pb2
from google.protobuf.json_format import MessageToDict, ParseDict

from bullpend.db import Row
from bullpend.rpc.wire import etag, timestamp

pb = copilot_pb2


def pack_session(row: Row, writing: Row | None = None) -> pb.ChatSession:
    """The wire form of a session's row; `writing` is the message that is being written in it."""
    name = f"projects/{row['project']}/chatSessions/{row['slug']}"
    return pb.ChatSession(
        name=name,
        title=row["title"],
        engine=row["engine"],
        sampling=ParseDict(json.loads(row["sampling"]), pb.ChatSampling()),
        messages=row["messages"],
        answering=f"{name}/messages/m-{writing['number']:04d}" if writing is not None else "",
        create_time=timestamp(row["create_time"]),
        update_time=timestamp(row["update_time"]),
        delete_time=timestamp(row["delete_time"]),
        etag=etag(row["id"], row["revision"]),
        revision=row["revision"],
    )


def pack_message(name: str, row: Row, cards: Mapping[str, instruction_pb2.Instruction] | None = None) -> pb.ChatMessage:
    """The wire form of a message's row; `cards` has the instructions that its cards show, as they are now."""
    message = pb.ChatMessage.FromString(row["parts"])
    message.name, message.engine, message.revision = name, row["engine"], row["revision"]
    message.role = pb.ChatMessage.Role.Value(f"ROLE_{row['role']}")
    message.state = pb.ChatMessage.State.Value(f"STATE_{row['state']}")
    if at := timestamp(row["create_time"]):
        message.create_time.CopyFrom(at)
    if at := timestamp(row["end_time"]):
        message.end_time.CopyFrom(at)
    for part in message.parts:
        if part.HasField("card") and cards and part.card.instruction in cards:
            part.card.current.CopyFrom(cards[part.card.instruction])
    return message


def cards_of(rows: Iterable[Row]) -> list[str]:
    """Instructions that messages show."""
    found: dict[str, None] = {}
    for row in rows:
        for part in pb.ChatMessage.FromString(row["parts"]).parts:
            if part.HasField("card"):
                found[part.card.instruction] = None
    return list(found)


def session_event(row: Row, writing: Row | None) -> event_pb2.Event:
    """An event that carries the session as it is now."""
    return event_pb2.Event(chat_session=pack_session(row, writing))


def message_event(name: str, row: Row) -> event_pb2.Event:
    """An event that carries the message as it is now."""
    return event_pb2.Event(chat_message=pack_message(name, row))


def words_of(message: pb.ChatMessage) -> str:
    """Everything that can be searched for in a message."""
    return "\n".join(text for part in message.parts for text in _texts(part))


def _texts(part: pb.ChatPart) -> Iterable[str]:
    if part.HasField("question"):
        yield part.question.text
    elif part.HasField("table"):
        yield part.table.title
        yield from (" ".join(row.cells) for row in part.table.rows)
    elif part.HasField("failure"):
        yield f"{part.failure.message} {part.failure.remedy}"
    elif part.HasField("text"):
        yield part.text


def as_markdown(session: pb.ChatSession, messages: Iterable[pb.ChatMessage]) -> str:
    """A conversation as a text for people."""
    lines = [f"# {session.title or session.name}", ""]
    for message in messages:
        who = "You" if message.role == pb.ChatMessage.ROLE_PERSON else "Copilot"
        state = pb.ChatMessage.State.Name(message.state).removeprefix("STATE_").lower()
        lines += [f"## {who}" + ("" if state == "complete" else f" ({state})"), ""]
        for part in message.parts:
            lines += [*_markdown(part), ""]
    return "\n".join(lines).rstrip() + "\n"


def _markdown(part: pb.ChatPart) -> list[str]:
    if part.HasField("card"):
        card = part.card.current
        state = instruction_pb2.Instruction.State.Name(card.state).removeprefix("STATE_").lower()
        facts = [f"> - {fact.label}: {fact.value}" for fact in card.preview.facts]
        return [f"> **{card.preview.summary or part.card.instruction}** ({state})", *facts]
    if part.HasField("question"):
        return [part.question.text, *(f"- {choice}" for choice in part.question.choices)]
    if part.HasField("table"):
        head = [f"| {' | '.join(part.table.columns)} |", f"|{'---|' * len(part.table.columns)}"]
        return [part.table.title, "", *head, *(f"| {' | '.join(row.cells)} |" for row in part.table.rows)]
    if part.HasField("failure"):
        return [f"**{part.failure.reason}**: {part.failure.message} {part.failure.remedy}".rstrip()]
    if part.HasField("reading"):
        return [f"_{part.reading.summary or part.reading.method}_"]
    return [part.text]


def as_json(session: pb.ChatSession, messages: Iterable[pb.ChatMessage]) -> str:
    """A conversation as one JSON object."""
    said = {"session": MessageToDict(session), "messages": [MessageToDict(message) for message in messages]}
    return json.dumps(said, ensure_ascii=False, indent=2) + "\n"
