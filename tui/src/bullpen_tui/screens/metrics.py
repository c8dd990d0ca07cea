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
"""How often the plots of a machine at rest are painted: all of them move on, which is kilobytes of a slow line."""
RESIDENT_COLUMNS = (
    Column("model", minimum=16, weight=2),
    Column("device", minimum=8, weight=1),
    Column("size", width=8, right=True),
    Column("state", width=8),
    Column("since", width=10, right=True, drop=2),
    Column("expires", width=9, right=True, drop=1),
    Column("why", minimum=14, weight=3, drop=3),
)


def meter(label: str, figure: str, values: Sequence[float], cells: int, top: float | None = None) -> Content:
    """A line of the plot: label, figure, history."""
    return words.text(
        (f"{label:<15}", words.QUIET),
        (f"{figure:>17}", words.STRONG),
        "  ",
        words.trace(values, cells, top),
    )


def _room(values: Sequence[float], least: float) -> float:
    """Top of a plot that leaves air above the largest value."""
    return max(least, 1.25 * max(values))


def meters(history: Sequence[system_pb2.Metrics], cells: int) -> list[Content]:
    """All lines, newest value at the right."""
    if not history:
        return [words.text(("Waiting for the first figures…", words.QUIET))]
    last = history[-1]

    def memory(used: float, total: float) -> str:
        return f"{words.size(used)} / {words.size(total)}"

    rows = [
        meter(
            "processor",
            words.percent(last.cpu_utilization),
            [one.cpu_utilization for one in history],
            cells,
            1.0,
        ),
        meter(
            "memory",
            memory(last.memory_used_bytes, last.memory_total_bytes),
            [float(one.memory_used_bytes) for one in history],
            cells,
            float(last.memory_total_bytes),
        ),
    ]
    for index, device in enumerate(last.devices):
        past = [one.devices[index] for one in history if len(one.devices) > index]
        name = leaf(device.device)
        if device.HasField("utilization"):
            rows.append(meter(name, words.percent(device.utilization), [one.utilization for one in past], cells, 1.0))
        if device.worker_memory_bytes:
            rows.append(
                meter(
                    f"{name} worker",
                    memory(device.worker_memory_bytes, device.memory_total_bytes),
                    [float(one.worker_memory_bytes) for one in past],
                    cells,
                    float(device.memory_total_bytes),
                )
            )
    queue = [float(one.queued_jobs + one.running_jobs) for one in history]
    pace = [one.candidates_per_minute for one in history]
    daemon = [float(one.daemon_memory_bytes) for one in history]
    rows += [
        meter(
            "queue",
            f"{last.running_jobs} + {last.queued_jobs}",
            queue,
            cells,
            _room(queue, 4.0),
        ),
        meter(
            "pictures a min",
            f"{last.candidates_per_minute:.1f}",
            pace,
            cells,
            _room(pace, 10.0),
        ),
        meter(
            "daemon",
            words.size(last.daemon_memory_bytes),
            daemon,
            cells,
            _room(daemon, 100e6),
        ),
    ]
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
        if resting and now - self._drawn < REST_SECONDS:
            return
        self._drawn = now
        pane = self.query_one("#meters", Said)
        width = pane.content_size.width or self.size.width - 4
        pane.say(words.lines(meters(list(self.studio.metrics), max(8, min(120, width - 36)))))
        self.studio.reading.residents()
        self._draw_residents()

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
