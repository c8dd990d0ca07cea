"""SQL of conversations: sessions, messages, and the words in them."""

from __future__ import annotations

import json
import re
from typing import Any

from bullpen_api.v1 import copilot_pb2

from bullpend.copilot import wire
from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import ResourceNotFound, StateConflict

SESSION = "projects/*/chatSessions/*"


def name_of(session: Row) -> str:
    """The resource name of a session's row."""
    return f"projects/{session['project']}/chatSessions/{session['slug']}"


def message_name(session: Row, message: Row) -> str:
    """The resource name of a message's row."""
    return f"{name_of(session)}/messages/m-{message['number']:04d}"


def get(view: View, project: str, slug: str, field: str = "name") -> Row:
    """One session, also from the trash. Raises ResourceNotFound."""
    row = view.one("SELECT * FROM chat_sessions WHERE project = ? AND slug = ?", project, slug)
    if row is None:
        name = f"projects/{project}/chatSessions/{slug}"
        raise ResourceNotFound(f"There is no {name}.", field=field, resource=name)
    return row


def page(view: View, project: str, before: tuple[float, int] | None, limit: int, deleted: bool) -> list[Row]:
    """Sessions, the one that was used last first."""
    where = "" if deleted else "AND delete_time IS NULL"
    at, key = before or (1e18, 2**62)
    sql = f"SELECT * FROM chat_sessions WHERE project = ? {where} AND (update_time, id) < (?, ?) "
    return view.all(sql + "ORDER BY update_time DESC, id DESC LIMIT ?", project, at, key, limit)


def create(tx: Tx, project: str, title: str, engine: str, sampling: dict[str, Any]) -> Row:
    """A new session; its id counts up inside the project."""
    number = tx.value("SELECT coalesce(max(number), 0) + 1 FROM chat_sessions WHERE project = ?", project)
    row: Row = {
        "project": project,
        "number": number,
        "slug": f"c-{number:04d}",
        "title": title,
        "engine": engine,
        "sampling": json.dumps(sampling),
        "create_time": tx.now,
        "update_time": tx.now,
        "revision": tx.next_revision(),
    }
    tx.insert("chat_sessions", row)
    made = get(tx, project, row["slug"])
    emit(tx, made, "created")
    return made


def change(tx: Tx, row: Row, what: str = "updated", **values: Any) -> Row:
    """Writes columns of a session and says so."""
    columns = {**values, "revision": tx.next_revision()}
    sets = ", ".join(f"{name} = ?" for name in columns)
    tx.run(f"UPDATE chat_sessions SET {sets} WHERE id = ?", *columns.values(), row["id"])
    changed = {**row, **columns}
    emit(tx, changed, what)
    return changed


def emit(tx: Tx, row: Row, what: str) -> None:
    """Says what happened to a session."""
    payload = wire.session_event(row, writing(tx, row)).SerializeToString()
    tx.emit(row["project"], name_of(row), f"chat_session.{what}", payload)


def writing(view: View, session: Row) -> Row | None:
    """The message that is being written in a session."""
    return view.one("SELECT * FROM chat_messages WHERE session_id = ? AND state = 'WRITING'", session["id"])


def messages(view: View, session: Row, after: int, limit: int) -> list[Row]:
    """Messages in their order, after a number."""
    sql = "SELECT * FROM chat_messages WHERE session_id = ? AND number > ? ORDER BY number LIMIT ?"
    return view.all(sql, session["id"], after, limit)


def message(view: View, message_id: int) -> Row:
    """A message that is known to exist."""
    row = view.one("SELECT * FROM chat_messages WHERE id = ?", message_id)
    assert row is not None
    return row


def say(tx: Tx, session: Row, text: str, engine: str) -> tuple[Row, Row, Row]:
    """A person's message and the beginning of the answer; (session, message, answer). Raises StateConflict."""
    if session["delete_time"] is not None:
        raise StateConflict(f"{name_of(session)} is in the trash.", field="parent", resource=name_of(session))
    if writing(tx, session) is not None:
        raise StateConflict(
            "An answer is being written in this session.",
            field="parent",
            remedy="Wait for it, or cancel it.",
            resource=name_of(session),
        )
    said = copilot_pb2.ChatMessage(parts=[copilot_pb2.ChatPart(text=text)])
    person = _add(tx, session, "PERSON", "COMPLETE", said, "")
    answer = _add(tx, session, "COPILOT", "WRITING", copilot_pb2.ChatMessage(), engine)
    title = session["title"] or " ".join(text.split())[:60]
    counts = {"messages": session["messages"] + 2, "update_time": tx.now, "title": title}
    return change(tx, session, **counts), person, answer


def _add(tx: Tx, session: Row, role: str, state: str, said: copilot_pb2.ChatMessage, engine: str) -> Row:
    number = tx.value("SELECT coalesce(max(number), 0) + 1 FROM chat_messages WHERE session_id = ?", session["id"])
    row: Row = {
        "session_id": session["id"],
        "number": number,
        "role": role,
        "state": state,
        "parts": said.SerializeToString(),
        "engine": engine,
        "create_time": tx.now,
        "end_time": tx.now if state == "COMPLETE" else None,
        "revision": tx.next_revision(),
    }
    identity = tx.insert("chat_messages", row)
    if state == "COMPLETE":
        tx.run("INSERT INTO chat_words (rowid, words) VALUES (?, ?)", identity, wire.words_of(said))
    made = message(tx, identity)
    emit_message(tx, session, made, "created")
    return made


def emit_message(tx: Tx, session: Row, row: Row, what: str) -> None:
    """Says what happened to a message."""
    name = message_name(session, row)
    payload = wire.message_event(name, row).SerializeToString()
    tx.emit(session["project"], name, f"chat_message.{what}", payload)


def keep(tx: Tx, answer: Row, said: copilot_pb2.ChatMessage) -> None:
    """What there is of an answer by now; no event, so that a long answer does not fill the journal."""
    sql = "UPDATE chat_messages SET parts = ? WHERE id = ? AND state = 'WRITING'"
    tx.run(sql, said.SerializeToString(), answer["id"])


def finish(
    tx: Tx, session: Row, answer: Row, said: copilot_pb2.ChatMessage, state: str, asked: str
) -> tuple[Row, Row] | None:
    """The end of an answer, once; (session, answer), or None where it has ended before."""
    sql = "UPDATE chat_messages SET parts = ?, state = ?, end_time = ?, revision = ? WHERE id = ? AND state = 'WRITING'"
    if not tx.run(sql, said.SerializeToString(), state, tx.now, tx.next_revision(), answer["id"]):
        return None
    tx.run("INSERT INTO chat_words (rowid, words) VALUES (?, ?)", answer["id"], wire.words_of(said))
    ended = message(tx, answer["id"])
    emit_message(tx, session, ended, state.lower())
    current = tx.one("SELECT * FROM chat_sessions WHERE id = ?", session["id"])
    assert current is not None
    return change(tx, current, update_time=tx.now, asked=asked), ended


def interrupt_all(tx: Tx) -> int:
    """Marks the answers that the last daemon left unfinished."""
    rows = tx.all("SELECT * FROM chat_messages WHERE state = 'WRITING'")
    for row in rows:
        session = tx.one("SELECT * FROM chat_sessions WHERE id = ?", row["session_id"])
        assert session is not None
        finish(tx, session, row, copilot_pb2.ChatMessage.FromString(row["parts"]), "INTERRUPTED", "")
    return len(rows)


def search(view: View, project: str, query: str, before: int | None, limit: int) -> list[Row]:
    """Messages of a project that hold all words, newest first, each with its session's `slug`."""
    match = " ".join(f'"{word}"' for word in re.findall(r"\w+", query))
    if not match:
        return []
    return view.all(
        "SELECT m.*, s.project, s.slug FROM chat_words w JOIN chat_messages m ON m.id = w.rowid "
        "JOIN chat_sessions s ON s.id = m.session_id WHERE chat_words MATCH ? AND w.rowid < ? "
        "AND s.project = ? AND s.delete_time IS NULL ORDER BY w.rowid DESC LIMIT ?",
        match,
        2**62 if before is None else before,
        project,
        limit,
    )
