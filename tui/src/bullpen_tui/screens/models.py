"""Models and devices: what can be run here, on what, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from bullpen_api.v1 import model_pb2
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.machine import advice, spans, told
from bullpen_tui.machine.rows import (
    DEVICE_COLUMNS,
    MATRIX_COLUMNS,
    MODEL_COLUMNS,
    by_use,
    device_row,
    matrix_row,
    model_row,
    pin_words,
    resident_line,
)
from bullpen_tui.mirror import leaf
from bullpen_tui.plan import FormError
from bullpen_tui.reading import EVERYWHERE
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.dialogs import ConfirmDialog, PathDialog
from bullpen_tui.screens.part_dialogs import ChooseDialog
from bullpen_tui.widgets.rows import RowTable
from bullpen_tui.widgets.said import Said
from bullpen_tui.widgets.tabs import TabLine


def no_model(folders: Sequence[str]) -> Content:
    """Where models go; they are seen there without a restart."""
    where = folders[0] if folders else "one of the model folders, which the settings (0) name"
    return words.text(
        f"No model is installed.\n\nPut a folder in diffusers layout into\n{where}.\n\n",
        "A single checkpoint becomes one by `bullpen models convert FILE`.",
    )


REMOTE = "remote"
"""Engine of a provider's model, which takes no memory here."""


class ModelsScreen(StudioScreen):
    """Models or what they can do above, devices below; tab moves between them."""

    place: ClassVar[str] = "models"
    tabs = ("models", "what they can do")

    def __init__(self) -> None:
        super().__init__()
        self._asked = False

    def body(self) -> Iterable[Widget]:
        """Models above, devices below."""
        with Vertical(classes="pane", id="models-pane") as pane:
            pane.border_title = "Models"
            yield TabLine()
            yield RowTable(MODEL_COLUMNS, empty="Reading…", dom_id="models")
            yield Said(dom_id="model-words", classes="below")
        with Vertical(classes="pane", id="devices-pane") as pane:
            pane.border_title = "Devices"
            yield RowTable(DEVICE_COLUMNS, empty="Reading…", dom_id="devices")
            yield Said(dom_id="device-words", classes="below")

    def on_mount(self) -> None:
        """Reads again every two seconds; models and devices change without an event of their own."""
        super().on_mount()
        self.set_interval(2.0, self._read)

    @property
    def _models(self) -> dict[str, model_pb2.Model]:
        answer = self.snapshot.answer("models", model_pb2.ListModelsResponse)
        return {one.name: one for one in answer.models} if answer else {}

    @property
    def _devices(self) -> dict[str, model_pb2.Device]:
        answer = self.snapshot.answer("devices", model_pb2.ListDevicesResponse)
        return {one.name: one for one in answer.devices} if answer else {}

    def draw_chrome(self) -> None:
        """Frame, and the first question."""
        super().draw_chrome()
        self.draw()

    def _read(self) -> None:
        if self.studio.connected and not self.studio.lost and self.is_current:
            self._asked = True
            self.studio.reading.models()
            self.studio.reading.residents()
            self.studio.reading.devices()
            self.studio.reading.runs(EVERYWHERE)

    def draw(self) -> None:
        """Draws both tables in place; reads as soon as there is a daemon."""
        if not self._asked:
            self._read()
        residents = self.snapshot.answer("residents", model_pb2.ListResidentsResponse)
        models = self.query_one("#models", RowTable)
        if "models" in self.snapshot.answers:
            models.set_empty(no_model(self.studio.info.model_folders if self.studio.info is not None else ()))
        loaded = list(residents.residents) if residents else []
        self.query_one(TabLine).open(self.tabs, self.tab_open)
        if self.tab_open:
            models.set_columns(MATRIX_COLUMNS)
            models.set_rows([matrix_row(one) for one in by_use(self._models.values())])
        else:
            models.set_columns(MODEL_COLUMNS)
            models.set_rows([model_row(one, loaded) for one in by_use(self._models.values())])
        devices = self.query_one("#devices", RowTable)
        if "devices" in self.snapshot.answers:
            devices.set_empty(Content("No device was found."))
        room = devices.cells(0)
        devices.set_rows([device_row(one, room) for one in self._devices.values()])
        self._explain()

    def on_lister_moved(self) -> None:
        """Says more about the rows under the cursors."""
        self._explain()

    def _explain(self) -> None:
        model = self._models.get(self.query_one("#models", RowTable).cursor_key or "")
        if model is not None:
            problem = words.text((model.problem, words.BAD)) if model.problem else Content("")
            can = ", ".join(one.replace("_", " ") for one in model.capabilities)
            name = f"{model.title}   " if len(model.title) > self.query_one("#models", RowTable).cells(0) else ""
            lines = [words.text(name, (can, words.QUIET), "  ", problem)]
            if (held := self._resident) is not None:
                lines.append(resident_line(held, self.studio.now()))
            if model.price:
                lines.append(words.text(("paid: ", words.WARN), model.price))
            lines.append(words.text((model.path, words.FAINT)))
            self.query_one("#model-words", Said).say(words.lines(lines))
        device = self._devices.get(self.query_one("#devices", RowTable).cursor_key or "")
        if device is not None:
            whole = device.title or leaf(device.name)
            name = f"{whole}   " if len(whole) > self.query_one("#devices", RowTable).cells(0) else ""
            self.query_one("#device-words", Said).say(words.text(name, (device.reason, words.QUIET)))

    # --- memory ------------------------------------------------------------------------------------------------------

    @property
    def _model(self) -> model_pb2.Model | None:
        return self._models.get(self.query_one("#models", RowTable).cursor_key or "")

    @property
    def _resident(self) -> model_pb2.Resident | None:
        answer = self.snapshot.answer("residents", model_pb2.ListResidentsResponse)
        name = self._model.name if self._model is not None else ""
        return next((one for one in answer.residents if one.model == name), None) if answer is not None else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works on the model under the cursor."""
        if not self.is_mounted or action not in ("load", "unload", "pin", "keep_alive", "switch_device", "advise"):
            return True
        if action == "advise":
            return bool(self._waiting)
        if action == "switch_device":
            return self._device is not None
        model, resident = self._model, self._resident
        if model is None or model.state != model_pb2.Model.STATE_READY or model.engine == REMOTE:
            return False
        if action == "unload":
            return resident is not None and not resident.in_use and not resident.pinned
        return resident is None if action == "load" else True

    def action_load(self) -> None:
        """Brings the model into memory."""
        if (model := self._model) is not None:
            self.studio.errands.load(model.name, self)
            self.notify(f"{leaf(model.name)} is being loaded.")

    def action_unload(self) -> None:
        """Frees the model's memory."""
        if (model := self._model) is not None:
            self.studio.errands.unload(model.name, self)

    def action_pin(self) -> None:
        """Keeps the model in memory, or lets it go again."""
        if (model := self._model) is not None:
            resident = self._resident
            self.studio.errands.pin(model.name, resident is None or not resident.pinned, self)

    def on_model_loaded(self, message: say.ModelLoaded) -> None:
        """Says so."""
        self.notify(f"{leaf(message.model)} is in memory.")
        self._read()

    def on_model_unloaded(self, message: say.ModelUnloaded) -> None:
        """Says so."""
        self.notify(f"{leaf(message.model)} was taken out of memory.")
        self._read()

    def on_model_pinned(self, message: say.ModelPinned) -> None:
        """Says so."""
        self.notify(pin_words(message.model, message.pinned))
        self._read()

    def action_keep_alive(self) -> None:
        """Asks how long the model under the cursor stays in memory after its last use."""
        if (model := self._model) is None:
            return
        resident = self._resident
        now = spans.written(words.seconds_of(resident.keep_alive)) if resident is not None else ""

        def take(text: str) -> str:
            try:
                self.studio.errands.keep_alive(model.name, spans.seconds_of(text), self)
            except FormError as problem:
                return str(problem)
            return ""

        title = f"{leaf(model.name)} stays unused for (5m, 1h 30m; empty: as the settings say)"
        self.studio.push_screen(PathDialog(title, now, empty=True, take=take))

    def on_keep_alive_set(self, message: told.KeepAliveSet) -> None:
        """Says so."""
        keeping = message.keeping
        length = "as long as the settings say"
        if keeping.HasField("keep_alive"):
            length = spans.written(words.seconds_of(keeping.keep_alive))
        self.notify(f"{leaf(keeping.model)} stays in memory for {length} after its last use, over restarts too.")
        self._read()

    # --- devices -----------------------------------------------------------------------------------------------------

    @property
    def _device(self) -> model_pb2.Device | None:
        return self._devices.get(self.query_one("#devices", RowTable).cursor_key or "")

    @property
    def _waiting(self) -> list[str]:
        """Runs that have not ended, those of the project first."""
        runs = self.snapshot.runs.values()
        going = [one.name for one in runs if one.state not in words.ENDED_RUNS]
        return sorted(going, key=lambda name: (not name.startswith(f"{self.studio.project}/"), name))

    def action_switch_device(self) -> None:
        """Asks what the device under the cursor may be given, then whether it is meant."""
        if (device := self._device) is None:
            return

        def chosen(key: str | None) -> None:
            found = next((one for one in advice.CHOICES if one[0] == key), None)
            if found is None:
                return
            _, use, now, label, _ = found
            question = advice.switch_question(device, use, now)
            self.studio.push_screen(
                ConfirmDialog(question, label), lambda yes: self._switch(device.name, use, now, bool(yes))
            )

        offered = [(key, Content(label)) for key, _, _, label, _ in advice.CHOICES]
        title = f"What {device.title or leaf(device.name)} takes"
        self.studio.push_screen(ChooseDialog(title, offered, ""), chosen)

    def _switch(self, device: str, use: model_pb2.Device.Use.ValueType, now: bool, yes: bool) -> None:
        if yes:
            self.studio.errands.switch_device(device, use, self, now=now)

    def on_device_switched(self, message: told.DeviceSwitched) -> None:
        """Says so."""
        self.notify(advice.switched_words(message.device))
        self._read()

    def on_last_device(self, message: told.LastDevice) -> None:
        """Asks whether work is to wait."""

        def answered(yes: bool | None) -> None:
            if yes:
                self.studio.errands.switch_device(message.device, message.use, self, now=message.now, force=True)

        question = f"{message.error} Switch it all the same?"
        self.studio.push_screen(ConfirmDialog(question, "switch it all the same"), answered)

    def action_advise(self) -> None:
        """Compares the devices for the runs that have not ended."""
        from bullpen_tui.screens.advice import AdviceDialog

        self.studio.push_screen(AdviceDialog(self._waiting))

    def action_other_table(self) -> None:
        """Moves the focus between models and devices."""
        here = self.query_one("#models", RowTable)
        there = self.query_one("#devices", RowTable)
        (there if here.has_focus else here).focus()
