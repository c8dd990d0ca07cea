"""What is common to providers: the form of a call, and the reading of answers that are no success."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from typing import Protocol as Form

from bullpend.remote.exchange import Outgoing, Reply
from bullpend.remote.model import Order, Sent

MOST_WORDS = 300
# A provider's answer may begin with any of these.
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")


class Unusable(Exception):
    """A success whose content is not what the protocol says; the text says how."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a success holds: the picture's bytes, undecoded, and what was charged by. `units` None was not told."""

    picture: bytes
    units: Mapping[str, float] | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a provider says when it does not do the work.

    `again` means that it took nothing and the same may be sent later. `charged` is what it says of money itself; None
    where it says nothing of that.
    """

    words: str
    again: bool = False
    charged: bool | None = None
    request_id: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


class Protocol(Form):
    """One provider's protocol."""

    @property
    def address(self) -> str:
        """Where the provider itself answers; empty where only accounts know."""
        ...

    def outgoing(self, order: Order, model: str, pictures: Sent) -> Outgoing:
        """The call, without its key. `model` is the provider's name of the model."""
        ...

    def secrets(self, keys: Mapping[str, str]) -> dict[str, str]:
        """Headers that hold secrets, by what the secrets are for."""
        ...

    def read(self, reply: Reply) -> Answer:
        """A success. Raises Unusable."""
        ...

    def refusal(self, reply: Reply) -> Refusal:
        """Anything else."""
        ...


def base_of(order: Order, protocol: Protocol) -> str:
    """The address of the account, else of the provider, without a slash at its end."""
    return (order.account.base_url or protocol.address).rstrip("/")


def is_picture(data: bytes) -> bool:
    """Whether bytes begin like a picture; a worker proves that they are one."""
    return data.startswith(_SIGNATURES)


def parsed(body: bytes) -> Any:
    """The body as JSON; None where it is none. Deep nesting and odd numbers are no error."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


# What a status says by itself, where the answer has no words.
_PLAIN = {
    400: "the request is refused",
    401: "the key is not known",
    402: "no credit is left",
    403: "the key may not do this",
    404: "it knows no such address",
    429: "it is too busy",
    500: "it failed",
    502: "it failed",
    503: "it is too busy",
    504: "it took too long",
}


def words_of(reply: Reply, *paths: tuple[str | int, ...]) -> str:
    """The first text that lies at one of the paths in a JSON answer, on one line and short; else what the status is."""
    tree = parsed(reply.body[:65536])
    for path in paths:
        found = tree
        for key in path:
            if isinstance(found, dict) and isinstance(key, str):
                found = found.get(key)
            elif isinstance(found, list) and isinstance(key, int) and len(found) > key:
                found = found[key]
            else:
                found = None
        if isinstance(found, str) and found.strip():
            return " ".join("".join(sign if sign.isprintable() else " " for sign in found).split())[:MOST_WORDS]
    return _PLAIN.get(reply.status, "it gives no reason")
