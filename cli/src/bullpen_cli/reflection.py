"""The services of a daemon as it describes them itself: methods by name, messages from and to JSON.

Nothing here knows the contract; a daemon that is newer than this program can be called all the same.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from bullpen_client import errors
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def unknown(name: str, near: list[str]) -> errors.MethodUnknown:
    """What to say when a method does not exist."""
    hint = f"Did you mean {' or '.join(near)}?" if near else "`bullpen call --list` shows the methods."
    return errors.MethodUnknown(
        f"The daemon has no method {name}.",
        field="method",
        remedy=hint,
        metadata={"nearest": ", ".join(near)} if near else {},
        code=grpc.StatusCode.UNIMPLEMENTED,
    )


def _invalid(message: str, field: str) -> errors.FieldInvalid:
    return errors.FieldInvalid(
        message,
        field=field,
        remedy="See the message in proto/, or `bullpen call --list SERVICE` for the types.",
        code=grpc.StatusCode.INVALID_ARGUMENT,
    )


@dataclass(frozen=True)
class Method:
    """One method; `path` is how it is called."""

    descriptor: MethodDescriptor

    @property
    def path(self) -> str:
        """`/package.Service/Method`."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def signature(self) -> str:
        """The method as `Service/Method(stream Request) → stream Answer`."""
        d = self.descriptor
        takes = "stream " * d.client_streaming + d.input_type.full_name
        gives = "stream " * d.server_streaming + d.output_type.full_name
        return f"{self.path[1:]}({takes}) → {gives}"

    def requests(self, text: str) -> list[Any]:
        """The messages that a JSON text stands for: one object, or an array where the client streams.

        Raises FIELD_INVALID that names the place.
        """
        try:
            given = json.loads(text) if text.strip() else {}
        except ValueError as error:
            raise _invalid(f"The request is not JSON: {error}.", "json") from None
        if not self.descriptor.client_streaming:
            given = [given]
        elif not isinstance(given, list):
            raise _invalid("The method takes a stream: give a JSON array of requests.", "json")
        message_class = GetMessageClass(self.descriptor.input_type)
        made = []
        for one in given:
            if not isinstance(one, dict):
                raise _invalid("A request is a JSON object.", "json")
            message = message_class()
            try:
                json_format.ParseDict(one, message)
            except json_format.ParseError as error:
                raise _invalid(
                    f"The request does not fit {message.DESCRIPTOR.full_name}: {error}", _field(error)
                ) from None
            made.append(message)
        return made


def _field(error: json_format.ParseError) -> str:
    """Name of the field that a parse error speaks of, as far as it says."""
    words = str(error)
    for mark in ('named "', "parse ", "value for "):
        if mark in words:
            return words.split(mark, 1)[1].split('"')[0].split(" ")[0].rstrip(":.")
    return "json"


class Services:
    """What a daemon offers."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._database = ProtoReflectionDescriptorDatabase(channel)
        self._pool = DescriptorPool(self._database)

    def names(self) -> list[str]:
        """Full names of the services."""
        return sorted(self._database.get_services())

    def service(self, name: str) -> ServiceDescriptor:
        """A service by its full name, or by its last part."""
        known = self.names()
        for full in known:
            if name in (full, full.rpartition(".")[2]):
                return self._pool.FindServiceByName(full)
        raise unknown(name, difflib.get_close_matches(name, known, n=3))

    def methods(self, service: str = "") -> Iterator[Method]:
        """The methods of a service, or of all."""
        for full in [self.service(service).full_name] if service else self.names():
            for descriptor in self._pool.FindServiceByName(full).methods:
                yield Method(descriptor)

    def method(self, name: str) -> Method:
        """A method by `package.Service/Method`, `package.Service.Method` or `Service/Method`.

        Raises METHOD_UNKNOWN with the nearest names.
        """
        service, slash, method = name.strip("/").rpartition("/")
        if not slash:
            service, _, method = name.rpartition(".")
        known = self.names()
        for full in known:
            if service and service in (full, full.rpartition(".")[2]):
                found = self._pool.FindServiceByName(full).methods_by_name.get(method)
                if found is not None:
                    return Method(found)
        every = [each.path[1:] for each in self.methods()]
        folded = {path.lower(): path for path in every}
        near = difflib.get_close_matches(name.strip("/").lower(), folded, n=3, cutoff=0.5)
        raise unknown(name, [folded[path] for path in near])
