"""A secret in clear, while it is used: it shows itself to nobody who does not ask for it by name."""

from __future__ import annotations

from typing import NoReturn, final

SHOWN = "•••"


@final
class Secret:
    """A clear value with its name. `reveal()` gives the value; whatever else prints, formats or copies it does not."""

    __slots__ = ("_value", "name", "version")

    def __init__(self, name: str, value: str, version: int = 1) -> None:
        self.name = name
        self.version = version
        self._value = value

    def reveal(self) -> str:
        """The clear value, for the request that needs it; do not keep it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.name!r}, {SHOWN})"

    def __str__(self) -> str:
        return SHOWN

    def __format__(self, spec: str) -> str:
        return SHOWN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")
