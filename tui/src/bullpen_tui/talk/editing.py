"""An instruction as lines that a person can change, and back. Pure.

What a run is asked for has a line of its own; everything else stays as it was. Names of resources are written by their
last part, and get back what stood before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bullpen_api.v1 import instruction_pb2
from google.protobuf.json_format import MessageToDict, ParseDict

from bullpen_tui.mirror import leaf

Line = tuple[str, str, str]
ALL = "all"
_RUN = ("stage", "scenes", "candidates", "variables", "seed")
_NUMBERS = ("candidates", "seed", "priority", "scale")
_HELP = {
    "objective": "what is to be reached",
    "scenes": "all, or scene_01, scene_02",
    "candidates": "as many as the stage wants",
    "seed": "any",
    "variables": "style=noir, weather=rain",
}


class Unreadable(Exception):
    """A line says nothing that can be taken; the words say what would be."""


def lines_of(one: instruction_pb2.Instruction) -> list[Line]:
    """Objective, and what the call is given: name, value, placeholder."""
    given = _given(one)
    names = list(_RUN) if _is_run(one) else []
    names += [name for name in given if name not in names and _plain(given[name])]
    objective = "" if one.objective == one.preview.summary else one.objective
    return [
        ("objective", objective, one.preview.summary or _HELP["objective"]),
        *((name, _said(name, given.get(name)), _HELP.get(name, "")) for name in names),
    ]


def edited(one: instruction_pb2.Instruction, said: Mapping[str, str]) -> instruction_pb2.Instruction:
    """What an update takes: the name, and what the lines say now. Raises Unreadable."""
    given = _given(one)
    for name, text in said.items():
        if name == "objective" or text == _said(name, given.get(name)):
            continue
        value = _read(name, text, given.get(name), one.name)
        if value is None:
            given.pop(name, None)
        else:
            given[name] = value
    inputs = MessageToDict(one.inputs)
    whole = {**inputs, "spec": given} if _is_run(one) else given
    made = instruction_pb2.Instruction(name=one.name, etag=one.etag, objective=said.get("objective", one.objective))
    ParseDict({"inputs": whole}, made)
    return made


def _is_run(one: instruction_pb2.Instruction) -> bool:
    return one.method.endswith("/CreateRun")


def _given(one: instruction_pb2.Instruction) -> dict[str, Any]:
    inputs: dict[str, Any] = MessageToDict(one.inputs)
    given: dict[str, Any] = dict(inputs.get("spec", {})) if _is_run(one) else inputs
    given.pop("parent", None)
    return given


def _plain(value: object) -> bool:
    """Whether a value goes into one line and comes back the same."""
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | int | float | bool)


def _said(name: str, value: Any) -> str:
    if name == "scenes":
        chosen = value.get("scenes", []) if isinstance(value, Mapping) else None
        return "" if chosen is None else ", ".join(map(leaf, chosen)) or ALL
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(leaf, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={said}" for key, said in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return leaf(str(value)) if str(value).startswith(("projects/", "models/")) else str(value)


def _read(name: str, text: str, before: Any, instruction: str) -> Any:
    """A line's value; None takes it out. Raises Unreadable."""
    if name == "scenes":
        project = "/".join(instruction.split("/")[:2])
        chosen = [] if text.lower() == ALL else [one.strip() for one in text.split(",") if one.strip()]
        if not chosen and text.lower() != ALL:
            raise Unreadable("Say which scenes: all, or their names with commas between.")
        return {"scenes": [one if "/" in one else f"{project}/scenes/{one}" for one in chosen]} if chosen else {}
    if not text:
        return None
    if name == "variables":
        parts = [one.partition("=") for one in text.split(",") if one.strip()]
        if not all(key.strip() and value.strip() for key, _, value in parts):
            raise Unreadable("Variables are written name=value, with commas between.")
        return {key.strip(): value.strip() for key, _, value in parts}
    if isinstance(before, list):
        stem = before[0].rpartition("/")[0] if before else ""
        items = [one.strip() for one in text.split(",") if one.strip()]
        return [one if "/" in one or not stem else f"{stem}/{one}" for one in items]
    if isinstance(before, bool):
        if text.lower() not in ("yes", "no"):
            raise Unreadable(f"{name} is yes or no.")
        return text.lower() == "yes"
    if name in _NUMBERS or isinstance(before, int | float):
        try:
            return json.loads(text) if isinstance(before, float) else str(int(text)) if name == "seed" else int(text)
        except ValueError:
            raise Unreadable(f"{name} is a number, not “{text[:40]}”.") from None
    if isinstance(before, str) and before.startswith(("projects/", "models/")) and "/" not in text:
        return f"{before.rpartition('/')[0]}/{text}"
    return text
