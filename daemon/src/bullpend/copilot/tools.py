"""The contract as tools of a language model: made from the descriptors, so that they never differ from it.

Reading tools carry out a call that changes nothing. Proposing tools make a draft. There is no third kind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToJson

from bullpend.copilot.engines import Turn
from bullpend.copilot.reading import READABLE
from bullpend.errors import BullpenError
from bullpend.instructions.model import METHODS
from bullpend.rpc.inside import Calls

MOST_DEPTH = 4
MOST_RESULT = 8000
# What the daemon says itself, and what a project's own tools need not say.
_OURS = ("request_id", "plan_digest", "confirm_spend", "confirm_offload", "validate_only", "parent", "page_token")
# What the daemon writes itself into resources.
_NOT_WRITTEN = ("name", "etag", "revision", "create_time", "update_time", "delete_time")
_FORMATS = {"Timestamp": "timestamp", "Duration": "duration", "FieldMask": "field-mask"}
_SIZES = {
    FieldDescriptor.TYPE_INT32: "small",
    FieldDescriptor.TYPE_SINT32: "small",
    FieldDescriptor.TYPE_UINT32: "whole",
    FieldDescriptor.TYPE_UINT64: "whole",
}
_INTEGERS = (
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_SINT32,
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_SINT64,
)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool by its name; `proposes` says that it makes a draft instead of reading."""

    name: str
    method: str
    words: str
    proposes: bool
    parameters: Mapping[str, Any]

    def described(self) -> dict[str, Any]:
        """As chat completions want it."""
        function = {"name": self.name, "description": self.words, "parameters": _plain(self.parameters)}
        return {"type": "function", "function": function}

    def in_short(self, depth: int) -> str:
        """In a line, for a model that learns the form from its grammar: name, names of what it takes, what it does."""
        return f"{self.name}({_names(self.parameters, depth) if depth else '…'}): {self.words}"


def tools(calls: Calls) -> dict[str, Tool]:
    """Every tool of this daemon by its name."""
    made: dict[str, Tool] = {}
    for method, words in READABLE.items():
        if method in calls:
            name = f"read_{method.partition('/')[2]}"
            made[name] = Tool(name, method, words, False, schema(calls.descriptor(method).input_type))
    for known in METHODS.values():
        if known.name in calls:
            name = f"propose_{known.name.partition('/')[2]}"
            words = f"Proposes: {known.words} The person sees a card and confirms it, or not."
            made[name] = Tool(name, known.name, words, True, schema(calls.descriptor(known.name).input_type))
    return made


def schema(message: Any, depth: int = 0) -> dict[str, Any]:
    """The JSON schema of a message; what lies deeper than a few messages is any object.

    What JSON schemas of tools cannot say, or not everywhere, stands under keys that begin with `x-`.
    """
    if message.full_name.startswith("google.protobuf."):
        kind = _FORMATS.get(message.name)
        return {"type": "object"} if kind is None else {"type": "string", "x-format": kind}
    if depth >= MOST_DEPTH:
        return {"type": "object"}
    fields = [field for field in message.fields if depth or field.name not in _OURS]
    made: dict[str, Any] = {
        "type": "object",
        "properties": {field.json_name: _field(field, depth) for field in fields},
        "additionalProperties": False,
    }
    for field in fields if depth == 0 else ():
        if field.name.endswith("_id"):
            made["properties"][field.json_name]["x-format"] = "slug"
    groups = [[field.json_name for field in group.fields if field in fields] for group in message.oneofs]
    if groups := [group for group in groups if len(group) > 1]:
        made["x-oneofs"] = groups
    resource = next((field for field in fields if field.message_type is not None and not _is_mask(field)), None)
    for field in fields:
        if _is_mask(field) and resource is not None:
            paths = [inner.json_name for inner in resource.message_type.fields if inner.name not in _NOT_WRITTEN]
            made["properties"][field.json_name]["x-paths"] = paths
    return made


def _is_mask(field: Any) -> bool:
    return field.message_type is not None and field.message_type.name == "FieldMask"


def _field(field: Any, depth: int) -> dict[str, Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": _one(field.message_type.fields_by_name["value"], depth)}
    one = _one(field, depth)
    return {"type": "array", "items": one} if field.is_repeated else one


def _one(field: Any, depth: int) -> dict[str, Any]:
    if field.message_type is not None:
        return schema(field.message_type, depth + 1)
    if field.enum_type is not None:
        return {"type": "string", "enum": [value.name for value in field.enum_type.values if value.number]}
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"type": "boolean"}
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return {"type": "number"}
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "x-format": "base64"}
    if field.type in _INTEGERS:
        return {"type": "integer", "x-size": _SIZES.get(field.type, "long")}
    return {"type": "string"}


def _plain(schema: Any) -> Any:
    """A schema as everybody knows it."""
    if isinstance(schema, Mapping):
        return {key: _plain(value) for key, value in schema.items() if not str(key).startswith("x-")}
    return [_plain(item) for item in schema] if isinstance(schema, list) else schema


def _names(schema: Mapping[str, Any], depth: int) -> str:
    """Names of what an object takes, to a depth."""
    found = []
    for name, value in schema.get("properties", {}).items():
        inner = value.get("items", value)
        more = _names(inner, depth - 1) if depth > 1 and inner.get("properties") else ""
        found.append(f"{name}{{{more}}}" if more else name)
    return ", ".join(found)


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gave back to the model, and the draft that it made, if any."""

    text: str
    instruction: str = ""


async def use(turn: Turn, known: Mapping[str, Tool], name: str, arguments: str) -> Result:
    """Uses a tool as the model asks. What is wrong with the asking is told to the model, and nothing else happens."""
    tool = known.get(name)
    if tool is None:
        return Result(_error("NO_SUCH_TOOL", f"There is no tool {name[:60]}."))
    try:
        inputs = json.loads(arguments or "{}")
    except (json.JSONDecodeError, RecursionError):
        return Result(_error("FIELD_INVALID", "The arguments are no JSON."))
    if not isinstance(inputs, dict):
        return Result(_error("FIELD_INVALID", "The arguments are no JSON object."))
    try:
        if tool.proposes:
            row = await turn.propose(tool.method, inputs, "")
            made = f"projects/{row['project']}/instructions/{row['slug']}"
            said = {"instruction": made, "state": "DRAFT", "note": "Shown as a card. Only the person can confirm it."}
            return Result(json.dumps(said), made)
        answer = MessageToJson(await turn.read(tool.method, inputs), indent=None)
    except BullpenError as error:
        return Result(_error(error.reason, f"{error.message} {error.remedy}"))
    if len(answer) > MOST_RESULT:
        answer = json.dumps({"cut_after_characters": MOST_RESULT, "beginning": answer[:MOST_RESULT]})
    return Result(answer)


def _error(reason: str, message: str) -> str:
    return json.dumps({"error": {"reason": reason, "message": message.strip()}})
