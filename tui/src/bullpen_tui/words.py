"""How figures, times and states are written, the same on every screen.

Pure functions from values to `Content`. States are said by shape and by colour; a figure that is not known is a dash,
never a zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bullpen_api.v1 import cost_pb2, event_pb2, model_pb2, run_pb2
from google.protobuf import duration_pb2, timestamp_pb2
from textual.content import Content

GOOD = "$success"
WARN = "$warning"
BAD = "$error"
ACCENT = "$accent"
QUIET = "$quiet"
FAINT = "$faint"
STRONG = "bold $foreground"

DASH = "–"
_SPARKS = "▁▂▃▄▅▆▇█"

Mark = tuple[str, str, str]
"""Sign, style and word of a state."""

RUN_MARKS: dict[run_pb2.Run.State.ValueType, Mark] = {
    run_pb2.Run.STATE_UNSPECIFIED: ("·", FAINT, "unknown"),
    run_pb2.Run.STATE_QUEUED: ("◌", QUIET, "queued"),
    run_pb2.Run.STATE_RUNNING: ("●", ACCENT, "running"),
    run_pb2.Run.STATE_SUCCEEDED: ("✓", GOOD, "done"),
    run_pb2.Run.STATE_PARTIAL: ("◐", WARN, "partial"),
    run_pb2.Run.STATE_FAILED: ("✗", BAD, "failed"),
    run_pb2.Run.STATE_CANCELED: ("⊘", QUIET, "canceled"),
}

JOB_MARKS: dict[run_pb2.Job.State.ValueType, Mark] = {
    run_pb2.Job.STATE_UNSPECIFIED: ("·", FAINT, "unknown"),
    run_pb2.Job.STATE_QUEUED: ("◌", QUIET, "queued"),
    run_pb2.Job.STATE_RUNNING: ("●", ACCENT, "running"),
    run_pb2.Job.STATE_SUCCEEDED: ("✓", GOOD, "done"),
    run_pb2.Job.STATE_FAILED: ("✗", BAD, "failed"),
    run_pb2.Job.STATE_CANCELED: ("⊘", QUIET, "canceled"),
    run_pb2.Job.STATE_HELD: ("‖", WARN, "held"),
}

DEVICE_MARKS: dict[model_pb2.Device.State.ValueType, Mark] = {
    model_pb2.Device.STATE_UNSPECIFIED: ("·", FAINT, "unknown"),
    model_pb2.Device.STATE_COLD: ("◌", QUIET, "cold"),
    model_pb2.Device.STATE_STARTING: ("◐", WARN, "starting"),
    model_pb2.Device.STATE_IDLE: ("○", GOOD, "idle"),
    model_pb2.Device.STATE_BUSY: ("●", ACCENT, "busy"),
    model_pb2.Device.STATE_FAILED: ("✗", BAD, "failed"),
}

MODEL_MARKS: dict[model_pb2.Model.State.ValueType, Mark] = {
    model_pb2.Model.STATE_UNSPECIFIED: ("·", FAINT, "unknown"),
    model_pb2.Model.STATE_READY: ("✓", GOOD, "ready"),
    model_pb2.Model.STATE_CORRUPT: ("✗", BAD, "damaged"),
    model_pb2.Model.STATE_UNSUPPORTED: ("◐", WARN, "unsupported"),
    model_pb2.Model.STATE_NO_ACCOUNT: ("⚑", WARN, "no account"),
}

_FINDINGS: dict[run_pb2.Finding.Kind.ValueType, str] = {
    run_pb2.Finding.KIND_UNSPECIFIED: "check",
    run_pb2.Finding.KIND_BLANK: "blank",
    run_pb2.Finding.KIND_NOT_FINITE: "broken",
    run_pb2.Finding.KIND_CHROMA: "chroma",
    run_pb2.Finding.KIND_GREYSCALE: "grey",
    run_pb2.Finding.KIND_STRUCTURE: "structure",
    run_pb2.Finding.KIND_SIZE: "size",
    run_pb2.Finding.KIND_SHARPNESS: "soft",
    run_pb2.Finding.KIND_ALPHA_COVERAGE: "cutout",
    run_pb2.Finding.KIND_IDENTITY: "identity",
    run_pb2.Finding.KIND_STYLE: "style",
    run_pb2.Finding.KIND_COPY: "copy",
    run_pb2.Finding.KIND_CHARACTER_COUNT: "cast",
    run_pb2.Finding.KIND_MEASURE_FAILED: "unmeasured",
}

ENDED_RUNS = frozenset(
    {run_pb2.Run.STATE_SUCCEEDED, run_pb2.Run.STATE_PARTIAL, run_pb2.Run.STATE_FAILED, run_pb2.Run.STATE_CANCELED}
)


def state(marks: Mapping[Any, Mark], value: int) -> Mark:
    """The mark of a state. A daemon of a newer contract may have states that this studio does not know."""
    return marks.get(value, ("·", FAINT, f"state {value}"))


def run_state(run: run_pb2.Run) -> Mark:
    """The mark of a run; one that somebody lets wait looks like it, whatever it would do otherwise."""
    if run.paused and run.state not in ENDED_RUNS:
        return ("‖", WARN, "paused")
    return state(RUN_MARKS, run.state)


def text(*parts: str | tuple[str, str] | Content) -> Content:
    """Puts pieces together; a pair is words with their style."""
    return Content.assemble(*parts)


def lines(rows: Iterable[Content]) -> Content:
    """Puts rows under each other."""
    return Content("\n").join(list(rows))


def mark(found: Mark, word: bool = True) -> Content:
    """A state as sign and word, in its colour."""
    sign, style, name = found
    return text((f"{sign} {name}" if word else sign, style))


def bar(done: float, total: float, cells: int) -> Content:
    """A progress bar of `cells` cells. It is full only when everything is done."""
    share = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
    full = int(share * cells)
    return text(("▰" * full, ACCENT), ("▱" * (cells - full), FAINT))


def spark(values: Sequence[float], cells: int, top: float | None = None) -> str:
    """The last `cells` values as a line of small blocks, from 0 to `top` or to the largest value."""
    shown = list(values)[-cells:]
    if not shown:
        return ""
    ceiling = top if top is not None else max(shown)
    if ceiling <= 0:
        return _SPARKS[0] * len(shown)
    steps = len(_SPARKS) - 1
    return "".join(_SPARKS[min(steps, max(0, round(value / ceiling * steps)))] for value in shown)


def plot(values: Sequence[float], cells: int, top: float, high: int) -> list[str]:
    """The last `cells` values from 0 to `top` as bars of `high` lines, from the uppermost line down."""
    shown = list(values)[-cells:]
    steps = len(_SPARKS) if top > 0 else 1
    levels = [min(high * steps, max(1, round(value / top * high * steps))) if top > 0 else 1 for value in shown]
    return [
        "".join((" " + _SPARKS)[min(len(_SPARKS), max(0, level - row * steps))] for level in levels)
        for row in reversed(range(high))
    ]


def trace(values: Sequence[float], cells: int, top: float | None = None) -> Content:
    """A spark line whose newest value stands out."""
    drawn = spark(values, cells, top)
    return text((drawn[:-1], "$secondary"), (drawn[-1:], ACCENT))


def percent(share: float | None) -> str:
    """A share from 0 to 1 as whole per cent."""
    return DASH if share is None else f"{share * 100:.0f} %"


def size(count: float) -> str:
    """Bytes with one sensible unit, powers of 1024."""
    if count <= 0:
        return DASH
    for unit in ("B", "K", "M", "G"):
        if count < 1024:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} T"


def clock(seconds: float) -> str:
    """A time left or spent: `0:42`, `1:12`, `2:03:10`."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def span(seconds: float) -> str:
    """A duration in its largest unit: `0.4 s`, `42 s`, `31 m`, `2.5 h`."""
    if seconds <= 0:
        return DASH
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} m"
    return f"{seconds / 3600:.1f} h"


_CURRENCIES = {"USD": "$", "EUR": "€", "GBP": "£"}


def money_of(micros: int, currency: str) -> str:
    """An amount in millionths of a currency's unit: `$1.80`, `$0.0004`, `12.00 CHF`."""
    amount = micros / 1e6
    figure = f"{amount:.2f}" if amount >= 0.01 or not micros else f"{amount:.4f}"
    sign = _CURRENCIES.get(currency, "")
    return f"{sign}{figure}" if sign else f"{figure} {currency}".strip()


def money(amount: cost_pb2.Money) -> str:
    """An amount of money."""
    return money_of(amount.micros, amount.currency_code)


def seconds_of(duration: duration_pb2.Duration) -> float:
    """A protobuf duration in seconds."""
    return duration.seconds + duration.nanos / 1e9


def moment(stamp: timestamp_pb2.Timestamp) -> float:
    """A protobuf time in seconds since 1970; 0 where unset."""
    return stamp.seconds + stamp.nanos / 1e9


def ago(stamp: timestamp_pb2.Timestamp, now: float) -> str:
    """How long ago a time was: `now`, `42 s ago`, `2 h ago`."""
    if not stamp.seconds:
        return DASH
    past = max(0.0, now - moment(stamp))
    if past < 5:
        return "now"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if past >= length:
            return f"{int(past // length)} {unit} ago"
    return f"{int(past)} s ago"


def took(start: timestamp_pb2.Timestamp, end: timestamp_pb2.Timestamp, now: float) -> str:
    """Time between two moments, or until now while the end is open; 0 where the clock was set back meanwhile."""
    if not start.seconds:
        return DASH
    return clock(max(0.0, (moment(end) if end.seconds else now) - moment(start)))


def plural(count: int, one: str, many: str = "") -> str:
    """`1 scene`, `6 scenes`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def score(candidate: run_pb2.Candidate) -> float | None:
    """What the comparison with the source gave, if it was measured."""
    measures = candidate.quality.measures
    return measures.get("structure_f1")


def finding_name(kind: int) -> str:
    """A short name of a kind of finding."""
    return next((name for one, name in _FINDINGS.items() if one == kind), f"check {kind}")


def findings(candidate: run_pb2.Candidate, severity: run_pb2.Finding.Severity.ValueType) -> list[str]:
    """Short names of the findings of one severity."""
    return [_FINDINGS.get(one.kind, "check") for one in candidate.quality.findings if one.severity == severity]


def candidate_cell(candidate: run_pb2.Candidate, progress: event_pb2.Progress | None) -> Content:
    """One candidate in a table cell: `✓ 0.91 ★`, `✓ 0.91 ⚑` where it is out of date, `✗ chroma`, `▰▰▰▱ 4/8`, `◌`."""
    state = candidate.state
    if state == run_pb2.Candidate.STATE_SUCCEEDED:
        star = text((" ★", ACCENT)) if candidate.accepted else Content("")
        if candidate.HasField("stale"):
            star = text(star, (" ⚑", WARN))
        hard = findings(candidate, run_pb2.Finding.SEVERITY_HARD)
        if hard or candidate.quality.hard_failures:
            return text((f"✗ {hard[0] if hard else 'checks'}", BAD), star)
        value = score(candidate)
        figure = f" {value:.2f}" if value is not None else ""
        soft = text((" !", WARN)) if candidate.quality.soft_warnings else Content("")
        return text(("✓", GOOD), figure, soft, star)
    if state == run_pb2.Candidate.STATE_FAILED:
        return text(("✗ failed", BAD))
    if state == run_pb2.Candidate.STATE_CANCELED:
        return text(("⊘", FAINT))
    if progress is not None:
        if progress.phase in ("", "denoising") and progress.steps:
            return text(bar(progress.step, progress.steps, 4), (f" {progress.step}/{progress.steps}", ACCENT))
        return text(("● ", ACCENT), (progress.phase, QUIET))
    if state == run_pb2.Candidate.STATE_RUNNING:
        return text(("●", ACCENT))
    return text(("◌", FAINT))


def quality_cell(rate: float | None) -> Content:
    """A pass rate with a mark: everything, most, or too little."""
    if rate is None:
        return text((DASH, FAINT))
    if rate >= 0.9:
        return text(("✓ ", GOOD), percent(rate))
    if rate >= 0.6:
        return text(("◐ ", WARN), percent(rate))
    return text(("✗ ", BAD), percent(rate))


def stage_line(stages: Sequence[tuple[str, int, int]], room: int = 200) -> Content:
    """How far each stage got: `style ✓ 6/6  weather ◐ 4/6  characters ◌`.

    Without room complete ones lose their figures; what still does not fit goes on in the next line.
    """
    full = _stages(stages, counted=True)
    if sum(one.cell_length + 2 for one in full) - 2 <= room:
        return Content("  ").join(full)
    rows: list[list[Content]] = [[]]
    for part in _stages(stages, counted=False):
        if rows[-1] and sum(one.cell_length + 2 for one in rows[-1]) + part.cell_length > room:
            rows.append([])
        rows[-1].append(part)
    return lines([Content("  ").join(row) for row in rows])


def _stages(stages: Iterable[tuple[str, int, int]], counted: bool) -> list[Content]:
    parts: list[Content] = []
    for name, accepted, scenes in stages:
        if scenes and accepted >= scenes:
            parts.append(text(name, (f" ✓ {accepted}/{scenes}" if counted else " ✓", GOOD)))
        elif accepted:
            parts.append(text(name, (f" ◐ {accepted}/{scenes}", WARN)))
        else:
            parts.append(text((name, QUIET), (" ◌", FAINT)))
    return parts
