"""Spans of time as people type them: `90`, `90s`, `5m`, `1h30m`, `0`."""

from __future__ import annotations

import re
from typing import Any

import click
from google.protobuf.duration_pb2 import Duration

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


class Span(click.ParamType[Duration]):
    """A number of seconds, or numbers with units. A negative one is passed on: the daemon says why it cannot be."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Duration:
        """The span as a Duration; a usage error where it is none."""
        if isinstance(value, Duration):
            return value
        seconds = parse(str(value))
        if seconds is None or abs(seconds) > 1e11:
            self.fail(f"{value!r} is no span of time; write it like 90s, 5m or 1h30m.", param, ctx)
        micros = round(seconds * 1e6)
        sign = -1 if micros < 0 else 1
        whole, rest = divmod(abs(micros), 1_000_000)
        return Duration(seconds=sign * whole, nanos=sign * rest * 1000)


def parse(text: str) -> float | None:
    """Seconds of a span; None where the text is none."""
    body = text.strip().lower()
    sign = -1.0 if body.startswith("-") else 1.0
    body = body.removeprefix("-")
    if re.fullmatch(r"\d+(?:\.\d+)?", body):
        return sign * float(body)
    if not body or _PART.sub("", body):
        return None
    return sign * sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(body))


SPAN = Span()
