"""What the help says of a screen: every key of it under a head, in words, made from the registry of actions. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from textual.content import Content

from bullpen_tui import words
from bullpen_tui.actions import GROUPS, Action
from bullpen_tui.keymap import key_name

KEYS_WIDE = 13
"""Cells for the keys of a line."""
PLACE_WIDE = 18
"""Cells for a place with its key."""


@dataclass(frozen=True)
class Section:
    """A head and the actions below it."""

    head: str
    actions: tuple[Action, ...]


def sections(here: Sequence[Action], works: Collection[str]) -> list[Section]:
    """The actions of a screen under their heads: its own first, then places and what works everywhere.

    `works` has the ids of those that can be used at the moment; the screen's own others stand last.
    """
    found: list[Section] = []
    for group, head in GROUPS:
        held = tuple(one for one in here if one.group == group and one.id in works)
        if held:
            found.append(Section(head, held))
    rest = tuple(one for one in here if one.id not in works)
    return [*found, Section("Not at the moment", rest)] if rest else found


def keys_of(action: Action) -> str:
    """All keys of an action, as they are written on the keyboard."""
    return " ".join(key_name(key) for key in action.keys)


def key_lines(section: Section, room: int, named: bool = False) -> list[Content]:
    """A section as lines of at most `room` cells: places side by side, everything else with its sentence.

    With `named` each line also has the name that `keymap.toml` knows the action by.
    """
    rows = [words.text((section.head, words.STRONG))]
    if not named and all(one.to for one in section.actions):
        return [*rows, *_places(section.actions, room)]
    for action in section.actions:
        keys = keys_of(action) or ":"
        name = f"   {action.id}" if named else ""
        rows.append(words.text((f"{keys:>{KEYS_WIDE}}  ", "bold $accent"), action.help, (name, words.FAINT)))
    return rows


def _places(actions: Sequence[Action], room: int) -> list[Content]:
    rows: list[Content] = []
    row = Content("")
    for action in actions:
        part = words.text((f"{keys_of(action):>4} ", "bold $accent"), f"{action.label:<{PLACE_WIDE - 5}}")
        if row and row.cell_length + part.cell_length > room:
            rows.append(row)
            row = Content("")
        row = words.text(row, part)
    return [*rows, row]


def help_words(found: Sequence[Section], room: int, named: bool = False) -> Content:
    """All sections, an empty line between two."""
    rows: list[Content] = []
    for section in found:
        rows += [*([Content("")] if rows else []), *key_lines(section, room, named)]
    return words.lines(rows)
