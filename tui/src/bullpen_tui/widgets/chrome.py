"""What stands around every screen: the line at the top, the banner, the keys at the bottom, the filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from bullpen_api.v1 import system_pb2
from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Input, Static

from bullpen_tui import words
from bullpen_tui.actions import TOP, Action, actions_for, target
from bullpen_tui.keymap import footer_actions, key_name, without_least

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp


def clickable(content: Content, action: str) -> Content:
    """Words that do an action when clicked."""
    return content.stylize(Style.from_meta({"@click": action}))


def tabs(here: str, room: int, registry: Sequence[Action]) -> Content:
    """The places with their keys; only the one that is open keeps its name when there is no room for all."""
    ways = {one.to: one for one in registry if one.to and (one.to in TOP or one.to == here)}
    for wide in (True, False):
        parts: list[Content] = []
        for place, action in ways.items():
            key, label = key_name(action.keys[0]) if action.keys else "", action.label
            if place == here:
                part = words.text((f" {key} {label} ", "bold $background on $accent"))
            elif wide:
                part = words.text((f" {key} ", words.FAINT), (f"{label} ", words.QUIET))
            else:
                part = words.text((f" {key} ", words.FAINT))
            parts.append(clickable(part, target(action)))
        line = Content("").join(parts)
        if line.cell_length <= room:
            break
    return line


def machine(info: system_pb2.Info | None, metrics: Sequence[system_pb2.Metrics], lost: bool, room: int) -> Content:
    """Host, daemon, first device and queue, as much as there is room for."""
    if info is None:
        return words.text(("◌ reaching the daemon", words.QUIET))
    state = words.text(("✗ lost", words.BAD)) if lost else words.text(("●", words.GOOD))
    host = words.text(info.hostname or "local", " ", state, (f" {info.version}" if not lost else "", words.FAINT))
    parts = [host]
    if metrics:
        last = metrics[-1]
        used = words.text(
            ("cpu ", words.FAINT),
            f"{last.cpu_utilization * 100:3.0f} % ",
            words.trace([one.cpu_utilization for one in metrics], 8, 1.0),
        )
        parts.append(used)
        queue = last.queued_jobs + last.running_jobs
        parts.append(words.text(("queue ", words.FAINT), str(queue) if queue else words.DASH))
        memory = f"{words.size(last.memory_used_bytes)}/{words.size(last.memory_total_bytes)}"
        parts.append(words.text(("mem ", words.FAINT), memory))
        for device in last.devices[:1]:
            if device.device.endswith("/cpu"):
                continue
            share = f" {device.utilization * 100:.0f} %" if device.HasField("utilization") else ""
            heat = f" {device.temperature_celsius:.0f} °C" if device.HasField("temperature_celsius") else ""
            memory = f" {words.size(device.memory_used_bytes)}/{words.size(device.memory_total_bytes)}"
            name = device.device.removeprefix("devices/")
            parts.insert(1, words.text((name, words.FAINT), share, memory, heat))
    line = parts[0]
    for part in parts[1:]:
        longer = words.text(line, "   ", part)
        if longer.cell_length > room:
            break
        line = longer
    return line


class TopBar(Widget):
    """One line: the name, the machine, the places."""

    DEFAULT_CSS = "TopBar { height: 1; background: $bar; color: $foreground; }"
    auto_links = False

    def __init__(self, here: str) -> None:
        super().__init__()
        self._here = here

    def render(self) -> Content:
        """The line for the width there is."""
        studio = cast("StudioApp", self.app)
        name = words.text((" BULLPEN ", "bold $accent"), " ")
        width = self.size.width
        right = tabs(self._here, width - name.cell_length - 38, studio.registry)
        left = machine(studio.info, studio.metrics, bool(studio.lost), width - name.cell_length - right.cell_length - 2)
        line = words.text(name, left)
        space = max(1, width - line.cell_length - right.cell_length)
        return words.text(line, " " * space, right)


class Banner(Static):
    """What is wrong with the connection, while it is wrong."""

    DEFAULT_CSS = """
    Banner { height: auto; padding: 0 1; background: $error 25%; color: $foreground; display: none; }
    Banner.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._sentence = ""

    def say(self, sentence: str) -> None:
        """Shows a sentence, or nothing for an empty one."""
        if sentence == self._sentence:
            return
        self._sentence = sentence
        self.set_class(bool(sentence), "-shown")
        self.update(words.text(("✗ ", words.BAD), sentence) if sentence else "")


class KeyBar(Widget):
    """The keys that work here and now."""

    DEFAULT_CSS = "KeyBar { height: 1; background: $bar; color: $quiet; }"
    auto_links = False

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place

    def on_mount(self) -> None:
        """Follows what the screen allows."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def render(self) -> Content:
        """As many keys as there is room for, the important ones first; help and the way out are never left out."""
        studio = cast("StudioApp", self.app)
        here = actions_for(self._place, studio.registry)
        allowed: Sequence[Action] = [one for one in here if self.screen.check_action(one.id, ())]
        while True:
            entries = footer_actions(allowed)
            line = Content("  ").join([clickable(_entry(key, label), target(one)) for key, label, one in entries])
            fewer = without_least(allowed) if line.cell_length > self.size.width - 1 else None
            if fewer is None:
                return words.text(" ", line)
            allowed = fewer


def _entry(key: str, label: str) -> Content:
    return words.text((key, "bold $accent"), (f" {label}", words.QUIET))


class FilterLine(Input):
    """The filter of a list: letters narrow it, enter keeps it, escape lets it go."""

    DEFAULT_CSS = """
    FilterLine { display: none; height: 1; border: none; padding: 0 1; background: $row-idle; }
    FilterLine.-shown { display: block; }
    FilterLine:focus { border: none; background: $row; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "drop", show=False)]

    class Narrowed(Message):
        """The words of the filter changed."""

        def __init__(self, words_wanted: str) -> None:
            super().__init__()
            self.words = words_wanted

    class Left(Message):
        """The filter was left; the list has the focus again."""

    def __init__(self) -> None:
        super().__init__(
            placeholder="filter: words narrow the list, !word leaves out, enter keeps it, esc shows all", compact=True
        )

    def open(self) -> None:
        """Shows the line and takes the letters."""
        self.add_class("-shown")
        self.focus()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Narrowed(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not self.value:
            self.remove_class("-shown")
        self.post_message(self.Left())

    def action_drop(self) -> None:
        """Shows all rows again."""
        self.value = ""
        self.remove_class("-shown")
        self.post_message(self.Left())
