"""From actions to keys: bindings for Textual, and names of keys for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.binding import Binding, BindingType

from bullpen_tui.actions import ALWAYS, Action, actions_for, target

_NAMES = {
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
}


def key_name(key: str) -> str:
    """How a key is written on the screen."""
    return _NAMES.get(key, key)


def bindings_for(place: str) -> list[BindingType]:
    """Textual bindings of a place. None has priority, so a focused text field takes the letters first."""
    return [
        Binding(",".join(action.keys), target(action), action.label, key_display=key_name(action.keys[0]))
        for action in actions_for(place)
        if action.keys
    ]


def footer_entries(actions: Iterable[Action]) -> list[tuple[str, str]]:
    """Key and label pairs for the footer, from left to right. Neighbours with one label share an entry."""
    entries: list[tuple[str, str]] = []
    for action in sorted((one for one in actions if one.footer and one.keys), key=lambda one: one.footer):
        key = key_name(action.keys[0])
        if entries and entries[-1][1] == action.label:
            entries[-1] = (f"{entries[-1][0]} {key}", action.label)
        else:
            entries.append((key, action.label))
    return entries


def without_least(actions: Sequence[Action]) -> list[Action] | None:
    """The actions without the least important entry of their footer, or nothing when all of them must stay."""
    shown = [one for one in actions if one.footer and one.keys and one.weight < ALWAYS]
    if not shown:
        return None
    least = min(shown, key=lambda one: (one.weight, -one.footer))
    return [one for one in actions if one.label != least.label]
