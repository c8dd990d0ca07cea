"""OpenAI's Images API: `POST /images/edits` (multipart) and `POST /images/generations` (JSON).

Documented at https://developers.openai.com/api/reference/resources/images. The GPT image models answer with
`data[0].b64_json`, and with `usage`: input tokens by text and image, and output tokens, which the bill is made of.
Each call asks for one picture, so that one answer is one charge.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bullpend.remote.exchange import Outgoing, Reply
from bullpend.remote.model import Order, Sent
from bullpend.remote.providers.base import Answer, Refusal, Unusable, base_of, is_picture, parsed, words_of

# 429 for both a rate that will pass and an account without money, told apart by the code.
_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


@dataclass(frozen=True, slots=True)
class Images:
    """The protocol of the Images API."""

    address: str

    def outgoing(self, order: Order, model: str, pictures: Sent) -> Outgoing:
        """An edit where there is a picture to start from, else a generation.

        The picture to edit goes first among `image[]`, those that steer behind it; a `mask` is of the first one, and is
        transparent where it is to be made anew.
        """
        fields = {"model": model, "prompt": order.prompt, "n": "1", **order.parameters}
        if order.size is not None:
            fields["size"] = f"{order.size[0]}x{order.size[1]}"
        base = base_of(order, self)
        if order.upload is None:
            return Outgoing(f"{base}/images/generations", json={**fields, "n": 1})
        files = [("image[]", ("source.png", pictures.source, "image/png"))]
        for number, reference in enumerate(pictures.references, 1):
            files.append(("image[]", (f"reference-{number}.png", reference, "image/png")))
        if pictures.mask:
            files.append(("mask", ("mask.png", pictures.mask, "image/png")))
        return Outgoing(f"{base}/images/edits", fields=fields, files=tuple(files))

    def secrets(self, keys: Mapping[str, str]) -> dict[str, str]:
        """Bearer key, and the organization where one is named; nothing for a server that needs no key."""
        headers = {"authorization": f"Bearer {keys['api_key']}"} if "api_key" in keys else {}
        if keys.get("organization"):
            headers["openai-organization"] = keys["organization"]
        return headers

    def read(self, reply: Reply) -> Answer:
        """The picture and the tokens. Raises Unusable."""
        if reply.kind != "application/json":
            raise Unusable(f"the answer is {reply.kind[:60] or 'of no type'}, not JSON")
        tree = parsed(reply.body)
        data = tree.get("data") if isinstance(tree, dict) else None
        first = data[0] if isinstance(data, list) and data else None
        text = first.get("b64_json") if isinstance(first, dict) else None
        if not isinstance(tree, dict) or not isinstance(text, str):
            raise Unusable("the answer holds no picture at data[0].b64_json")
        try:
            picture = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise Unusable("the picture in the answer is no base64") from None
        if not is_picture(picture):
            raise Unusable("the picture in the answer is no PNG, JPEG or WebP")
        return Answer(picture, _units(tree.get("usage")), reply.headers.get("x-request-id", "")[:200])

    def refusal(self, reply: Reply) -> Refusal:
        """OpenAI's `error.message`. A rate limit passes; an account without money does not."""
        tree = parsed(reply.body[:65536])
        error = tree.get("error") if isinstance(tree, dict) else None
        code = error.get("code") if isinstance(error, dict) else None
        return Refusal(
            words_of(reply, ("error", "message"), ("message",)),
            again=reply.status in (429, 503) and code not in _NO_CREDIT,
            request_id=reply.headers.get("x-request-id", "")[:200],
            extra={"code": code[:60]} if isinstance(code, str) else {},
        )


def _units(usage: Any) -> dict[str, float] | None:
    """Tokens by the names of the price table; None where the answer does not tell them."""
    if not isinstance(usage, dict) or not _count(usage.get("output_tokens")):
        return None
    details = usage.get("input_tokens_details")
    details = details if isinstance(details, dict) else {}
    text, image = _count(details.get("text_tokens")), _count(details.get("image_tokens"))
    if not text and not image:
        # Without details all of it is booked at the dearer rate.
        image = _count(usage.get("input_tokens"))
    return {
        "text_input_tokens": text,
        "image_input_tokens": image,
        "output_tokens": _count(usage.get("output_tokens")),
        "images": 1,
    }


def _count(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 <= value < 1e9 else 0.0
