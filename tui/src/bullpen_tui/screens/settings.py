"""Settings: every value and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import system_pb2
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import words
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said


def way_to_change(name: str, home: str) -> Content:
    """Where a person writes another value, and when it counts."""
    table, _, key = name.partition(".")
    variable = f"BULLPEN_{name.replace('.', '_').upper()}"
    return words.text(
        ("to change it: ", words.FAINT),
        f"[{table}] {key} = …",
        (f" in {home}/daemon.toml, or {variable}; it counts from the daemon's next start", words.FAINT),
    )


AT_ONCE = {
    "scheduler.keep_alive_seconds": "7, K says it for one model; P keeps one in memory",
    "scheduler.start_policy": "w, P lets everything wait, or go on",
    "devices.use": "7, s switches a device",
    "copilot.url": "4, m chooses what answers",
    "copilot.local_model": "4, m chooses what answers",
}
"""What can be had without a restart, by the setting that says it for the start."""


class SettingsScreen(StudioScreen):
    """The table, and the sentence about the setting under the cursor."""

    place: ClassVar[str] = "settings"

    def __init__(self) -> None:
        super().__init__()
        self._asked = False

    def body(self) -> Iterable[Widget]:
        """Table and sentence."""
        with Vertical(classes="pane", id="settings-pane") as pane:
            pane.border_title = "Settings"
            yield RowTable(
                (
                    Column("setting", minimum=20, weight=2),
                    Column("value", minimum=20, weight=3),
                    Column("source", minimum=16, weight=2),
                ),
                empty="Reading…",
                dom_id="settings",
            )
            yield Said(dom_id="setting-words", classes="below")

    def draw(self) -> None:
        """Draws the table, and asks for the settings once there is a daemon."""
        if not self._asked and self.studio.connected:
            self._asked = True
            self.studio.reading.settings()
        if not self._settings:
            return
        table = self.query_one("#settings", RowTable)
        table.set_empty(Content("This daemon tells no settings."))
        table.set_rows(
            [
                Row(
                    one.name,
                    (
                        Content(one.name),
                        Content(one.value or words.DASH),
                        words.text((one.source, words.FAINT if one.source == "default" else words.ACCENT)),
                    ),
                )
                for one in self._settings.values()
            ]
        )

    def draw_chrome(self) -> None:
        """Frame, and the first question."""
        super().draw_chrome()
        self.draw()

    @property
    def _settings(self) -> dict[str, system_pb2.Setting]:
        answer = self.snapshot.answer("settings", system_pb2.ListSettingsResponse)
        return {one.name: one for one in answer.settings} if answer else {}

    def on_lister_moved(self, message: RowTable.Moved) -> None:
        """Says what the setting does."""
        setting = self._settings.get(message.key or "")
        lines = [words.text((setting.description, words.QUIET)), Content(setting.value)] if setting else []
        if setting is not None and "." in setting.name:
            home = self.studio.info.home if self.studio.info is not None else ""
            lines.append(way_to_change(setting.name, home or "the home"))
            if setting.name in AT_ONCE:
                lines.append(words.text(("at once: ", words.FAINT), AT_ONCE[setting.name]))
        self.query_one("#setting-words", Said).say(words.lines(lines))
