"""The grammar of tool calls: GBNF made from the tools' schemas, so that what is no valid call cannot be said.

Source of the notation: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md. Every text, list and
number is bounded, so that a call comes to an end whatever the weights are. Members of an object come in the order of
the contract, each at most once, of a oneof at most one. A text that names something of another project is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bullpend.copilot.tools import Tool

# What a model says before and after a call, as models of the Hermes and Qwen families were trained to.
OPEN, SHUT = "<tool_call>", "</tool_call>"
# Letters of one text, and members of one list.
MOST_TEXT, MOST_ITEMS = 400, 12
_FIXED = """
sp ::= " "?
boolean ::= "true" | "false"
number ::= "-"? ("0" | [1-9] [0-9]{0,7}) ("." [0-9]{1,6})?
small ::= "-"? ("0" | [1-9] [0-9]{0,8})
whole ::= "0" | [1-9] [0-9]{0,8}
long ::= "-"? ("0" | [1-9] [0-9]{0,14})
duration ::= "\\"" ("0" | [1-9] [0-9]{0,6}) ("." [0-9]{1,3})? "s\\""
timestamp ::= "\\"20" [0-9] [0-9] "-0" [1-9] "-" ("0" [1-9] | [1-2] [0-8]) "T" hour ":" sixty ":" sixty "Z\\""
sixty ::= [0-5] [0-9]
hour ::= "0" [0-9] | "1" [0-9] | "2" [0-3]
slug ::= "\\"" [a-z] [a-z0-9_]{0,30} "\\""
base64 ::= "\\"" ([A-Za-z0-9+/]{4}){0,16} "\\""
letter ::= [^"\\\\\\x7F\\x00-\\x1F] | "\\\\" ["\\\\/nrt]
key ::= "\\"" [A-Za-z_] [A-Za-z0-9_]{0,30} "\\""
"""


def grammar(tools: Iterable[Tool], project: str, most_text: int = MOST_TEXT) -> str:
    """The grammar of what follows OPEN, up to and with SHUT: a call of one of these tools by a copilot of a project."""
    made = _Rules(project, most_text)
    calls = []
    for tool in tools:
        name = _quoted(json.dumps(tool.name))
        calls.append(f'{name} sp "," sp "\\"arguments\\":" sp {made.rule(tool.parameters)}')
    return made.text(f'[ \\n]? "{{" sp "\\"name\\":" sp ({" | ".join(calls)}) sp "}}" [ \\n]? {_quoted(SHUT)}')


class _Rules:
    """Rules by the schemas that they stand for; equal schemas have one rule."""

    def __init__(self, project: str, most_text: int) -> None:
        self._rules: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._project = project
        self._most_text = most_text

    def text(self, root: str) -> str:
        """The whole grammar."""
        lines = [f"root ::= {root}", *(f"{name} ::= {rule}" for name, rule in self._rules.items())]
        return "\n".join([*lines, *_text_rules(self._project, self._most_text)]) + _FIXED

    def rule(self, schema: Mapping[str, Any]) -> str:
        """The name of the rule for values of a schema."""
        if "enum" in schema:
            return self._named(schema, " | ".join(_quoted(json.dumps(value)) for value in schema["enum"]))
        match schema.get("type"):
            case "boolean" | "number" as known:
                return str(known)
            case "integer":
                return str(schema.get("x-size", "long"))
            case "string":
                return self._string(schema)
            case "array":
                item = self.rule(schema["items"])
                some = "" if schema.get("minItems") else "?"
                items = f'({item} (sp "," sp {item}){{0,{MOST_ITEMS - 1}}} sp){some}'
                return self._named(schema, f'"[" sp {items} "]"')
        return self._object(schema)

    def _string(self, schema: Mapping[str, Any]) -> str:
        kind = schema.get("x-format", "")
        if kind == "field-mask":
            paths = schema.get("x-paths", [])
            one = " | ".join(_quoted(path) for path in paths)
            return self._named(schema, f'"\\"" ({one}) ("," ({one})){{0,3}} "\\""' if paths else '"\\"\\""')
        return kind or "text"

    def _object(self, schema: Mapping[str, Any]) -> str:
        more = schema.get("additionalProperties")
        if isinstance(more, Mapping):
            pair = f'key sp ":" sp {self.rule(more)}'
            return self._named(schema, f'"{{" sp ({pair} (sp "," sp {pair}){{0,{MOST_ITEMS - 1}}} sp)? "}}"')
        slots = self._slots(schema)
        if not slots:
            return self._named(schema, '"{" sp "}"')
        name = self._named(schema, "")
        # `name-a-N`: nothing was said yet and N and what follows may be; `name-b-N`: something was.
        for number, (slot, must) in enumerate(slots):
            after, later = f"{name}-b-{number + 1}", f"{name}-a-{number + 1}"
            last = number + 1 == len(slots)
            self._rules[f"{name}-a-{number}"] = (
                slot if last else f"{slot} {after}" if must else f"{slot} {after} | {later}"
            )
            said = f'sp "," sp {slot}' if must else f'(sp "," sp {slot})?'
            self._rules[f"{name}-b-{number}"] = said if last else f"{said} {after}"
        some = "" if any(must for _, must in slots) else "?"
        self._rules[name] = f'"{{" sp ({name}-a-0 sp){some} "}}"'
        return name

    def _slots(self, schema: Mapping[str, Any]) -> list[tuple[str, bool]]:
        """The members in their order, and whether each must be said; those of a oneof share a place."""
        pairs = {
            key: f"{_quoted(json.dumps(key) + ':')} sp {self.rule(value)}"
            for key, value in schema.get("properties", {}).items()
        }
        required = schema.get("required", ())
        groups = [group for group in schema.get("x-oneofs", []) if len(group) > 1]
        slots = []
        for key, pair in pairs.items():
            group = next((group for group in groups if key in group), None)
            if group is None:
                slots.append((pair, key in required))
            elif key == next(other for other in group if other in pairs):
                said = " | ".join(pairs[other] for other in group if other in pairs)
                slots.append((f"({said})", bool(set(group) & set(required))))
        return slots

    def _named(self, schema: Mapping[str, Any], rule: str) -> str:
        said = json.dumps(schema, sort_keys=True)
        name = self._names.get(said)
        if name is None:
            name = self._names[said] = f"r{len(self._names)}"
            self._rules[name] = rule
        return name


def _text_rules(project: str, most: int) -> list[str]:
    """Texts; one that begins like a resource's name is one of this project, or of what belongs to none."""
    own = _quoted(f"projects/{project}")
    word = "projects/"
    # Whatever leaves that word before its end, and the ends themselves.
    ways = ['""']
    for number, letter in enumerate(word):
        ways.append(f'{_quoted(word[:number])} ([^"\\\\\\x7F\\x00-\\x1F{_in_class(letter)}] | "\\\\" ["\\\\/nrt]) rest')
        if number:
            ways.append(_quoted(word[:number]))
    path = f'{own} ("/" [A-Za-z0-9_./-]{{0,{min(most, 120)}}})?'
    return [f'text ::= "\\"" ({" | ".join([path, *ways])}) "\\""', f"rest ::= letter{{0,{most}}}"]


def _in_class(letter: str) -> str:
    return f"\\{letter}" if letter in "\\]^-" else letter


def _quoted(text: str) -> str:
    """A text as a literal of the notation."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
