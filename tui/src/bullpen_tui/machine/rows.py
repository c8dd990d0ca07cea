"""Models, devices and what is in memory as rows and sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bullpen_api.v1 import model_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.machine.advice import USES
from bullpen_tui.snapshot import leaf
from bullpen_tui.widgets.layout import Column, Row

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
    Column("device", minimum=14, weight=2, middle=True),
    Column("state", width=10),
    Column("takes", width=12),
    Column("engine", width=9, drop=3),
    Column("memory", width=15, right=True),
    Column("job", width=8, drop=1),
    Column("why", minimum=16, weight=3, drop=2),
)
MAKERS = ("NVIDIA", "AMD", "Intel", "Apple")
"""Names that a device's own is clear without."""


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


def device_title(device: model_pb2.Device, room: int) -> str:
    """What a device is called; where that is longer than `room` without who made it."""
    title = device.title or leaf(device.name)
    for sign in ("(R)", "(TM)", "(tm)", "™", "®") if len(title) > room else ():
        title = title.replace(sign, "")
    for maker in MAKERS if len(title) > room else ():
        title = title.removeprefix(f"{maker} ")
    return title


def by_use(models: Iterable[model_pb2.Model]) -> list[model_pb2.Model]:
    """What can be used first, what lacks something last; otherwise as they came."""
    return sorted(models, key=lambda one: one.state != model_pb2.Model.STATE_READY)


def device_row(device: model_pb2.Device, room: int = 200) -> Row:
    """A device for `DEVICE_COLUMNS`; its name has `room` cells."""
    return Row(
        device.name,
        (
            Content(device_title(device, room)),
            words.mark(words.state(words.DEVICE_MARKS, device.state)),
            words.mark(words.state(USES, device.use)),
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


def pin_words(model: str, pinned: bool) -> str:
    """What a pin means from now on."""
    stays = "stays in memory from now on, over restarts too." if pinned else "may leave memory again."
    return f"{leaf(model)} {stays}"
