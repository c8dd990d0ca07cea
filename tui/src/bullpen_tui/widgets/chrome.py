"""What stands around every screen: the line at the top, the banner, the keys at the bottom, the filter."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from bullpen_api.v1 import system_pb2
from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from bullpen_tui import words
from bullpen_tui.actions import TOP, Action, actions_for, target
from bullpen_tui.keymap import footer_actions, key_name, key_shown, without_least
from bullpen_tui.widgets.said import Said

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp


REST_SECONDS = 5.0
"""How often the figures of a machine at rest are painted: over a slow line every byte counts."""


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


def host(info: system_pb2.Info | None, lost: bool) -> Content:
    """Who serves, and whether they can be reached."""
    if info is None:
        return words.text(("◌ reaching the daemon", words.QUIET))
    state = words.text(("✗ lost", words.BAD)) if lost else words.text(("●", words.GOOD))
    return words.text(info.hostname or "local", " ", state, (f" {info.version}" if not lost else "", words.FAINT))


def figures(metrics: Sequence[system_pb2.Metrics], room: int) -> Content:
    """First device, processor, queue and memory, as much as there is room for."""
    if not metrics:
        return Content("")
    last = metrics[-1]
    parts: list[Content] = []
    for device in last.devices[:1]:
        if device.device.endswith("/cpu"):
            continue
        share = f" {device.utilization * 100:.0f} %" if device.HasField("utilization") else ""
        heat = f" {device.temperature_celsius:.0f} °C" if device.HasField("temperature_celsius") else ""
        memory = f" {words.size(device.memory_used_bytes)}/{words.size(device.memory_total_bytes)}"
        parts.append(words.text((device.device.removeprefix("devices/"), words.FAINT), share, memory, heat))
    busy = at_work(last)
    # A figure in steps and no history while nothing is done: what does not change is not sent over the line.
    cpu = last.cpu_utilization * 100 if busy else round(last.cpu_utilization * 10) * 10
    history = words.trace([one.cpu_utilization for one in metrics], 8, 1.0) if busy else Content("")
    parts.append(words.text(("cpu ", words.FAINT), f"{cpu:3.0f} % ", history))
    queue = last.queued_jobs + last.running_jobs
    parts.append(words.text(("queue ", words.FAINT), str(queue) if queue else words.DASH))
    memory = f"{words.size(last.memory_used_bytes)}/{words.size(last.memory_total_bytes)}"
    parts.append(words.text(("mem ", words.FAINT), memory))
    line = Content("")
    for part in parts:
        longer = words.text(line, "   ", part)
        if longer.cell_length > room:
            break
        line = longer
    return line


def at_work(metrics: system_pb2.Metrics) -> bool:
    """Whether something is being made or waits."""
    return metrics.queued_jobs + metrics.running_jobs > 0


class TopBar(Horizontal):
    """One line: the name, who serves, the machine, the places. Each part is painted only when it changes."""

    DEFAULT_CSS = """
    TopBar { height: 1; background: $bar; color: $foreground; }
    TopBar > Said { width: auto; height: 1; }
    TopBar > #figures-bar { width: 1fr; }
    """

    def __init__(self, here: str) -> None:
        super().__init__()
        self._here = here
        self._told = 0.0
        self._busy = False

    def compose(self) -> ComposeResult:
        """The parts."""
        yield _Part(dom_id="host-bar")
        yield _Part(settled=True, dom_id="figures-bar")
        yield _Part(dom_id="tabs-bar")

    def on_mount(self) -> None:
        """Says everything at once."""
        self.tell()

    def on_resize(self) -> None:
        """Says what there is room for now."""
        self.tell()

    def tell(self) -> None:
        """Draws what changed; figures of a machine at rest only now and then."""
        if not self.is_attached or not self.query(_Part):
            return
        studio = cast("StudioApp", self.app)
        left = words.text((" BULLPEN ", "bold $accent"), " ", host(studio.info, bool(studio.lost)))
        width = self.app.size.width
        right = tabs(self._here, width - 48, studio.registry)
        self.query_one("#host-bar", _Part).say(left)
        self.query_one("#tabs-bar", _Part).say(right)
        busy = bool(studio.metrics) and at_work(studio.metrics[-1])
        now = time.monotonic()
        if busy or self._busy or now - self._told >= REST_SECONDS:
            self._told, self._busy = now, busy
            room = width - left.cell_length - right.cell_length - 1
            self.query_one("#figures-bar", _Part).say(figures(studio.metrics, room))


class _Part(Said):
    """A part of the first line."""

    auto_links = False


class Banner(Static):
    """What is wrong with the connection while it is wrong, or what is waited for."""

    DEFAULT_CSS = """
    Banner { height: auto; padding: 0 1; background: $error 25%; color: $foreground; display: none; }
    Banner.-shown { display: block; }
    Banner.-waits { background: $bar; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = ("", "")

    def say(self, wrong: str, awaited: str = "") -> None:
        """Shows what is wrong, else what is waited for, else nothing."""
        if (wrong, awaited) == self._said:
            return
        self._said = (wrong, awaited)
        self.set_class(bool(wrong or awaited), "-shown")
        self.set_class(not wrong, "-waits")
        sign = ("✗ ", words.BAD) if wrong else ("◌ ", words.ACCENT)
        self.update(words.text(sign, wrong or awaited) if wrong or awaited else "")


Entry = tuple[str, str, Action]
"""Keys, label and action of an entry of the footer."""


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
        return words.text(" ", self._fitting()[0])

    def left_out(self, room: int) -> str:
        """Keys that work here, too, and had no room: as many as fit, for the frame of a pane."""
        found = ""
        for key, label, _ in self._fitting()[1]:
            longer = f"{found} · {key} {label}" if found else f"{key} {label}"
            if cell_len(longer) > room:
                break
            found = longer
        return found

    def _fitting(self) -> tuple[Content, list[Entry]]:
        """The keys that have room, as a line, and those that have none."""
        studio = cast("StudioApp", self.app)
        here = actions_for(self._place, studio.registry)
        allowed: Sequence[Action] = [one for one in here if self.screen.check_action(one.id, ())]
        typing = isinstance(self.screen.focused, Input | TextArea)
        if typing:
            allowed = [one for one in allowed if key_shown(one, typing)]
        every = footer_actions(allowed, typing)
        while True:
            entries = footer_actions(allowed, typing)
            line = Content("  ").join([clickable(_entry(key, label), target(one)) for key, label, one in entries])
            fewer = without_least(allowed) if line.cell_length > self.app.size.width - 1 else None
            if fewer is None:
                return line, [one for one in every if one not in entries]
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
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", show=False),
        Binding("tab", "complete", show=False),
    ]

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

    async def action_complete(self) -> None:
        """Writes the word to its end, where the list knows what it may be."""
        whole = await self.suggester.get_suggestion(self.value) if self.suggester is not None else None
        if whole:
            self.value = whole
            self.cursor_position = len(whole)

    def action_drop(self) -> None:
        """Shows all rows again."""
        self.value = ""
        self.remove_class("-shown")
        self.post_message(self.Left())
