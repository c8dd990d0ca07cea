"""Whether this terminal can show the studio at all, asked before the screen is taken over."""

from __future__ import annotations

import codecs
import locale
import sys


class TerminalError(Exception):
    """The terminal cannot show the studio; the words say what to set."""


def check_terminal(encoding: str | None = None) -> None:
    """Raises TerminalError where the locale has no way to write the signs of the studio."""
    named = encoding or getattr(sys.__stderr__, "encoding", None) or locale.getpreferredencoding(False)
    try:
        known = codecs.lookup(named).name
    except LookupError:
        known = named
    if known not in ("utf-8", "utf-8-sig"):
        raise TerminalError(
            f"The studio draws with UTF-8, and this terminal's locale is set to {named}. "
            "Set LANG=C.UTF-8 (or PYTHONUTF8=1 where the terminal itself can do UTF-8) and start it again; "
            "every other command works as it is."
        )
