"""What this process knows to be secret, and how it is kept out of everything that is written down or sent.

Whoever brings a clear value into the process (the vault, and nobody else) has it remembered here first. From then on

- `redact` takes it out of texts for people: logs and errors; a sign says which secret stood there;
- `mask` takes it out of what goes into the database, byte for byte, so that a packed message stays one.

A value is known in the forms in which it usually travels: as it is, inside JSON, and inside an address. A form that
was computed from it, such as a signature, is not recognised. What was remembered stays until the process ends: a
deleted key may still be in flight.
"""

from __future__ import annotations

import json
from typing import TypeVar
from urllib.parse import quote, quote_plus

# Shorter values would blot out ordinary words; the vault takes none of them.
LEAST = 8
V = TypeVar("V")

# Longest first, so that no part of a value is left beside the sign of a shorter one.
_texts: list[tuple[str, str]] = []
_bytes: list[bytes] = []


def remember(value: str, label: str) -> None:
    """From now on `value` is never written down; `label` is what stands in its place, such as a secret's name."""
    if len(value) < LEAST:
        raise ValueError("too short to be told from ordinary words")
    forms = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe="")}
    forms |= {quote_plus(value), quote(value), repr(value)[1:-1]}
    known = {text for text, _ in _texts}
    _texts.extend((form, f"[secret {label}]") for form in forms - known)
    _texts.sort(key=lambda item: -len(item[0]))
    _bytes[:] = sorted({text.encode() for text, _ in _texts}, key=lambda item: -len(item))


def redact(text: str) -> str:
    """The text with every known value replaced by its sign."""
    for value, sign in _texts:
        if value in text:
            text = text.replace(value, sign)
    return text


def mask(value: V) -> V:
    """A text or bytes with every known value replaced by as many `*` as it has bytes; everything else as it is."""
    if not _bytes or not isinstance(value, str | bytes):
        return value
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    if not any(known in data for known in _bytes):
        return value
    for known in _bytes:
        data = data.replace(known, b"*" * len(known))
    return data.decode("utf-8", "surrogatepass") if isinstance(value, str) else data  # type: ignore[return-value]  # the type that came in


def forget_all() -> None:
    """For tests: as at the start of a process."""
    _texts.clear()
    _bytes.clear()
