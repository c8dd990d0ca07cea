"""What stands in the place of the daemon until one was reached: every call is refused in words."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Self, cast

from bullpen_client.errors import DaemonUnavailable

from bullpen_tui.port import Daemon


class _Refusal:
    """The answer to any call, whether it is awaited or iterated over."""

    def __await__(self) -> Generator[Any, Any, Any]:
        raise self._error
        yield

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        raise self._error

    @property
    def _error(self) -> DaemonUnavailable:
        return DaemonUnavailable("No daemon was reached yet.", remedy="Wait for it; the line above says what is wrong.")


class _Nobody:
    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: _Refusal()


NOBODY = cast("Daemon", _Nobody())
"""A daemon that refuses everything."""
