"""SQL of prompts. A prompt is never changed: what is made from it is another row that names it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from bullpen_api.v1 import event_pb2, prompt_pb2

from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import ResourceNotFound
from bullpend.rpc.wire import timestamp

NAME = "projects/*/prompts/*"


def name_of(row: Row) -> str:
    """The resource name of a prompt's row."""
    return f"projects/{row['project']}/prompts/{row['slug']}"


def pack(row: Row) -> prompt_pb2.Prompt:
    """The wire form of a prompt's row."""
    return prompt_pb2.Prompt(
        name=name_of(row),
        kind=prompt_pb2.Prompt.Kind.Value(f"KIND_{row['kind']}"),
        text=row["text"],
        negative_text=row["negative_text"],
        model=row["model"],
        family=row["family"],
        parent_prompt=row["parent_prompt"],
        notes=json.loads(row["notes"]),
        create_time=timestamp(row["create_time"]),
        revision=row["revision"],
    )


def create(
    tx: Tx,
    project: str,
    kind: str,
    text: str,
    negative_text: str,
    model: str = "",
    family: str = "",
    parent: str = "",
    notes: Sequence[str] = (),
) -> Row:
    """Adds a prompt; its id counts up inside the project."""
    number = tx.value("SELECT coalesce(max(number), 0) + 1 FROM prompts WHERE project = ?", project)
    row: Row = {
        "project": project,
        "number": number,
        "slug": f"p-{number:04d}",
        "kind": kind,
        "text": text,
        "negative_text": negative_text,
        "model": model,
        "family": family,
        "parent_prompt": parent,
        "notes": json.dumps(list(notes)),
        "create_time": tx.now,
        "revision": tx.next_revision(),
    }
    identity = tx.insert("prompts", row)
    tx.run("INSERT INTO prompt_words (rowid, words) VALUES (?, ?)", identity, f"{text}\n{negative_text}")
    payload = event_pb2.Event(prompt=pack(row)).SerializeToString()
    tx.emit(project, name_of(row), "prompt.created", payload)
    return row


def get(view: View, project: str, slug: str, field: str = "name") -> Row:
    """One prompt. Raises ResourceNotFound."""
    row = view.one("SELECT * FROM prompts WHERE project = ? AND slug = ?", project, slug)
    if row is None:
        name = f"projects/{project}/prompts/{slug}"
        raise ResourceNotFound(f"There is no {name}.", field=field, resource=name)
    return row


def page(view: View, project: str, query: str, before: int | None, limit: int) -> list[Row]:
    """Prompts newest first; with a query those that hold all its words."""
    last = 2**62 if before is None else before
    match = " ".join(f'"{word}"' for word in re.findall(r"\w+", query))
    if not match:
        sql = "SELECT * FROM prompts WHERE project = ? AND id < ? ORDER BY id DESC LIMIT ?"
        return view.all(sql, project, last, limit)
    return view.all(
        "SELECT p.* FROM prompt_words w JOIN prompts p ON p.id = w.rowid WHERE prompt_words MATCH ? AND w.rowid < ? "
        "AND p.project = ? ORDER BY w.rowid DESC LIMIT ?",
        match,
        last,
        project,
        limit,
    )
