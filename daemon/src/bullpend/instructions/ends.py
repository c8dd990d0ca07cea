"""How carrying an instruction out can end, beside a typed error."""

from __future__ import annotations

from collections.abc import Mapping


class Gone(Exception):
    """The lock belongs to somebody else by now."""


class Failed(Exception):
    """What it started has failed, for the reason that is given; another attempt would find the same end."""

    def __init__(self, said: Mapping[str, str]) -> None:
        super().__init__(said.get("message", ""))
        self.said = dict(said)


class Canceled(Exception):
    """A person ended the instruction; the text says what became of it."""
