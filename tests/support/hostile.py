"""Messages that no honest client sends, made from descriptors: every field may hold anything that its type can."""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

ROOT = Path(__file__).resolve().parents[2]
TEXTS = (
    "",
    "x",
    "../../etc/passwd",
    "projects/../x",
    "/dev/zero",
    "a\0b",
    "\u202e🙂é\x1b[2J",
    "'; DROP TABLE runs;--",
    "{{{[[[",
    "%s%n%x",
    "-",
    "=" * 7,
    "9" * 400,
    "x" * 70_000,
    "[" * 3000,
    '{"a":' * 500,
)
WHOLE = (0, 1, -1, 2, 77, 2**31 - 1, -(2**31))
LONG = (*WHOLE, 2**63 - 1, -(2**63), 2**32, 10**15)
REAL = (0.0, -0.0, 1.5, -1.0, 1e308, 1e-308, float("inf"), float("-inf"), float("nan"))
DEEPEST = 5


def methods() -> list[MethodDescriptor]:
    """Every method of the public contract."""
    files = sorted(path.stem for path in (ROOT / "proto" / "bullpen" / "v1").glob("*.proto"))
    modules = [import_module(f"bullpen_api.v1.{name}_pb2") for name in files]
    services = [service for module in modules for service in module.DESCRIPTOR.services_by_name.values()]
    return [method for service in services for method in service.methods]


class Fuzzer:
    """Makes requests; the same seed makes the same ones. `names` are of resources that exist, so that calls get far."""

    def __init__(self, seed: int, names: Sequence[str]) -> None:
        self._chance = random.Random(seed)
        self._names = tuple(names)

    def request(self, method: MethodDescriptor) -> Message:
        """A request of this method."""
        return self._message(method.input_type, 0)

    def _message(self, descriptor: Any, depth: int) -> Message:
        made: Any = GetMessageClass(descriptor)()
        fields = list(descriptor.fields)
        # Sometimes nearly everything is set, sometimes nearly nothing.
        share = self._chance.choice((0.2, 0.6, 0.95))
        for field in fields:
            if self._chance.random() < (share if depth < DEEPEST else 0.0):
                self._fill(made, field, depth)
        return made  # type: ignore[no-any-return]  # made by a factory that says nothing of its type

    def _fill(self, made: Any, field: FieldDescriptor, depth: int) -> None:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields
            for _ in range(self._chance.choice((1, 2, 70))):
                if value.message_type is not None:
                    made_value = getattr(made, field.name)[self._scalar(key)]
                    made_value.CopyFrom(self._message(value.message_type, depth + 1))
                else:
                    getattr(made, field.name)[self._scalar(key)] = self._scalar(value)
        elif field.is_repeated:
            for _ in range(self._chance.choice((1, 2, 30))):
                if field.message_type is not None:
                    getattr(made, field.name).add().CopyFrom(self._message(field.message_type, depth + 1))
                else:
                    getattr(made, field.name).append(self._scalar(field))
        elif field.message_type is not None:
            getattr(made, field.name).CopyFrom(self._message(field.message_type, depth + 1))
        else:
            setattr(made, field.name, self._scalar(field))

    def _scalar(self, field: FieldDescriptor) -> Any:
        choose = self._chance.choice
        kind = field.type
        if kind == FieldDescriptor.TYPE_STRING:
            # Half of the texts are names that exist, so that a call is not refused by its first field.
            return choose(self._names) if self._chance.random() < 0.5 else choose(TEXTS)
        if kind == FieldDescriptor.TYPE_BYTES:
            return choose(TEXTS).encode()
        if kind == FieldDescriptor.TYPE_BOOL:
            return choose((True, False))
        if kind in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
            return choose(REAL)
        if kind in (FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64):
            return abs(choose(WHOLE)) % 2**31
        if kind == FieldDescriptor.TYPE_ENUM and field.enum_type is not None:
            return choose((*field.enum_type.values_by_number, 77))
        return choose(LONG if kind in (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SINT64) else WHOLE)
