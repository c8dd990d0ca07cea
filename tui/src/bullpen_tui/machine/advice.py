"""Advice and devices in words: what each way costs in time, memory and money, and what switching means. Pure."""

from __future__ import annotations

from bullpen_api.v1 import advisor_pb2, model_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.snapshot import leaf
from bullpen_tui.widgets.layout import Column, Row

Option = advisor_pb2.ComputeOption
Use = model_pb2.Device.Use

ANYWHERE = "anywhere"
"""Key of the row that takes a run's binding away."""

COLUMNS = (
    Column("device", minimum=24, weight=2),
    Column("fits", width=12),
    Column("a picture", width=9, right=True, drop=2),
    Column("waits", width=6, right=True, drop=3),
    Column("done in", width=7, right=True),
    Column("costs", width=7, right=True),
    Column("", minimum=10, weight=1, drop=1),
)

FITS: dict[int, words.Mark] = {
    Option.FIT_UNSPECIFIED: ("·", words.FAINT, "unknown"),
    Option.FIT_NOW: ("✓", words.GOOD, "now"),
    Option.FIT_AFTER_MAKING_ROOM: ("◐", words.WARN, "makes room"),
    Option.FIT_IN_PARTS: ("◔", words.WARN, "in parts"),
    Option.FIT_NOT: ("✗", words.BAD, "too large"),
    Option.FIT_NOT_NEEDED: ("○", words.QUIET, "elsewhere"),
}
USES: dict[int, words.Mark] = {
    model_pb2.Device.USE_UNSPECIFIED: ("·", words.FAINT, "unknown"),
    model_pb2.Device.USE_ALL: ("✓", words.GOOD, "all work"),
    model_pb2.Device.USE_BOUND: ("◐", words.WARN, "by request"),
    model_pb2.Device.USE_NONE: ("✗", words.BAD, "off"),
}
CHOICES: tuple[tuple[str, Use.ValueType, bool, str, str], ...] = (
    ("all", model_pb2.Device.USE_ALL, False, "for all work", "It takes whatever waits."),
    (
        "bound",
        model_pb2.Device.USE_BOUND,
        False,
        "by request only",
        "It takes only runs that somebody places there; what runs there now and is not placed there ends first.",
    ),
    ("off", model_pb2.Device.USE_NONE, False, "off", "What runs there ends first; then its worker goes."),
    (
        "now",
        model_pb2.Device.USE_NONE,
        True,
        "off, at once",
        "What runs there stops within one step and goes on elsewhere; finished candidates stay.",
    ),
    ("settings", model_pb2.Device.USE_UNSPECIFIED, False, "as the settings say", "It does what daemon.toml says."),
)
"""Key, use, whether at once, label and what it means, of each way to switch a device."""


def option_key(option: Option) -> str:
    """What tells an option from the others."""
    return f"{option.device} {option.model}"


def can_be_placed(option: Option) -> bool:
    """Whether a run can be bound to it: a provider's model is chosen in a new run instead."""
    return not option.problem and option.kind != "remote" and option.fit != Option.FIT_NOT


def option_row(option: Option, advice: advisor_pb2.Advice) -> Row:
    """One way for `COLUMNS`."""
    remote = option.kind == "remote"
    name = leaf(option.model) if remote else option.title or leaf(option.device)
    best = advice.recommended in (option.device, option.model) and (remote == (advice.recommended == option.model))
    here = advice.bound_to == option.device
    marks = (" ★" if best else "") + (" ⚑" if option.needs_consent else "") + (" ●" if here else "")
    picture = words.span(words.seconds_of(option.picture_time)) if option.HasField("picture_time") else words.DASH
    wait = words.span(words.seconds_of(option.wait)) if option.HasField("wait") else words.DASH
    total = words.clock(words.seconds_of(option.total)) if option.HasField("total") else words.DASH
    cost = words.money(option.cost) if option.HasField("cost") else "nothing"
    style = words.FAINT if option.problem else ""
    return Row(
        option_key(option),
        (
            words.text((name, style), (marks, words.ACCENT)),
            words.mark(words.state(FITS, option.fit)),
            words.text((picture, words.QUIET)),
            words.text((wait, words.QUIET)),
            words.text((total, words.STRONG if not option.problem else words.FAINT)),
            words.text((cost, words.WARN if option.HasField("cost") else words.QUIET)),
            words.text((option.problem or ("in memory" if option.resident else ""), words.QUIET)),
        ),
    )


def anywhere_row(advice: advisor_pb2.Advice) -> Row:
    """The row that lets any device in general use take the run."""
    here = "" if advice.bound_to else " ●"
    rest = [Content("")] * (len(COLUMNS) - 1)
    return Row(ANYWHERE, (words.text("any device", (here, words.ACCENT)), *rest))


def option_words(option: Option) -> list[Content]:
    """Everything about one way."""
    memory = []
    if option.memory_needed_bytes:
        memory.append(f"needs {words.size(option.memory_needed_bytes)}")
    if option.HasField("memory_free_bytes"):
        memory.append(f"{words.size(option.memory_free_bytes)} of {words.size(option.memory_total_bytes)} free")
    elif option.memory_total_bytes:
        memory.append(f"has {words.size(option.memory_total_bytes)}")
    ahead = f"{words.plural(option.jobs_ahead, 'job')} before it" if option.jobs_ahead else ""
    parts = [option.title or leaf(option.device), *memory, ahead, f"with {leaf(option.model)}" if option.model else ""]
    rows = [words.text(("   ".join(part for part in parts if part), words.QUIET))]
    if option.problem:
        rows.append(words.text(("✗ ", words.BAD), option.problem))
    elif option.kind == "remote":
        told = f"{leaf(option.model)} is a provider's: compose the run anew with it, and agree to its price there."
        rows.append(words.text(("⚑ ", words.WARN), told))
    elif option.needs_consent:
        rows.append(words.text(("⚑ ", words.WARN), "It is kept for requests: you are asked before work goes there."))
    return rows


def legend() -> Content:
    """What the signs beside a device mean."""
    return words.text(("★ best   ● it is done there   ⚑ asks first", words.FAINT))


def switch_question(device: model_pb2.Device, use: Use.ValueType, now: bool) -> str:
    """What switching a device does, to be agreed to."""
    _, _, _, label, means = next(one for one in CHOICES if one[1] == use and one[2] == now)
    busy = f" It is making {device.job} now." if device.job else ""
    return f"Switch {device.title or leaf(device.name)}: {label}? {means}{busy}"


def switched_words(device: model_pb2.Device) -> str:
    """What a device does from now on."""
    name = device.title or leaf(device.name)
    said = {
        model_pb2.Device.USE_ALL: f"{name} takes all work.",
        model_pb2.Device.USE_BOUND: f"{name} takes only runs that somebody places there.",
        model_pb2.Device.USE_NONE: f"{name} is off.",
    }
    return said.get(device.use, f"{name} was switched.") + " It stays so over restarts."
