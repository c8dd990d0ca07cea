"""How this terminal can show pictures, asked before the screen is taken over.

One question goes out, ended by one that every terminal answers, so a terminal without graphics costs one round trip and
not a timeout. tmux and screen pass half of such a conversation on, so under them only that last part is asked, which
they answer themselves: a tmux that draws sixel says so, and is believed. Whatever goes wrong, half blocks work
everywhere.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from typing import Literal

Graphics = Literal["kitty", "sixel", "half", "none", "few"]
"""Kitty's protocol, sixel, coloured half blocks, or words in place of pictures, as asked or for too few colours."""

WAYS: tuple[Graphics, ...] = ("kitty", "sixel", "half", "none")
"""What a person can ask for."""
FEW_COLOURS = ("standard", "windows")
"""Names of the ranges of 16 colours, in which half blocks are noise."""

PROBE_SECONDS = 0.25
_SENTINEL = "\x1b[c"
_QUESTION = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\" + _SENTINEL


def drawn(way: Graphics) -> bool:
    """Whether pictures are drawn at all."""
    return way not in ("none", "few")


def choose(wanted: str, environment: Mapping[str, str] = os.environ, colours: str | None = None) -> Graphics:
    """The way to show pictures. `auto` asks the terminal; anything else is taken at its word.

    `colours` is the range of colours that the terminal has: with `auto` no half blocks are drawn in 16 of them.

    Raises ValueError for a word that is none of `auto`, `kitty`, `sixel`, `half`, `none`.
    """
    if wanted in WAYS:
        return wanted
    if wanted != "auto":
        raise ValueError(f"--graphics takes auto, kitty, sixel, half or none, not “{wanted}”")
    silent = environment.get("TERM", "") in ("", "dumb", "linux")
    way = "half" if silent else read_answer(ask(_SENTINEL if multiplexed(environment) else _QUESTION))
    return "few" if way == "half" and colours in FEW_COLOURS else way


def multiplexed(environment: Mapping[str, str]) -> bool:
    """Whether tmux or screen stands between this program and the terminal."""
    return bool(environment.get("TMUX") or environment.get("STY")) or environment.get("TERM", "").startswith(
        ("tmux", "screen")
    )


def read_answer(answer: str) -> Graphics:
    """What a terminal's answer means. Sixel goes first: not all that answer to Kitty's draw it."""
    attributes = re.search(r"\x1b\[\?([\d;]*)c", answer)
    if attributes and "4" in attributes.group(1).split(";"):
        return "sixel"
    if re.search(r"\x1b_G[^\x1b]*;OK\x1b\\", answer):
        return "kitty"
    return "half"


def ask(question: str = _QUESTION, seconds: float | None = None) -> str:
    """Asks the terminal and gives its answer, empty where none came within `seconds` (else within the budget)."""
    if sys.platform == "win32":
        return ""
    import select
    import termios
    import tty

    source, sink = sys.__stdin__, sys.__stdout__
    if source is None or sink is None or not (source.isatty() and sink.isatty()):
        return ""
    number = source.fileno()
    answer = b""
    try:
        before = termios.tcgetattr(number)
    except termios.error:
        return ""
    try:
        tty.setcbreak(number, termios.TCSANOW)
        sink.write(question)
        sink.flush()
        end = time.monotonic() + (PROBE_SECONDS if seconds is None else seconds)
        while (left := end - time.monotonic()) > 0 and not re.search(rb"\x1b\[\?[\d;]*c", answer):
            if select.select([number], [], [], left)[0]:
                answer += os.read(number, 256)
    except (OSError, termios.error):
        return ""
    finally:
        termios.tcsetattr(number, termios.TCSANOW, before)
    return answer.decode("ascii", "replace")
