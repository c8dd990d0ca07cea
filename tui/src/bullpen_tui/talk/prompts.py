"""Prompts as rows and sentences: what was written, what an enhancement made of it, and what came back. Pure."""

from __future__ import annotations

from bullpen_api.v1 import prompt_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.mirror import leaf
from bullpen_tui.widgets.layout import Column, Row

Kind = prompt_pb2.Prompt
KINDS: dict[int, words.Mark] = {
    Kind.KIND_WRITTEN: ("·", words.QUIET, "written"),
    Kind.KIND_SNAPSHOT: ("◌", words.QUIET, "before"),
    Kind.KIND_ENHANCED: ("✦", words.ACCENT, "enhanced"),
    Kind.KIND_REVERTED: ("↶", words.WARN, "taken back"),
}
_UNKNOWN: words.Mark = ("·", words.FAINT, "unknown")
COLUMNS = (Column("", width=12), Column("", minimum=20, weight=1), Column("", width=10, drop=1), Column("", width=9))


def prompt_row(one: prompt_pb2.Prompt, now: float) -> Row:
    """A prompt for `COLUMNS`."""
    family = words.text((one.family or words.DASH, words.FAINT))
    text = Content(" ".join(one.text.split()))
    when = words.text((words.ago(one.create_time, now), words.FAINT))
    return Row(one.name, (words.mark(KINDS.get(one.kind, _UNKNOWN)), text, family, when))


def prompt_lines(one: prompt_pb2.Prompt, before: prompt_pb2.Prompt | None) -> list[Content]:
    """A prompt as a whole, with what it was made from and what there is to know."""
    rows = [Content(line) for line in one.text.splitlines() or [""]]
    if one.negative_text:
        rows.append(words.text(("without  ", words.FAINT), one.negative_text))
    rows += [words.text(("! ", words.WARN), note) for note in one.notes]
    if before is not None:
        rows.append(words.text(("before   ", words.FAINT), (before.text, words.QUIET)))
    elif one.parent_prompt:
        rows.append(words.text(("made of  ", words.FAINT), (leaf(one.parent_prompt), words.QUIET)))
    if one.model:
        rows.append(words.text(("for      ", words.FAINT), (leaf(one.model), words.QUIET)))
    return rows


def takes_back(one: prompt_pb2.Prompt | None) -> bool:
    """Whether there is something before it to go back to."""
    return one is not None and one.kind == Kind.KIND_ENHANCED and bool(one.parent_prompt)
