"""What a document would change in the bible, in words. Pure."""

from __future__ import annotations

import json

from bullpen_api.v1 import bootstrap_pb2
from bullpen_client.errors import BullpenError
from textual.content import Content

from bullpen_tui import words

Change = bootstrap_pb2.BootstrapChange
SIGNS = {
    Change.ACTION_CREATE: ("+", words.GOOD, "new"),
    Change.ACTION_UPDATE: ("~", words.ACCENT, "changed"),
    Change.ACTION_DELETE: ("-", words.BAD, "into the trash"),
    Change.ACTION_RESTORE: ("^", words.WARN, "out of the trash"),
}
LONG = 240
"""Signs of a value that are shown."""
MOST = 400
"""Lines that are shown; a document may have thousands of changes."""


def unfenced(text: str) -> str:
    """The document without the fence that language models like to put around it."""
    lines = text.strip().splitlines()
    fenced = len(lines) > 1 and lines[0].startswith("```") and lines[-1].strip() == "```"
    return "\n".join(lines[1:-1]) if fenced else text.strip()


def sums(answer: bootstrap_pb2.ImportBootstrapResponse) -> str:
    """How much changes, in one line."""
    counts = (
        (answer.created, "new"),
        (answer.updated, "changed"),
        (answer.deleted, "into the trash"),
        (answer.restored, "out of the trash"),
        (answer.unchanged, "as they are"),
    )
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing in it"


def preview_lines(answer: bootstrap_pb2.ImportBootstrapResponse) -> list[Content]:
    """Every change with its fields, before and after."""
    rows = [words.text((sums(answer), words.STRONG)), Content("")]
    if not answer.changes:
        rows.append(words.text(("The bible says all of this already.", words.QUIET)))
    for change in answer.changes:
        if len(rows) > MOST:
            rows.append(words.text(("… and more; `bullpen bootstrap import --dry-run` shows all.", words.FAINT)))
            break
        sign, style, word = SIGNS.get(change.action, ("·", words.QUIET, "changed"))
        name = change.name.split("/", 2)[-1]
        title = f"   {change.title}" if change.title else ""
        rows.append(words.text((f"{sign} ", style), (name, words.STRONG), title, (f"   {word}", style)))
        for one in change.differences:
            if change.action == Change.ACTION_CREATE:
                rows.append(words.text((f"    {one.field}  ", words.QUIET), shown(one.after_json)))
                continue
            rows.append(words.text((f"    {one.field}", words.QUIET)))
            rows.append(words.text(("    - ", words.BAD), (shown(one.before_json), words.QUIET)))
            rows.append(words.text(("    + ", words.GOOD), shown(one.after_json)))
    return rows


def shown(value: str) -> str:
    """A JSON value for people: texts without quotes, long ones cut."""
    try:
        found = json.loads(value) if value else None
    except ValueError:
        found = value
    text = words.DASH if found in (None, "", [], {}) else found if isinstance(found, str) else json.dumps(found)
    text = " ".join(str(text).split())
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def refusal_lines(error: BullpenError) -> list[Content]:
    """Why a document cannot be taken: where in it, what, and what to do. Nothing of it was taken."""
    rows = []
    if error.field and error.field != "document":
        rows.append(words.text(("at ", words.QUIET), (error.field, words.STRONG)))
    rows.append(words.text(("✗ ", words.BAD), str(error)))
    if error.remedy:
        rows.append(words.text(("  " + error.remedy, words.QUIET)))
    return [*rows, Content(""), words.text(("Nothing was changed.", words.FAINT))]
