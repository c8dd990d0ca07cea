"""Lengths of time as a person writes them: `300`, `90 s`, `5m`, `1h 30m`. Pure."""

from __future__ import annotations

import re

from bullpen_tui.plan import FormError

_PART = re.compile(r"(\d+(?:[.,]\d+)?)\s*(d|h|m|min|s|sec)?(?=\s|\d|$)")
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "min": 60.0, "s": 1.0, "sec": 1.0, "": 1.0}
LONGEST = 366 * 86400.0


def seconds_of(text: str) -> float | None:
    """Seconds of a length of time; nothing for an empty text. Raises FormError for what is none, or above a year."""
    text = text.strip().lower()
    if not text:
        return None
    if _PART.sub("", text).strip():
        raise FormError(f"“{text}” is no length of time. Write it as 300, 90s, 5m or 1h 30m.")
    whole = sum(float(count.replace(",", ".")) * _SECONDS[unit] for count, unit in _PART.findall(text))
    if whole > LONGEST:
        raise FormError(f"“{text}” is longer than a year. To keep a model without end, pin it.")
    return whole


def written(seconds: float) -> str:
    """A length of time in its largest units, such as `1h 30m`."""
    rest = round(seconds)
    parts = []
    for unit, length in (("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"
