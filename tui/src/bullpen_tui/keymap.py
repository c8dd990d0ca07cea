"""From actions to keys: bindings for Textual, names of keys for people, and the keys that a person chose.

`<home>/keymap.toml` has one table `keys`, from actions to keys as they are written in the help:

    [keys]
    accept = "a"
    cancel_run = ["X", "ctrl+x"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from textual.binding import Binding, BindingType
from textual.keys import Keys

from bullpen_tui.actions import ALL, ALWAYS, REGISTRY, Action, actions_for, target

_NAMES = {
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "dollar_sign": "$",
    "full_stop": ".",
    "comma": ",",
    "exclamation_mark": "!",
    "escape": "esc",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    **{f"f{number}": f"F{number}" for number in range(1, 13)},
}
_EDITING = frozenset({"space", "enter", "left", "right", "up", "down", "backspace", "delete", "home", "end"})
"""Keys with a name of their own that a text field keeps for itself."""
_KEYS = {written: key for key, written in _NAMES.items()}
_KNOWN = frozenset(key.value for key in Keys)


class KeymapError(Exception):
    """The keymap file cannot be used; the words say where and what to do."""


def key_name(key: str) -> str:
    """How a key is written on the screen."""
    return _NAMES.get(key, key)


def of_field(key: str) -> bool:
    """Whether a text field that has the focus takes the key for itself, as it does with letters and signs."""
    return len(key) == 1 or key in _EDITING or len(_NAMES.get(key, "long")) == 1


def key_shown(action: Action, typing: bool) -> str:
    """The key of an action as it is shown: the first, or while somebody types the first that is no part of a text."""
    return next((key_name(key) for key in action.keys if not (typing and of_field(key))), "")


def bindings_for(place: str) -> list[BindingType]:
    """Textual bindings of a place. None has priority, so a focused text field takes the letters first."""
    return [
        Binding(",".join(action.keys), target(action), action.label, key_display=key_name(action.keys[0]), id=action.id)
        for action in actions_for(place)
        if action.keys
    ]


# --- keys that a person chose ----------------------------------------------------------------------------------------


def read_keymap(path: Path) -> dict[str, tuple[str, ...]]:
    """Keys by action from a keymap file; nothing where there is none. Raises KeymapError with the line to mend."""
    try:
        whole = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KeymapError(f"{path} cannot be read: {error}. Mend it, or move it away for the usual keys.") from error
    for name in whole:
        if name != "keys":
            raise KeymapError(f"{path}: there is no table “{name}”, only [keys].")
    chosen: dict[str, tuple[str, ...]] = {}
    for name, given in whole.get("keys", {}).items():
        keys = [given] if isinstance(given, str) else given
        if not isinstance(keys, list) or not all(isinstance(key, str) and key for key in keys):
            raise KeymapError(f'{path}: {name} takes a key such as "a", or a list of keys.')
        _known_action(path, name)
        chosen[name] = tuple(_known_key(path, name, key) for key in keys)
    return chosen


def _known_action(path: Path, name: str) -> None:
    names = {action.id for action in REGISTRY}
    if name not in names:
        near = get_close_matches(name, names, 1)
        hint = f" Did you mean {near[0]}?" if near else " `?` and then `n` in the studio lists them."
        raise KeymapError(f"{path}: there is no action “{name}”.{hint}")


def _known_key(path: Path, name: str, written: str) -> str:
    key = _KEYS.get(written, written)
    *modifiers, last = key.split("+") if key != "+" else [key]
    good = len(last) == 1 or last in _KNOWN or last in _NAMES
    if not good or any(one not in ("ctrl", "shift", "alt") for one in modifiers):
        near = get_close_matches(last, [*_KNOWN, *_NAMES], 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise KeymapError(f"{path}: {name}: there is no key “{written}”.{hint}")
    return key


def remapped(chosen: Mapping[str, tuple[str, ...]], registry: tuple[Action, ...] = REGISTRY) -> tuple[Action, ...]:
    """The registry with the keys that a person chose. Raises KeymapError where a key would do two things."""
    changed = tuple(replace(one, keys=chosen[one.id]) if one.id in chosen else one for one in registry)
    for place in ALL:
        taken: dict[str, str] = {}
        for action in actions_for(place, changed):
            for key in action.keys:
                if taken.setdefault(key, action.id) != action.id:
                    raise KeymapError(
                        f"The keymap gives “{key_name(key)}” to {taken[key]} and to {action.id}, which both work on "
                        f"the {place} screen. Give one of them another key."
                    )
    return changed


def as_textual(registry: Iterable[Action]) -> dict[str, str]:
    """Keys by binding, for the actions that a person changed."""
    usual: dict[str, set[tuple[str, ...]]] = {}
    for action in REGISTRY:
        usual.setdefault(action.id, set()).add(action.keys)
    return {one.id: ",".join(one.keys) for one in registry if one.keys not in usual[one.id]}


# --- the footer ------------------------------------------------------------------------------------------------------


def footer_entries(actions: Iterable[Action], typing: bool = False) -> list[tuple[str, str]]:
    """Key and label pairs for the footer, from left to right. Neighbours with one label share an entry."""
    return [(keys, label) for keys, label, _ in footer_actions(actions, typing)]


def footer_actions(actions: Iterable[Action], typing: bool = False) -> list[tuple[str, str, Action]]:
    """Keys, label and action of each entry of the footer; the action is what a click does.

    While somebody is `typing` only those are shown whose keys a text field leaves alone.
    """
    entries: list[tuple[str, str, Action]] = []
    for action in sorted((one for one in actions if one.footer), key=lambda one: one.footer):
        key = key_shown(action, typing)
        if not key:
            continue
        if entries and entries[-1][1] == action.label:
            entries[-1] = (f"{entries[-1][0]} {key}", action.label, action)
        else:
            entries.append((key, action.label, action))
    return entries


def without_least(actions: Sequence[Action]) -> list[Action] | None:
    """The actions without the least important entry of their footer, or nothing when all of them must stay."""
    shown = [one for one in actions if one.footer and one.keys and one.weight < ALWAYS]
    if not shown:
        return None
    least = min(shown, key=lambda one: (one.weight, -one.footer))
    return [one for one in actions if one.label != least.label]
