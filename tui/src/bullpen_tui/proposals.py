"""Instructions and conversations in words: cards, rows and paragraphs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bullpen_api.v1 import copilot_pb2, instruction_pb2, run_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.snapshot import leaf
from bullpen_tui.talk import handing, markdown
from bullpen_tui.widgets.layout import Column, Row

State = instruction_pb2.Instruction

MARKS: dict[instruction_pb2.Instruction.State.ValueType, words.Mark] = {
    State.STATE_UNSPECIFIED: ("·", words.FAINT, "unknown"),
    State.STATE_DRAFT: ("⚑", words.WARN, "draft"),
    State.STATE_QUEUED: ("◌", words.QUIET, "queued"),
    State.STATE_RUNNING: ("●", words.ACCENT, "running"),
    State.STATE_DONE: ("✓", words.GOOD, "done"),
    State.STATE_FAILED: ("✗", words.BAD, "failed"),
    State.STATE_CANCELED: ("⊘", words.QUIET, "canceled"),
}
TYPES = {
    State.TYPE_PIPELINE_RUN: "run",
    State.TYPE_ASSET_EDIT: "edit",
    State.TYPE_QA_CHECK: "QA",
    State.TYPE_STORAGE_SYNC: "sync",
    State.TYPE_CUSTOM: "other",
}
TABS: tuple[tuple[str, frozenset[int]], ...] = (
    ("all", frozenset()),
    ("draft", frozenset({State.STATE_DRAFT})),
    ("going", frozenset({State.STATE_QUEUED, State.STATE_RUNNING})),
    ("done", frozenset({State.STATE_DONE})),
    ("failed", frozenset({State.STATE_FAILED})),
    ("canceled", frozenset({State.STATE_CANCELED})),
)
"""What each tab of the instructions leaves; the first leaves everything."""
COLUMNS = (
    Column("state", width=10),
    Column("type", width=5, drop=3),
    Column("what", minimum=20, weight=4),
    Column("by", minimum=7, weight=1, drop=2),
    Column("tries", width=5, right=True, drop=4),
    Column("cost", width=8, right=True, drop=5),
    Column("asked", width=10, right=True, drop=1),
)
AGAIN = frozenset({State.STATE_FAILED, State.STATE_CANCELED})
"""States in which an instruction can be proposed once more."""
OPEN = frozenset({State.STATE_DRAFT, State.STATE_QUEUED, State.STATE_RUNNING})
"""States in which an instruction can be canceled."""


def cost_of(one: instruction_pb2.Instruction) -> str:
    """What an instruction is expected to cost; empty where it costs no money."""
    shown = one.preview
    if shown.HasField("estimated_cost"):
        return words.money(shown.estimated_cost) if shown.estimated_cost.micros else ""
    return words.money_of(round(shown.estimated_cost_usd * 1e6), "USD") if shown.estimated_cost_usd else ""


def expired(one: instruction_pb2.Instruction, now: float) -> bool:
    """Whether a draft can no longer be confirmed as it was shown."""
    return one.state == State.STATE_DRAFT and one.HasField("expire_time") and words.moment(one.expire_time) <= now


def instruction_row(one: instruction_pb2.Instruction, now: float) -> Row:
    """An instruction for `COLUMNS`."""
    cost = cost_of(one)
    return Row(
        one.name,
        (
            words.mark(words.state(MARKS, one.state)),
            words.text((TYPES.get(one.type, words.DASH), words.QUIET)),
            Content(one.preview.summary or one.objective or one.method.rsplit("/", 1)[-1]),
            words.text((one.requested_by or words.DASH, words.QUIET)),
            words.text((str(one.attempt or words.DASH), words.QUIET)),
            Content(cost or words.DASH),
            words.text((words.ago(one.create_time, now), words.QUIET)),
        ),
    )


def card_lines(one: instruction_pb2.Instruction, now: float) -> list[Content]:
    """What a person needs to know before they confirm, and what became of it."""
    rows = [
        words.text(
            words.mark(words.state(MARKS, one.state)),
            (f"   {TYPES.get(one.type, 'instruction')}", words.QUIET),
            (f"   {leaf(one.name)}", words.FAINT),
        ),
        words.text((one.preview.summary or one.objective, words.STRONG)),
    ]
    if one.preview.summary and one.objective not in ("", one.preview.summary):
        rows.append(words.text((one.objective, words.QUIET)))
    facts = "   ".join(f"{fact.label} {fact.value}" for fact in one.preview.facts)
    rows += [Content(facts)] if facts else []
    rows.append(_price(one))
    for finding in one.preview.findings:
        warns = finding.severity == run_pb2.PolicyFinding.SEVERITY_WARNING
        rows.append(words.text(("! ", words.WARN) if warns else ("· ", words.ACCENT), finding.message))
    if one.state == State.STATE_DRAFT:
        rows.append(_until(one, now))
    if one.result:
        rows.append(words.text(("✓ ", words.GOOD), one.result))
    if one.error.reason:
        rows.append(words.text(("✗ ", words.BAD), f"{one.error.message} ", (one.error.remedy, words.QUIET)))
    return rows


def _price(one: instruction_pb2.Instruction) -> Content:
    cost = cost_of(one)
    if handing.for_agent(one):
        cost = cost or "what the agent takes is not known here"
    parts = [words.text(("about " if cost_of(one) else "", words.QUIET), (cost or "no money", words.STRONG))]
    if one.preview.HasField("estimated_duration"):
        parts.append(words.text((words.clock(words.seconds_of(one.preview.estimated_duration)), words.STRONG)))
    return Content("   ").join(parts)


def _until(one: instruction_pb2.Instruction, now: float) -> Content:
    if expired(one, now):
        return words.text(("! ", words.WARN), "It was shown too long ago; ", ("s", "bold $accent"), " shows it anew.")
    left = f"   expires in {words.clock(words.moment(one.expire_time) - now)}" if one.HasField("expire_time") else ""
    keys = [
        words.text((key, "bold $accent"), f" {label}")
        for key, label in (("y", "confirm"), ("n", "cancel"), ("e", "edit"))
    ]
    return words.text(Content("   ").join(keys), (left, words.FAINT))


def timeline(one: instruction_pb2.Instruction, now: float) -> list[Content]:
    """When what happened, and what was shown and confirmed."""
    steps = (
        ("asked", one.create_time, f"by {one.requested_by}" if one.requested_by else ""),
        ("confirmed", one.confirm_time, ""),
        ("began", one.start_time, f"attempt {one.attempt}" if one.attempt > 1 else ""),
        ("ended", one.end_time, ""),
    )
    rows = [
        words.text((f"{label:<11}", words.FAINT), words.ago(stamp, now), (f"   {rest}", words.QUIET))
        for label, stamp, rest in steps
        if stamp.seconds
    ]
    facts = (("call", one.method), ("run", leaf(one.run)), ("repeats", leaf(one.retry_of)), ("digest", one.digest[:24]))
    rows += [words.text((f"{label:<11}", words.FAINT), value) for label, value in facts if value]
    return [*handing.dispatch_lines(one, now), *rows]


# --- conversations ---------------------------------------------------------------------------------------------------


def chat_row(session: copilot_pb2.ChatSession, now: float) -> Row:
    """A conversation for the list at the left."""
    busy = ("● ", words.ACCENT) if session.answering else ""
    title = session.title or "new conversation"
    return Row(session.name, (words.text(busy, title), words.text((words.ago(session.update_time, now), words.FAINT))))


def message_lines(
    message: copilot_pb2.ChatMessage,
    instructions: Mapping[str, instruction_pb2.Instruction],
    now: float,
) -> list[Content]:
    """One message with all its parts; a card shows what became of its instruction since."""
    mine = message.role == copilot_pb2.ChatMessage.ROLE_PERSON
    who = words.text(("you", words.STRONG)) if mine else words.text((leaf(message.engine) or "copilot", "bold $accent"))
    rows = [words.text(who, (f"  {words.ago(message.create_time, now)}", words.FAINT))]
    for part in message.parts:
        if mine and part.WhichOneof("part") == "text":
            # A person's words stand as they were written.
            rows += [Content(line) for line in part.text.splitlines()]
        else:
            rows += _part(part, instructions, now)
    rows += _ending(message.state)
    return [*rows, Content("")]


def _part(
    part: copilot_pb2.ChatPart, instructions: Mapping[str, instruction_pb2.Instruction], now: float
) -> list[Content]:
    match part.WhichOneof("part"):
        case "text":
            return markdown.lines(part.text)
        case "card":
            known = instructions.get(part.card.instruction)
            one = known if known is not None else part.card.current
            return [words.text(("│ ", words.WARN), row) for row in card_lines(one, now)]
        case "question":
            choices = [
                words.text((f"  {number} ", "bold $accent"), choice)
                for number, choice in enumerate(part.question.choices, 1)
            ]
            return [words.text(("? ", words.ACCENT), part.question.text), *choices]
        case "table":
            return _table(part.table)
        case "failure":
            failure = part.failure
            return [words.text(("✗ ", words.BAD), f"{failure.message} ", (failure.remedy, words.QUIET))]
        case "reading":
            return [words.text((f"· {part.reading.summary}", words.FAINT))]
        case _:
            return [words.text(("· something that this studio does not know yet", words.FAINT))]


def _table(table: copilot_pb2.ChatTable) -> list[Content]:
    cells = [list(table.columns), *(list(row.cells) for row in table.rows)]
    count = max((len(row) for row in cells), default=0)
    widths = [max((len(row[at]) for row in cells if len(row) > at), default=0) for at in range(count)]
    drawn = ["  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=False)).rstrip() for row in cells]
    head = [words.text((table.title, words.STRONG))] if table.title else []
    return [*head, words.text((drawn[0], words.QUIET)), *(Content(row) for row in drawn[1:])]


def _ending(state: copilot_pb2.ChatMessage.State.ValueType) -> list[Content]:
    if state == copilot_pb2.ChatMessage.STATE_WRITING:
        return [words.text(("▍", words.ACCENT))]
    if state == copilot_pb2.ChatMessage.STATE_CANCELED:
        return [words.text(("⊘ stopped", words.QUIET))]
    if state == copilot_pb2.ChatMessage.STATE_INTERRUPTED:
        return [words.text(("⊘ the daemon ended while this was written", words.WARN))]
    return []


def last_card(
    messages: Sequence[copilot_pb2.ChatMessage], instructions: Mapping[str, instruction_pb2.Instruction]
) -> instruction_pb2.Instruction | None:
    """The newest instruction of a conversation that waits for a person or goes on."""
    for message in reversed(messages):
        for part in reversed(message.parts):
            if part.WhichOneof("part") == "card":
                one = instructions.get(part.card.instruction) or part.card.current
                if one.state in OPEN:
                    return one
    return None


def last_choices(messages: Sequence[copilot_pb2.ChatMessage]) -> list[str]:
    """Answers that the last message offers, ready to be sent."""
    for part in reversed(messages[-1].parts if messages else []):
        if part.WhichOneof("part") == "question":
            return list(part.question.choices)
    return []
