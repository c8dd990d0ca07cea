"""The services of a daemon as it describes them itself: methods by name, messages from and to JSON.

Nothing here knows the contract; a daemon that is newer than this program can be called all the same.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from bullpen_client import errors
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

# How alike two names are, of 1, before one is offered for the other.
_NEAR = 0.7
_NESTED = re.compile(r"Failed to parse (\w+) field: ")
_UNKNOWN_FIELD = re.compile(r'Message type "([^"]+)" has no field named "([^"]+)" at "([^"]+)"')


def unknown(name: str, near: list[str], service: str = "") -> errors.MethodUnknown:
    """What to say when a method does not exist; `service` is the one that was named, when the daemon has it."""
    listing = f"`bullpen call --list {service}`" if service else "`bullpen call --list`"
    hint = f"Did you mean {' or '.join(near)}?" if near else f"{listing} shows the methods."
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
                raise _misfit(self.descriptor.input_type, error) from None
            made.append(message)
        return made


def _misfit(message: Descriptor, error: json_format.ParseError) -> errors.FieldInvalid:
    """What to say of a request that does not fit its message; protobuf's own list of fields is left out."""
    words = str(error)
    found = _UNKNOWN_FIELD.search(words)
    if found is None:
        path = _NESTED.findall(words)
        told = _NESTED.sub("", words).splitlines()[0].rstrip(".")
        return _invalid(f"The request does not fit {message.full_name}: {told}.", ".".join(path) or "json")
    inner, name, place = found.groups()
    known = message.file.pool.FindMessageTypeByName(inner).fields
    near = _nearest(name, (field.json_name for field in known))
    hint = f" Did you mean '{near[0]}'?" if near else ""
    # The place is such as `PlanRunRequest.spec`: the request, and the fields down to the message.
    return _invalid(f"{inner} has no field '{name}'.{hint}", ".".join([*place.split(".")[1:], name]))


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
        owner = next((full for full in self.names() if service in (full, full.rpartition(".")[2])), "")
        if not owner:
            near = difflib.get_close_matches(service, self.names(), n=3, cutoff=_NEAR) if service else []
            raise unknown(name, [each.path[1:] for each in self._named_like(method, near)])
        found = self._pool.FindServiceByName(owner).methods_by_name.get(method)
        if found is not None:
            return Method(found)
        raise unknown(name, [each.path[1:] for each in self._named_like(method, [owner])], owner.rpartition(".")[2])

    def _named_like(self, method: str, services: Iterable[str]) -> list[Method]:
        """The methods of these services whose own names come near, at most three, the nearest first."""
        every = [each for service in services for each in self.methods(service)]
        near = _nearest(method, {each.descriptor.name for each in every})
        return [each for name in near for each in every if each.descriptor.name == name][:3]


def _nearest(word: str, known: Iterable[str]) -> list[str]:
    """At most three of the known names that come near a word, whatever their case; the nearest first."""
    folded = {name.lower(): name for name in known}
    return [folded[near] for near in difflib.get_close_matches(word.lower(), folded, n=3, cutoff=_NEAR)]
