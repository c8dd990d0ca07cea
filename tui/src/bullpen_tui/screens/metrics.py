"""Metrics: figures of the machine over the last minutes, and the models in memory."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import ClassVar

from bullpen_api.v1 import model_pb2, system_pb2
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.machine.rows import pin_words
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.widgets.chrome import at_work
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said

REST_SECONDS = 30.0
"""How often the plots of a machine at rest are painted: all of them move on, which is kilobytes of a slow line.
Those of several lines are painted half as often."""
RESIDENT_COLUMNS = (
    Column("model", minimum=16, weight=2),
    Column("device", minimum=8, weight=1),
    Column("size", width=8, right=True),
    Column("state", width=8),
    Column("since", width=10, right=True, drop=2),
    Column("expires", width=9, right=True, drop=1),
    Column("why", minimum=14, weight=3, drop=3),
)


OTHERS = 18
"""Lines of the screen that no plot has."""
FEWEST = 5
"""Plots that every machine has: processor, memory, queue, pictures, daemon."""
HIGHEST = 4
"""Lines that one plot may have."""


def meter(label: str, figure: str, values: Sequence[float], cells: int, top: float, high: int = 1) -> Content:
    """A plot of `high` lines: label, figure, history."""
    told = words.text((f"{label:<15}", words.QUIET), (f"{figure:>17}", words.STRONG), "  ")
    if high == 1:
        return words.text(told, words.trace(values, cells, top))
    blank = " " * told.cell_length
    rows = [
        words.text((row[:-1], "$secondary"), (row[-1:], words.ACCENT)) for row in words.plot(values, cells, top, high)
    ]
    return words.lines([words.text(told if number == 0 else blank, row) for number, row in enumerate(rows)])


def _room(values: Sequence[float], least: float) -> float:
    """Top of a plot that leaves air above the largest value."""
    return max(least, 1.25 * max(values))


Plot = tuple[str, str, list[float], float]
"""Label, the figure of now, the figures of before, and the top."""


def plots(history: Sequence[system_pb2.Metrics]) -> list[Plot]:
    """What is drawn over time, the newest figure last."""
    last = history[-1]

    def memory(used: float, total: float) -> str:
        return f"{words.size(used)} / {words.size(total)}"

    total = float(last.memory_total_bytes)
    held = [float(one.memory_used_bytes) for one in history]
    found: list[Plot] = [
        ("processor", words.percent(last.cpu_utilization), [one.cpu_utilization for one in history], 1.0),
        ("memory", memory(last.memory_used_bytes, last.memory_total_bytes), held, total),
    ]
    for index, device in enumerate(last.devices):
        past = [one.devices[index] for one in history if len(one.devices) > index]
        name = leaf(device.device)
        if device.HasField("utilization"):
            found.append((name, words.percent(device.utilization), [one.utilization for one in past], 1.0))
        if device.worker_memory_bytes:
            figure = memory(device.worker_memory_bytes, device.memory_total_bytes)
            used = [float(one.worker_memory_bytes) for one in past]
            found.append((f"{name} worker", figure, used, float(device.memory_total_bytes)))
    queue = [float(one.queued_jobs + one.running_jobs) for one in history]
    pace = [one.candidates_per_minute for one in history]
    daemon = [float(one.daemon_memory_bytes) for one in history]
    return [
        *found,
        ("queue", f"{last.running_jobs} + {last.queued_jobs}", queue, _room(queue, 4.0)),
        ("pictures a min", f"{last.candidates_per_minute:.1f}", pace, _room(pace, 10.0)),
        ("daemon", words.size(last.daemon_memory_bytes), daemon, _room(daemon, 100e6)),
    ]


def meters(history: Sequence[system_pb2.Metrics], cells: int, lines: int = 0) -> list[Content]:
    """All plots, as high as `lines` allow for all of them, and the figures that have none."""
    if not history:
        return [words.text(("Waiting for the first figures…", words.QUIET))]
    last, drawn = history[-1], plots(history)
    high = max(1, min(HIGHEST, lines // len(drawn)))
    rows = [meter(label, figure, values, cells, top, high) for label, figure, values, top in drawn]
    rows.append(
        words.text(
            (f"{'disk free':<15}", words.QUIET),
            (f"{words.size(last.disk_free_bytes):>17}", words.STRONG),
            (f"  {words.plural(last.candidates_done, 'picture')} made, ", words.FAINT),
            (words.plural(last.watchers, "watcher"), words.FAINT),
        )
    )
    return rows


def resident_row(resident: model_pb2.Resident, now: float) -> Row:
    """A model in memory for `RESIDENT_COLUMNS`."""
    stays = words.moment(resident.expires) - now
    expires = words.clock(stays) if resident.expires.seconds and stays > 0 else words.DASH
    state = words.text(("● in use", words.ACCENT)) if resident.in_use else words.text(("○ warm", words.GOOD))
    if resident.state == model_pb2.Resident.STATE_LOADING:
        state = words.text(("◐ loads", words.WARN))
    elif resident.state == model_pb2.Resident.STATE_UNLOADING:
        state = words.text(("◌ leaves", words.QUIET))
    if resident.pinned:
        expires = "⚑ pinned"
    return Row(
        f"{resident.model} {resident.device}",
        (
            Content(leaf(resident.model)),
            words.text((leaf(resident.device), words.QUIET)),
            Content(words.size(resident.size_bytes)),
            state,
            words.text((words.ago(resident.since, now), words.QUIET)),
            Content(expires),
            words.text((resident.reason, words.QUIET)),
        ),
    )


class MetricsScreen(StudioScreen):
    """Lines above, the models in memory below."""

    place: ClassVar[str] = "metrics"
    _drawn = 0.0

    def body(self) -> Iterable[Widget]:
        """Meters and table."""
        with Vertical(classes="pane", id="meters-pane") as pane:
            pane.border_title = "Machine"
            yield Said(dom_id="meters")
        with Vertical(classes="pane", id="residents-pane") as pane:
            pane.border_title = "Models in memory"
            yield RowTable(
                RESIDENT_COLUMNS,
                empty="No model is in memory. The first job that needs one loads it.",
                dom_id="residents",
            )

    def draw_metrics(self) -> None:
        """Draws the meters, and asks what is in memory now; of a machine at rest only now and then."""
        history, now = self.studio.metrics, time.monotonic()
        resting = len(history) > 1 and not (at_work(history[-1]) or at_work(history[-2]))
        tall = self.size.height - OTHERS >= 2 * FEWEST
        if resting and now - self._drawn < REST_SECONDS * (1 + tall):
            return
        self._drawn = now
        pane = self.query_one("#meters", Said)
        width = pane.content_size.width or self.size.width - 4
        # The frames, the footer and some rows of the table below have the rest.
        pane.say(words.lines(meters(list(history), max(8, min(120, width - 36)), self.size.height - OTHERS)))
        self.studio.reading.residents()
        self._draw_residents()

    def on_resize(self) -> None:
        """Plots are drawn for the new size at once, also of a machine at rest."""
        super().on_resize()
        self._drawn = 0.0
        self.call_after_refresh(self._draw_plots)

    def _draw_plots(self) -> None:
        if self.alive:
            self.draw_metrics()

    def draw(self) -> None:
        """Draws what is known."""
        self._draw_residents()
        self.draw_keys()

    def on_mount(self) -> None:
        """Draws the meters at once."""
        super().on_mount()
        if self.drawable:
            self.draw_metrics()

    @property
    def _residents(self) -> list[model_pb2.Resident]:
        answer = self.snapshot.answer("residents", model_pb2.ListResidentsResponse)
        return list(answer.residents) if answer else []

    def _draw_residents(self) -> None:
        now = self.studio.now()
        self.query_one("#residents", RowTable).set_rows([resident_row(one, now) for one in self._residents])

    @property
    def _model(self) -> model_pb2.Resident | None:
        key = self.query_one("#residents", RowTable).cursor_key
        return next((one for one in self._residents if f"{one.model} {one.device}" == key), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A model in use stays."""
        if action == "unload" and self.is_mounted:
            model = self._model
            return model is not None and not model.in_use and not model.pinned
        if action == "pin" and self.is_mounted:
            return self._model is not None
        return True

    def action_unload(self) -> None:
        """Frees the model's memory."""
        if (model := self._model) is not None:
            self.studio.errands.unload(model.model, self)

    def action_pin(self) -> None:
        """Keeps the model in memory, or lets it go again."""
        if (model := self._model) is not None:
            self.studio.errands.pin(model.model, not model.pinned, self)

    def on_model_pinned(self, message: say.ModelPinned) -> None:
        """Says so."""
        self.notify(pin_words(message.model, message.pinned))
        self.studio.reading.residents()

    def on_model_unloaded(self, message: say.ModelUnloaded) -> None:
        """Says so."""
        self.notify(f"{leaf(message.model)} was taken out of memory.")
        self.studio.reading.residents()
