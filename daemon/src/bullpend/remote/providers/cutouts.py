"""PhotoRoom and remove.bg: a picture goes there, the same picture without its background comes back.

PhotoRoom: `POST /v1/segment`, key in `x-api-key`; https://docs.photoroom.com/remove-background-api-basic-plan.
remove.bg: `POST /v1.0/removebg`, key in `X-Api-Key`, credits in `X-Credits-Charged`; https://www.remove.bg/api.
Both take `image_file` in a multipart form and answer a PNG with transparency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bullpend.remote.exchange import Outgoing, Reply
from bullpend.remote.model import Order, Sent
from bullpend.remote.providers.base import Answer, Refusal, Unusable, base_of, is_picture, words_of

_CREDITS = "x-credits-charged"


@dataclass(frozen=True, slots=True)
class PhotoRoom:
    """The Remove Background API."""

    address: str

    def outgoing(self, order: Order, model: str, pictures: Sent) -> Outgoing:
        """The picture as a form."""
        fields = {"format": "png", "channels": "rgba", **order.parameters}
        return Outgoing(
            f"{base_of(order, self)}/v1/{model}",
            fields=fields,
            files=(("image_file", ("source.png", pictures.source, "image/png")),),
            headers={"accept": "image/png, application/json"},
        )

    def secrets(self, keys: Mapping[str, str]) -> dict[str, str]:
        """The key."""
        return {"x-api-key": keys["api_key"]}

    def read(self, reply: Reply) -> Answer:
        """The picture; each success is one image of the plan. Raises Unusable."""
        return Answer(_picture(reply), {"images": 1}, reply.headers.get("x-request-id", "")[:200])

    def refusal(self, reply: Reply) -> Refusal:
        """`detail` or `error.message`. 402: the plan's images are used up."""
        words = words_of(reply, ("error", "message"), ("error", "detail"), ("detail",), ("message",))
        return Refusal(words, again=reply.status in (429, 503))


@dataclass(frozen=True, slots=True)
class RemoveBg:
    """The removebg call."""

    address: str

    def outgoing(self, order: Order, model: str, pictures: Sent) -> Outgoing:
        """The picture as a form."""
        return Outgoing(
            f"{base_of(order, self)}/v1.0/{model}",
            fields={"format": "png", "channels": "rgba", **order.parameters},
            files=(("image_file", ("source.png", pictures.source, "image/png")),),
            headers={"accept": "image/png, application/json"},
        )

    def secrets(self, keys: Mapping[str, str]) -> dict[str, str]:
        """The key."""
        return {"x-api-key": keys["api_key"]}

    def read(self, reply: Reply) -> Answer:
        """The picture, and the credits where they are told. Raises Unusable."""
        charged = _credits(reply)
        return Answer(_picture(reply), None if charged is None else {"credits": charged})

    def refusal(self, reply: Reply) -> Refusal:
        """`errors[0].title`. It says itself what it charged; 402: no credits left."""
        words = words_of(reply, ("errors", 0, "title"), ("errors", 0, "detail"))
        charged = _credits(reply)
        return Refusal(words, reply.status in (429, 503), None if charged is None else charged > 0)


def _picture(reply: Reply) -> bytes:
    if not reply.kind.startswith("image/"):
        raise Unusable(f"the answer is {reply.kind[:60] or 'of no type'}, not a picture")
    if not is_picture(reply.body):
        raise Unusable("the answer says that it is a picture, and is none")
    return reply.body


def _credits(reply: Reply) -> float | None:
    try:
        count = float(reply.headers[_CREDITS])
    except (KeyError, ValueError):
        return None
    return count if 0 <= count < 1e6 else None
