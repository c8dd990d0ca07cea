"""What can answer, and how it chooses its words, as rows and sentences. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bullpen_api.v1 import copilot_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.mirror import leaf
from bullpen_tui.widgets.layout import Column, Row

COLUMNS = (
    Column("", width=1),
    Column("engine", minimum=16, weight=3),
    Column("speaks", width=13, drop=2),
    Column("size", width=9, right=True, drop=3),
    Column("in memory", width=10, drop=1),
    Column("", width=13),
)


def answering(
    session: copilot_pb2.ChatSession | None, chosen: str, engines: Sequence[copilot_pb2.ChatEngine]
) -> copilot_pb2.ChatEngine | None:
    """What answers in a conversation; before there is one, what was chosen for it, else what is usual."""
    wanted = session.engine if session is not None else chosen
    usual = next((one for one in engines if one.is_default), engines[0] if engines else None)
    return next((one for one in engines if one.name == wanted), usual)


def engine_row(one: copilot_pb2.ChatEngine, chosen: bool) -> Row:
    """An engine for `COLUMNS`."""
    state = words.text(("✓ ready", words.GOOD)) if one.available else words.text(("✗ unavailable", words.BAD))
    memory = (
        words.text((f"● {leaf(one.loaded_on)}", words.ACCENT))
        if one.loaded_on
        else words.text((words.DASH, words.FAINT))
    )
    return Row(
        one.name,
        (
            words.text(("▸" if chosen else " ", words.ACCENT)),
            words.text(one.title or leaf(one.name), (f"  {one.model}" if _other_name(one) else "", words.QUIET)),
            words.text(("language" if one.language_model else "commands only", words.QUIET)),
            words.text((words.size(one.size_bytes) if one.size_bytes else words.DASH, words.QUIET)),
            memory if one.model.startswith("models/") else words.text((words.DASH, words.FAINT)),
            state,
        ),
    )


def _other_name(one: copilot_pb2.ChatEngine) -> bool:
    """Whether the model says more than the title."""
    return bool(one.model) and leaf(one.model) not in one.title and not one.model.startswith("models/")


def engine_lines(one: copilot_pb2.ChatEngine, chosen: bool) -> list[Content]:
    """What an engine is, why it cannot answer, and what to do."""
    rows = [words.text((one.title or leaf(one.name), words.STRONG), (f"   {leaf(one.name)}", words.FAINT))]
    rows.append(words.text("" if one.available else ("✗ ", words.BAD), one.detail))
    if one.remedy:
        rows.append(words.text(("→ ", words.ACCENT), one.remedy))
    said = [
        "answers here" if chosen else "",
        "usual for new conversations" if one.is_default else "",
        "loaded when it is first asked" if one.available and one.size_bytes and not one.loaded_on else "",
    ]
    rows.append(words.text((" · ".join(filter(None, said)), words.QUIET)))
    return rows


def engine_line(one: copilot_pb2.ChatEngine | None) -> str:
    """What answers, for a frame."""
    if one is None:
        return ""
    place = f" ● {leaf(one.loaded_on)}" if one.loaded_on else ""
    return f"{one.title or leaf(one.name)}{place}" + ("" if one.available else f" ✗ {one.detail}")


@dataclass(frozen=True)
class Knob:
    """One value of how words are chosen. `usual` is where it begins to be turned from; source: the sampler's own."""

    name: str
    label: str
    low: float
    high: float
    step: float
    usual: float
    about: str
    whole: bool = False
    local: bool = False


KNOBS = (
    Knob("temperature", "temperature", 0, 2, 0.1, 0.8, "how freely words are chosen; 0 takes the likeliest"),
    Knob("top_p", "top p", 0, 1, 0.05, 0.95, "share of probability that is chosen among"),
    Knob("max_tokens", "most tokens", 16, 100_000, 64, 512, "length of an answer", whole=True),
    Knob("seed", "seed", 0, 2**31, 1, 0, "the same words for the same seed", whole=True),
    Knob("top_k", "top k", 0, 1000, 5, 40, "how many of the likeliest; 0 means all", whole=True, local=True),
    Knob("min_p", "min p", 0, 1, 0.01, 0.05, "least share of the likeliest one", local=True),
    Knob("repeat_penalty", "repeat penalty", 0.5, 2, 0.05, 1.0, "above 1: what was just said gets rarer", local=True),
)
"""What can be turned while an answer is written."""
KNOB_COLUMNS = (Column("", width=14), Column("", width=12, right=True), Column("", minimum=16, weight=1))


def turned(sampling: copilot_pb2.ChatSampling, knob: Knob, by: int) -> copilot_pb2.ChatSampling:
    """One value a few steps further within its bounds; 0 steps leave it to the engine again."""
    made = copilot_pb2.ChatSampling()
    made.CopyFrom(sampling)
    if not by:
        made.ClearField(knob.name)  # type: ignore[arg-type]  # KNOBS name fields of the message
        return made
    now = getattr(sampling, knob.name) if sampling.HasField(knob.name) else knob.usual  # type: ignore[arg-type]
    value = min(knob.high, max(knob.low, now + by * knob.step))
    setattr(made, knob.name, int(value) if knob.whole else round(value, 4))
    return made


def knob_row(sampling: copilot_pb2.ChatSampling, knob: Knob) -> Row:
    """A value with what it does."""
    given = sampling.HasField(knob.name)  # type: ignore[arg-type]  # KNOBS name fields of the message
    value = f"{getattr(sampling, knob.name):g}" if given else "the engine's"
    about = f"{knob.about}{' (models of this machine)' if knob.local else ''}"
    style = words.STRONG if given else words.FAINT
    return Row(knob.name, (Content(knob.label), words.text((value, style)), words.text((about, words.QUIET))))
