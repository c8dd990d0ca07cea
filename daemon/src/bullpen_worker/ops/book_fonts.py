"""Fonts for words in any script: which one has a letter, and which letters none has.

Bitstream Vera comes with ReportLab and has Latin letters; others are looked for among the fonts of the machine, where
that is needed. ReportLab sets letters one after the other, from left to right: scripts that join or turn them are not
set wrongly, but said to be missing.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

PLAIN, BOLD = "Vera", "VeraBd"
STAND_IN = "?"
MOST_MISSING = 40
# Fonts that are opened at most, and files that are looked through.
_OPENED, _FILES = 12, 5000
# Parts of names of files, those that are tried first.
_GENERAL = ("dejavusans.", "notosans-regular", "liberationsans-regular", "freesans.", "arialuni", "arial.", "segoeui.")
_EAST = ("cjk", "ipag", "takao", "wqy", "droidsansfallback", "nanum", "gothic", "meiryo", "simsun", "malgun", "unifont")
_TURNED = ("R", "AL", "AN")
_JOINED = (
    *("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA"),
    *("THAI", "LAO", "TIBETAN", "MYANMAR", "KHMER", "MONGOLIAN"),
)


class Fonts:
    """The fonts of one document. `missing` has what could not be set, in the order in which it was met."""

    def __init__(self) -> None:
        self.missing: dict[str, None] = {}

    def pieces(self, text: str, bold: bool) -> list[tuple[str, str]]:
        """The text in pieces with their fonts; a letter that no font has is a question mark."""
        own = BOLD if bold else PLAIN
        set_: list[tuple[str, str]] = []
        for letter in unicodedata.normalize("NFC", " ".join(text.split())):
            font = own if _has(own, letter) else _other(letter)
            if not font and len(self.missing) < MOST_MISSING:
                self.missing[letter] = None
            set_.append((font or own, letter if font else STAND_IN))
        return [(font, "".join(one for _, one in group)) for font, group in groupby(set_, key=lambda one: one[0])]


def width_of(pieces: list[tuple[str, str]], size: float) -> float:
    """How wide pieces are, in 1/72 inch."""
    return float(sum(pdfmetrics.stringWidth(text, font, size) for font, text in pieces))


def _has(font: str, letter: str) -> bool:
    if font not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(font, f"{font}.ttf"))
    return ord(letter) in pdfmetrics.getFont(font).face.charToGlyph


@cache
def _other(letter: str) -> str:
    """Name of a font of the machine that has a letter; empty where none has."""
    if unicodedata.bidirectional(letter) in _TURNED or unicodedata.name(letter, "").startswith(_JOINED):
        return ""
    return next((font for font in _opened() if _has(font, letter)), "")


@cache
def _opened() -> tuple[str, ...]:
    """The first fonts of the machine that can be embedded, by the names that they are registered under."""
    found: list[str] = []
    for path in _wanted():
        name = f"machine-{path.stem}"
        try:
            pdfmetrics.registerFont(TTFont(name, str(path)))
        except (TTFError, OSError):
            continue
        found.append(name)
        if len(found) == _OPENED:
            break
    return tuple(found)


def _wanted() -> list[Path]:
    """Files of fonts that cover much: general ones, then those of East Asia."""
    ranks = {part: rank for rank, part in enumerate((*_GENERAL, *_EAST))}
    ranked = [
        (min(rank for part, rank in ranks.items() if part in path.name.lower()), path.name, path)
        for path in _files()
        if any(part in path.name.lower() for part in ranks)
    ]
    return [path for _, _, path in sorted(ranked)]


def _files() -> Iterator[Path]:
    count = 0
    for folder in folders():
        for root, _, names in os.walk(folder):
            for name in names:
                count += 1
                if count > _FILES:
                    return
                if name.lower().endswith((".ttf", ".ttc")):
                    yield Path(root) / name


def folders() -> list[Path]:
    """Where this system keeps fonts (fontconfig's usual folders, those of macOS and Windows)."""
    home = Path.home()
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"]
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    return [*(Path(one) / "fonts" for one in shared.split(":") if one), data / "fonts", home / ".fonts"]
