"""Markdown of an answer as lines of the terminal, also while it is still being written. Pure.

The part of CommonMark that language models write: headings, lists, quotes, fenced code, emphasis, code and links. What
is not closed yet stands as it was written, so nothing jumps but the words that just came.
"""

from __future__ import annotations

import re

from textual.content import Content

from bullpen_tui import words

CODE = "$accent"
_INLINE = re.compile(
    r"\\(?P<plain>[\\`*_{}\[\]()#+.!|<>~-])"
    r"|(?P<ticks>`+)(?P<code>.+?)(?P=ticks)"
    r"|\*\*(?P<bold>\S(?:.*?\S)?)\*\*|(?<!\w)__(?P<strong>\S(?:.*?\S)?)__(?!\w)"
    r"|\*(?P<italic>[^\s*](?:[^*]*[^\s*])?)\*|(?<!\w)_(?P<slanted>[^\s_](?:[^_]*[^\s_])?)_(?!\w)"
    r"|\[(?P<text>[^\]\[]+)\]\((?P<link>[^()\s]+)\)"
)
_HEAD = re.compile(r"(?P<level>#{1,6})\s+(?P<text>.+?)\s*#*$")
_ITEM = re.compile(r"(?P<indent>\s*)(?:[-*+]|(?P<number>\d{1,3}[.)]))\s+(?P<text>.*)$")
_FENCE = re.compile(r"\s{0,3}(?P<mark>```+|~~~+)\s*(?P<language>[\w+-]*)")
_RULE = re.compile(r"\s{0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$")


def lines(text: str) -> list[Content]:
    """The lines of a text."""
    rows: list[Content] = []
    fence = ""
    for line in text.splitlines():
        opened = _FENCE.match(line)
        if fence:
            if opened is not None and opened["mark"].startswith(fence):
                fence = ""
            else:
                rows.append(words.text(("▏ ", words.FAINT), (line, CODE)))
        elif opened is not None:
            fence = opened["mark"]
            if opened["language"]:
                rows.append(words.text(("▏ ", words.FAINT), (opened["language"], words.FAINT)))
        else:
            rows.append(_line(line))
    return rows


def _line(line: str) -> Content:
    if head := _HEAD.match(line):
        return words.text((inline(head["text"]).plain, words.STRONG if len(head["level"]) > 2 else "bold $accent"))
    if _RULE.match(line) and line.strip():
        return words.text(("─" * 24, words.FAINT))
    if item := _ITEM.match(line):
        mark = f"{item['number']} " if item["number"] else "• "
        return words.text(item["indent"], (mark, words.ACCENT), inline(item["text"]))
    if line.startswith(">"):
        return words.text(("▏ ", words.FAINT), inline(line[1:].strip()))
    return inline(line)


def inline(text: str) -> Content:
    """Emphasis, code and links within a line."""
    parts: list[str | tuple[str, str] | Content] = []
    end = 0
    for found in _INLINE.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        if found["plain"]:
            parts.append(found["plain"])
        elif found["code"] is not None:
            parts.append((found["code"], CODE))
        elif strong := found["bold"] or found["strong"]:
            parts.append((strong, "bold"))
        elif slanted := found["italic"] or found["slanted"]:
            parts.append((slanted, "italic"))
        else:
            parts.append((found["text"], "underline"))
            if found["link"] != found["text"]:
                parts.append((f" ({found['link']})", words.FAINT))
    parts.append(text[end:])
    return words.text(*(part for part in parts if part))
