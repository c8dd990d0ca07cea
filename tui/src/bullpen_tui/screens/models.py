"""Models and devices: what can be run here, on what, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import model_pb2
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said
from bullpen_tui.widgets.tabs import TabLine

NO_MODEL = words.text(
    "No model is installed.\n\nPut a folder in diffusers layout into one of the model folders;\n",
    "the settings (0) say where they are.",
)

MODEL_COLUMNS = (
    Column("model", minimum=16, weight=2),
    Column("state", width=13),
    Column("family", minimum=12, weight=1),
    Column("size", width=8, right=True),
    Column("picture", width=9, right=True, drop=2),
    Column("in memory", width=12, drop=1),
    Column("licence", minimum=10, weight=1, drop=3),
)
DEVICE_COLUMNS = (
    Column("device", minimum=10, weight=1),
    Column("state", width=10),
    Column("engine", width=9),
    Column("memory", width=15, right=True),
    Column("job", minimum=10, weight=1, drop=1),
    Column("why", minimum=16, weight=3, drop=2),
)


CAPABILITIES = (
    ("edit", "instruction_edit"),
    ("text", "text_to_image"),
    ("i2i", "img2img"),
    ("fill", "inpaint"),
    ("ctrl", "structure_control"),
    ("refs", "reference"),
    ("LoRA", "lora"),
    ("cut", "cutout"),
    ("up", "upscale"),
    ("face", "identity_embedding"),
    ("look", "style_embedding"),
    ("tag", "tag"),
)
"""What a column of the matrix is called, and the capability behind it."""
MATRIX_COLUMNS = (
    Column("model", minimum=14, weight=1),
    Column("engine", width=8, drop=9),
    *(Column(title, width=4, drop=max(0, index - 7)) for index, (title, _) in enumerate(CAPABILITIES)),
)


def matrix_row(model: model_pb2.Model) -> Row:
    """A model for `MATRIX_COLUMNS`: what it can do, and what it could if it were whole."""
    ready = model.state == model_pb2.Model.STATE_READY
    sign = words.text(("✓", words.GOOD) if ready else ("◌", words.WARN))
    cells = [sign if one in model.capabilities else words.text(("·", words.FAINT)) for _, one in CAPABILITIES]
    name = words.text(model.title or leaf(model.name), ("" if ready else " ✗", words.BAD))
    return Row(model.name, (name, words.text((model.engine or words.DASH, words.QUIET)), *cells))


def model_row(model: model_pb2.Model, residents: Iterable[model_pb2.Resident]) -> Row:
    """A model for `MODEL_COLUMNS`."""
    homes = [f"{leaf(one.device)}{' ⚑' if one.pinned else ''}" for one in residents if one.model == model.name]
    sizes = f"{model.default_width}×{model.default_height}" if model.default_width else words.DASH
    return Row(
        model.name,
        (
            Content(model.title or leaf(model.name)),
            words.mark(words.state(words.MODEL_MARKS, model.state)),
            words.text((model.family or words.DASH, words.QUIET)),
            Content(words.size(model.size_bytes)),
            words.text((sizes, words.QUIET)),
            words.text((f"● {', '.join(homes)}", words.ACCENT)) if homes else words.text((words.DASH, words.FAINT)),
            words.text((model.licence or words.DASH, words.QUIET)),
        ),
    )


def device_row(device: model_pb2.Device) -> Row:
    """A device for `DEVICE_COLUMNS`."""
    return Row(
        device.name,
        (
            Content(device.title or leaf(device.name)),
            words.mark(words.state(words.DEVICE_MARKS, device.state)),
            words.text((device.engine or words.DASH, words.QUIET)),
            Content(f"{words.size(device.memory_used_bytes)} / {words.size(device.memory_total_bytes)}"),
            words.text((leaf(device.job) or words.DASH, words.QUIET)),
            words.text((device.reason, words.QUIET)),
        ),
    )


def resident_line(one: model_pb2.Resident, now: float) -> Content:
    """Where a model is in memory, until when, and why."""
    left = words.moment(one.expires) - now
    until = "pinned" if one.pinned else f"goes in {words.clock(left)}" if one.expires.seconds and left > 0 else ""
    parts = [f"in memory on {leaf(one.device)}", words.size(one.size_bytes), until, one.reason]
    return words.text(("   ".join(part for part in parts if part), words.ACCENT))


def pin_words(message: say.ModelPinned) -> str:
    """What a pin means from now on."""
    stays = "stays in memory from now on, over restarts too." if message.pinned else "may leave memory again."
    return f"{leaf(message.model)} {stays}"


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

    def draw(self) -> None:
        """Draws both tables in place; reads as soon as there is a daemon."""
        if not self._asked:
            self._read()
        residents = self.snapshot.answer("residents", model_pb2.ListResidentsResponse)
        models = self.query_one("#models", RowTable)
        if "models" in self.snapshot.answers:
            models.set_empty(NO_MODEL)
        loaded = list(residents.residents) if residents else []
        self.query_one(TabLine).open(self.tabs, self.tab_open)
        if self.tab_open:
            models.set_columns(MATRIX_COLUMNS)
            models.set_rows([matrix_row(one) for one in self._models.values()])
        else:
            models.set_columns(MODEL_COLUMNS)
            models.set_rows([model_row(one, loaded) for one in self._models.values()])
        devices = self.query_one("#devices", RowTable)
        if "devices" in self.snapshot.answers:
            devices.set_empty(Content("No device was found."))
        devices.set_rows([device_row(one) for one in self._devices.values()])
        self._explain()

    def on_lister_moved(self) -> None:
        """Says more about the rows under the cursors."""
        self._explain()

    def _explain(self) -> None:
        model = self._models.get(self.query_one("#models", RowTable).cursor_key or "")
        if model is not None:
            problem = words.text((model.problem, words.BAD)) if model.problem else Content("")
            can = ", ".join(one.replace("_", " ") for one in model.capabilities)
            lines = [words.text((can, words.QUIET), "  ", problem)]
            if (held := self._resident) is not None:
                lines.append(resident_line(held, self.studio.now()))
            if model.price:
                lines.append(words.text(("paid: ", words.WARN), model.price))
            lines.append(words.text((model.path, words.FAINT)))
            self.query_one("#model-words", Said).say(words.lines(lines))
        device = self._devices.get(self.query_one("#devices", RowTable).cursor_key or "")
        if device is not None:
            self.query_one("#device-words", Said).say(words.text((device.reason, words.QUIET)))

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
        if not self.is_mounted or action not in ("load", "unload", "pin"):
            return True
        model, resident = self._model, self._resident
        if model is None or model.state != model_pb2.Model.STATE_READY:
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
        self.notify(pin_words(message))
        self._read()

    def action_other_table(self) -> None:
        """Moves the focus between models and devices."""
        here = self.query_one("#models", RowTable)
        there = self.query_one("#devices", RowTable)
        (there if here.has_focus else here).focus()
