"""Keyset paging (AIP-158): a token holds the last key of the page and what was asked, and nothing of the server."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from bullpend.errors import FieldInvalid, PageTokenInvalid

T = TypeVar("T")
DEFAULT, MOST = 100, 500
Key = str | int | float


@dataclass(frozen=True)
class Page:
    """One page to be read: `limit` rows after `after`; ask the store for one row more to know whether it goes on."""

    limit: int
    after: tuple[Key, ...] | None
    scope: str

    def cut(self, rows: Sequence[T], keys: Sequence[tuple[Key, ...]]) -> tuple[Sequence[T], str]:
        """The rows of the page and the token of the next one, from up to `limit + 1` rows and their keys."""
        if len(rows) <= self.limit:
            return rows, ""
        token = json.dumps([self.scope, *keys[self.limit - 1]], separators=(",", ":"))
        return rows[: self.limit], base64.urlsafe_b64encode(token.encode()).decode()


def page(size: int, token: str, scope: str, key: tuple[type, ...]) -> Page:
    """Reads page_size and page_token. `scope` is what the list is over; a token of another list is refused.

    Raises FieldInvalid or PageTokenInvalid.
    """
    if size < 0:
        raise FieldInvalid(f"`page_size` is {size}; it cannot be negative.", field="page_size")
    limit = min(size or DEFAULT, MOST)
    if not token:
        return Page(limit, None, scope)
    try:
        values = json.loads(base64.urlsafe_b64decode(token.encode()))
        given, after = values[0], tuple(values[1:])
        good = given == scope and tuple(type(value) for value in after) == key and all(map(_bindable, after))
    except (binascii.Error, ValueError, LookupError, TypeError, RecursionError):
        good = False
    if not good:
        raise PageTokenInvalid("`page_token` was not given by this list.", field="page_token")
    return Page(limit, after, scope)


def _bindable(value: Key) -> bool:
    """Whether the database can compare with it: a token may be forged."""
    if isinstance(value, str):
        return value.isprintable()
    return -(2**63) <= value < 2**63
