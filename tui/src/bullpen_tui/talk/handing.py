"""What is handed over to the external agent, as lines to write, and how far it has come. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bullpen_api.v1 import instruction_pb2, system_pb2
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from textual.content import Content

from bullpen_tui import words

Line = tuple[str, str, str]
Dispatch = instruction_pb2.InstructionDispatch
AGENT = instruction_pb2.InstructionExecution.EXECUTOR_AGENT
TYPES = {
    name.removeprefix("TYPE_").lower(): value
    for name, value in instruction_pb2.Instruction.Type.items()
    if name != "TYPE_UNSPECIFIED"
}
NO_AGENT = (
    "No agent is set up. Name its address in daemon.toml ([agent] url, and secret for its key), and start the daemon "
    "anew."
)


def for_agent(one: instruction_pb2.Instruction) -> bool:
    """Whether it leaves this machine."""
    return one.execution.executor == AGENT


def agent_of(settings: system_pb2.ListSettingsResponse | None) -> str | None:
    """The address of the agent; empty where none is set up, None where nobody has said yet."""
    if settings is None:
        return None
    return next((one.value for one in settings.settings if one.name == "agent.url"), "")


def lines_for(one: instruction_pb2.Instruction | None) -> list[Line]:
    """What is to be written; what an instruction says already stands there."""
    kind = next((name for name, value in TYPES.items() if one is not None and value == one.type), "custom")
    inputs = json.dumps(MessageToDict(one.inputs), ensure_ascii=False) if one is not None else ""
    return [
        ("objective", one.objective if one is not None else "", "what the agent is to do, in a sentence"),
        ("type", kind, " | ".join(TYPES)),
        ("call", one.method if one is not None else "", "a call of the contract, or nothing"),
        ("inputs", inputs if inputs != "{}" else "", '{"size": [2048, 1024]}'),
        ("limits", "", "max_cost_usd=2, style=ink"),
    ]


def problem_of(said: Mapping[str, str]) -> str:
    """What is wrong with the lines, and what to write; empty where nothing is."""
    try:
        instruction_of(said)
    except ValueError as error:
        return str(error)
    return ""


def instruction_of(said: Mapping[str, str]) -> instruction_pb2.Instruction:
    """What is proposed to be handed over. Raises ValueError with a sentence."""
    if not said["objective"]:
        raise ValueError("Say what the agent is to do.")
    if said["type"].lower() not in TYPES:
        raise ValueError(f"The type is one of {', '.join(TYPES)}.")
    made = instruction_pb2.Instruction(
        objective=said["objective"],
        type=TYPES[said["type"].lower()],
        method=said["call"],
        execution=instruction_pb2.InstructionExecution(executor=AGENT),
        confirmation_required=True,
        requested_by="studio",
    )
    for part in filter(None, (one.strip() for one in said["limits"].split(","))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"A limit is written name=value, not “{part[:40]}”.")
        made.constraints[name.strip()] = value.strip()
    try:
        inputs = json.loads(said["inputs"] or "{}")
        if not isinstance(inputs, dict):
            raise ValueError
        ParseDict({"inputs": inputs}, made)
    except (ValueError, RecursionError, ParseError):
        raise ValueError('The inputs are one JSON object, such as {"size": [2048, 1024]}.') from None
    return made


def question(one: instruction_pb2.Instruction) -> Content:
    """What a person is asked before it leaves this machine: where it goes, and all that is sent."""
    facts = {fact.label: fact.value for fact in one.preview.facts}
    rows = [
        words.text(("This leaves this machine.", words.WARN)),
        words.text(("to       ", words.FAINT), (facts.get("agent", "the agent of the settings"), words.STRONG)),
        words.text(("wants    ", words.FAINT), one.objective),
    ]
    for label, value in facts.items():
        if label != "agent" and value:
            rows.append(words.text((f"{label:<8} ", words.FAINT), value))
    return words.lines(rows)


_STEPS = {
    Dispatch.STATE_PREPARED: "nothing has left this machine yet",
    Dispatch.STATE_SENDING: "is being sent",
    Dispatch.STATE_UNCERTAIN: "sent {times}; nobody knows whether it was taken, its status is asked for",
    Dispatch.STATE_ACCEPTED: "taken by the agent, sent {times}; its status is asked for",
    Dispatch.STATE_ANSWERED: "answered by {by}, sent {times}",
    Dispatch.STATE_CLOSED: "refused, or the time for an answer is over; sent {times}",
}


def dispatch_lines(one: instruction_pb2.Instruction, now: float) -> list[Content]:
    """How far handing it over has come."""
    if not one.HasField("dispatch"):
        return []
    sent = one.dispatch
    times = "once" if sent.deliveries == 1 else f"{sent.deliveries} times"
    how = _STEPS.get(sent.state, "").format(times=times, by=sent.answered_by)
    rows = [words.text((f"{'agent':<11}", words.FAINT), sent.host, (f"   {how}", words.QUIET))]
    for label, stamp in (("sent", sent.send_time), ("answered", sent.answer_time)):
        if stamp.seconds:
            rows.append(words.text((f"{label:<11}", words.FAINT), words.ago(stamp, now)))
    open_ = sent.state not in (Dispatch.STATE_ANSWERED, Dispatch.STATE_CLOSED)
    if sent.HasField("expire_time") and open_:
        left = max(0.0, words.moment(sent.expire_time) - now)
        rows.append(words.text((f"{'waits':<11}", words.FAINT), f"another {words.span(left)} for its answer"))
    return rows
