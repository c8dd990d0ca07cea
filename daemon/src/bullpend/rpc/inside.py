"""Calling the daemon's own services without the wire: the same servicers, the same messages, the same errors.

The copilot reads and instructions act by it, so that nothing they do is another code path than a client's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from bullpend.audit import calls
from bullpend.rpc.mounting import Mount


class Inside:
    """What a servicer sees in place of a call's context: it can be told when the call is over."""

    def __init__(self) -> None:
        self._done: list[Callable[[Any], None]] = []

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Remembers what is to be called at the end."""
        self._done.append(callback)

    def end(self) -> None:
        """The call is over."""
        for callback in self._done:
            callback(self)


class Calls:
    """Methods by their full names, such as `bullpen.v1.RunService/GetRun`."""

    def __init__(self) -> None:
        self._servicers: dict[str, object] = {}

    def mount(self, mounts: Iterable[Mount]) -> None:
        """Takes the services that the daemon serves; calls before that know none."""
        self._servicers.update({name: servicer for _, servicer, name in mounts})

    def __contains__(self, method: object) -> bool:
        return isinstance(method, str) and self.descriptor(method) is not None

    def descriptor(self, method: str) -> Any:
        """The method's descriptor; None for one that is not served here."""
        service, _, name = method.partition("/")
        if service not in self._servicers:
            return None
        found: Any = descriptor_pool.Default().FindServiceByName(service)
        return found.methods_by_name.get(name)

    def request_of(self, method: str) -> Message:
        """An empty request of a served method."""
        made: Message = message_factory.GetMessageClass(self.descriptor(method).input_type)()
        return made

    async def call(self, method: str, request: Message) -> Message:
        """The answer of a method that gives one. Raises what the method raises."""
        answers = await self.listed(method, request)
        return answers[0]

    async def listed(self, method: str, request: Message) -> list[Message]:
        """All answers of a method, in their order. Raises what the method raises."""
        service, _, name = method.partition("/")
        handler = getattr(self._servicers[service], name)
        context = Inside()
        # What is changed is put down to the daemon, which does what a person agreed to.
        with calls.entered(method, "daemon", "instructions"):
            try:
                given = handler(request, context)
                if hasattr(given, "__aiter__"):
                    return [answer async for answer in given]
                return [await given]
            finally:
                context.end()
