"""Decisions about instructions: moves, what a call may name, digests, and when a failure is worth another attempt.

Pure functions, no I/O, no clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from bullpend.errors import BullpenError, FieldInvalid, StateConflict
from bullpend.instructions.model import METHODS, TABLE, Method, Move, State

# Kinds of errors that may be gone a moment later; everything else is the same on every attempt.
PASSING = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "INTERNAL"})
MAX_INPUTS = 64_000
KNOWN_CONSTRAINTS = ("max_cost_usd",)
MOST_CONSTRAINTS = 20
# What the daemon says itself when it carries an instruction out.
_OURS = ("request_id", "plan_digest", "confirm_spend", "validate_only")


def move(state: State, what: Move, name: str = "") -> State:
    """The state after a move. Raises StateConflict where the table has no such pair."""
    after = TABLE.get((state, what))
    if after is None:
        raise StateConflict(
            f"The instruction is {state.value.lower()}, and cannot be {what.value}.",
            field="name",
            resource=name,
            state=state.value,
        )
    return after


def method_of(name: str) -> Method:
    """The method that can be an instruction. Raises FieldInvalid."""
    found = METHODS.get(name)
    if found is None:
        raise FieldInvalid(
            f"`instruction.method` is {name[:100]!r}, which can be no instruction.",
            field="instruction.method",
            remedy="`bullpen instructions methods` lists what can be.",
        )
    return found


def request_of(empty: Message, inputs: Mapping[str, Any], project: str) -> Message:
    """The call's request from its JSON, inside a project. Raises FieldInvalid naming `instruction.inputs`."""
    request = _parsed(empty, inputs)
    fields = request.DESCRIPTOR.fields_by_name
    for name in _OURS:
        if name in fields and getattr(request, name):
            raise FieldInvalid(
                f"`instruction.inputs.{name}` is not for an instruction to say.",
                field=f"instruction.inputs.{name}",
                remedy="Leave it out; the daemon says it itself when a person confirms.",
            )
    if "parent" in fields and not getattr(request, "parent", ""):
        request.parent = f"projects/{project}"  # type: ignore[attr-defined]  # asked for one line above
    for path, text in texts(request):
        _stay_inside(text, f"instruction.inputs.{path}", project)
    return request


def free_of(inputs: Mapping[str, Any], project: str) -> Struct:
    """What the external agent is given, whatever it is, as long as it stays inside the project. Raises FieldInvalid."""
    free = Struct()
    _parsed(free, inputs)
    for _, text in texts(free):
        _stay_inside(text, "instruction.inputs", project)
    return free


def _parsed(empty: Message, inputs: Mapping[str, Any]) -> Message:
    if len(json.dumps(inputs)) > MAX_INPUTS:
        raise FieldInvalid(f"`instruction.inputs` is longer than {MAX_INPUTS} characters.", field="instruction.inputs")
    try:
        return ParseDict(dict(inputs), empty)
    except (ParseError, ValueError, TypeError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise FieldInvalid(
            f"`instruction.inputs` does not fit the method: {said}.", field="instruction.inputs"
        ) from error


def _stay_inside(text: str, field: str, project: str) -> None:
    """Raises FieldInvalid for the name of something in another project."""
    if text.startswith("projects/") and text.split("/")[1] != project:
        raise FieldInvalid(
            f"`{field}` names {text[:100]}, which lies in another project.",
            field=field,
            remedy=f"Name something inside projects/{project}.",
        )


def texts(message: Message, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a message with its path."""
    for field, value in message.ListFields():
        at = f"{path}{field.name}"
        values = value.values() if isinstance(value, Mapping) else value if _repeated(field) else [value]
        for item in values:
            if isinstance(item, str):
                yield at, item
            elif isinstance(item, Message):
                yield from texts(item, f"{at}.")


def _repeated(field: Any) -> bool:
    return bool(field.is_repeated)


def named(request: Message) -> list[str]:
    """Resources inside a project that the request names, each once, in order."""
    found = [text for _, text in texts(request) if text.startswith("projects/") and text.count("/") >= 3]
    return list(dict.fromkeys(found))


def as_json(request: Message) -> dict[str, Any]:
    """A request as proto3 JSON; what is free for the agent, with its whole numbers as such."""
    made: dict[str, Any] = MessageToDict(request)
    return _with_whole_numbers(made) if isinstance(request, Struct) else made


def _with_whole_numbers(value: Any) -> Any:
    """A Struct knows no whole numbers; whoever wrote 3 wants no 3.0."""
    if isinstance(value, dict):
        return {key: _with_whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def digest(method: str, request: Message, constraints: Mapping[str, str], target: Mapping[str, Any]) -> str:
    """SHA-256 over the call, its constraints, and what it would meet; the same while nothing of it moves."""
    said = {"method": method, "inputs": as_json(request), "constraints": dict(constraints), "target": dict(target)}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def check_constraints(given: Mapping[str, str], free: bool = False) -> dict[str, str]:
    """Constraints that are known and well formed; with `free` also others, which somebody else heeds.

    Raises FieldInvalid.
    """
    if len(given) > MOST_CONSTRAINTS:
        raise FieldInvalid(f"More than {MOST_CONSTRAINTS} constraints are given.", field="instruction.constraints")
    for key, value in given.items():
        at = f"instruction.constraints.{key[:60]}"
        if free and key not in KNOWN_CONSTRAINTS and len(key) <= 60 and len(value) <= 1000:
            continue
        if key not in KNOWN_CONSTRAINTS:
            known = ", ".join(KNOWN_CONSTRAINTS)
            raise FieldInvalid(f"`{at}` is not known; constraints are: {known}.", field=at)
        try:
            fine = 0 <= float(value) < 1e9
        except ValueError:
            fine = False
        if not fine:
            raise FieldInvalid(f"`{at}` is {value[:50]!r}, which is no sum of money.", field=at)
    return dict(given)


def after_failure(error: BullpenError, failures: int, max_attempts: int, backoff_seconds: float) -> float | None:
    """Seconds until the next attempt after the attempt that failed as number `failures`; None when it was the last."""
    if error.kind not in PASSING or failures >= max_attempts:
        return None
    return backoff_seconds * failures
