"""Costs: device time and money, by run, stage, model, provider, day or project, and what may still be spent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import ClassVar

from bullpen_api.v1 import cost_pb2
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import words
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said, entitle
from bullpen_tui.widgets.tabs import TabLine

DIMENSIONS = (
    ("run", cost_pb2.COST_DIMENSION_RUN),
    ("stage", cost_pb2.COST_DIMENSION_STAGE),
    ("model", cost_pb2.COST_DIMENSION_MODEL),
    ("provider", cost_pb2.COST_DIMENSION_PROVIDER),
    ("day", cost_pb2.COST_DIMENSION_DAY),
    ("project", cost_pb2.COST_DIMENSION_PROJECT),
)
AGAIN_SECONDS = 5.0
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
COLUMNS = (
    Column("", minimum=16, weight=3),
    Column("pieces", width=7, right=True),
    Column("device", width=9, right=True),
    Column("of estimate", width=11, right=True, drop=2),
    Column("charged", minimum=10, weight=1, right=True),
    Column("may be charged", width=14, right=True, drop=1),
)


def charged(total: cost_pb2.CostTotal) -> str:
    """What was charged, currency by currency."""
    sums = [words.money_of(one.charged_micros, one.currency_code) for one in total.money if one.charged_micros]
    return " + ".join(sums) or words.DASH


def unknown(total: cost_pb2.CostTotal) -> str:
    """What may have been charged besides."""
    sums = [words.money_of(one.unknown_micros, one.currency_code) for one in total.money if one.unknown_micros]
    return " + ".join(sums) or words.DASH


def against_estimate(total: cost_pb2.CostTotal) -> str:
    """How the time compares with what was expected: 100 % is just as expected."""
    if not total.estimated_device_seconds:
        return words.DASH
    return words.percent(total.compared_device_seconds / total.estimated_device_seconds)


def total_row(total: cost_pb2.CostTotal, dimension: str) -> Row:
    """One group for `COLUMNS`."""
    name = str(getattr(total, dimension))
    maybe = unknown(total)
    return Row(
        name or "none",
        (
            Content(leaf(name)) if name else words.text((f"no {dimension}", words.FAINT)),
            words.text((str(total.events), words.QUIET)),
            Content(words.span(total.device_seconds)),
            words.text((against_estimate(total), words.QUIET)),
            words.text((charged(total), words.STRONG)),
            words.text((maybe, words.WARN if maybe != words.DASH else words.FAINT)),
        ),
    )


def limit_lines(total: cost_pb2.CostTotal, limits: cost_pb2.SpendLimits | None) -> list[Content]:
    """The sum of everything, and what of the project's limits is left."""
    rows = [
        words.text(
            ("together ", words.QUIET),
            (charged(total), words.STRONG),
            ("   device ", words.QUIET),
            (words.span(total.device_seconds), words.STRONG),
            (f"   {words.plural(total.events, 'piece')} of work", words.FAINT),
        )
    ]
    if (maybe := unknown(total)) != words.DASH:
        why = " may have been charged besides: an answer was lost on its way."
        rows.append(words.text(("⚑ ", words.WARN), maybe, (why, words.QUIET)))
    if limits is None:
        return rows
    parts: list[Content] = []
    if limits.HasField("run_cap"):
        parts.append(words.text(("a run may cost ", words.QUIET), words.money(limits.run_cap)))
    if limits.HasField("total_cap"):
        cap = limits.total_cap
        used = sum(
            one.charged_micros + one.unknown_micros + one.promised_micros
            for one in limits.spent
            if one.currency_code == cap.currency_code
        )
        figure = f"{words.money_of(used, cap.currency_code)} of {words.money(cap)} "
        bar = words.bar(used, cap.micros, 16)
        parts.append(words.text(("all work ", words.QUIET), figure, bar))
    rows.append(Content("   ").join(parts) if parts else words.text(("no limit is set", words.FAINT)))
    return rows


def by_day(totals: Iterable[cost_pb2.CostTotal], cells: int) -> list[Content]:
    """Device time and money day after day up to the last day, a line each; days without work are there, too."""
    known = {date.fromisoformat(one.day): one for one in totals if _DAY.fullmatch(one.day)}
    if len(known) < 2:
        return []
    last = max(known)
    days = [last - timedelta(days=back) for back in range(min(cells, (last - min(known)).days + 1))][::-1]
    past = [known.get(day, cost_pb2.CostTotal()) for day in days]
    currencies = sorted({one.currency_code for total in past for one in total.money})
    lines = [("device", [one.device_seconds for one in past])]
    lines += [(currency, [float(_charged(one, currency)) for one in past]) for currency in currencies]
    rows = []
    for label, values in lines:
        if top := max(values):
            figure = words.span(top) if label == "device" else words.money_of(int(top), label)
            peak = (f"  most {figure} on {days[values.index(top)]}", words.FAINT)
            rows.append(words.text((f"{label:<7}", words.QUIET), words.trace(values, cells), peak))
    if rows:
        rows.append(words.text((f"       {days[0]} to {last}, {words.plural(len(days), 'day')}", words.FAINT)))
    return rows


def _charged(total: cost_pb2.CostTotal, currency: str) -> int:
    return sum(one.charged_micros for one in total.money if one.currency_code == currency)


class CostsScreen(StudioScreen):
    """The sums above, one group a row below; `[` and `]` choose what they are grouped by."""

    place: ClassVar[str] = "costs"
    tabs = tuple(name for name, _ in DIMENSIONS)

    def __init__(self) -> None:
        super().__init__()
        self._asked = ""

    def body(self) -> Iterable[Widget]:
        """Sums, tabs, table."""
        with Vertical(classes="pane", id="sums-pane"):
            yield Said(dom_id="sums")
        yield TabLine()
        with Vertical(classes="pane", id="costs-pane"):
            yield RowTable(COLUMNS, empty="Reading…", dom_id="costs")

    def on_mount(self) -> None:
        """Asks again now and then: the ledger grows without an event of its own."""
        super().on_mount()
        self.set_interval(AGAIN_SECONDS, self._again)

    @property
    def _key(self) -> tuple[str, cost_pb2.CostDimension.ValueType, str]:
        name, dimension = DIMENSIONS[self.tab_open]
        return name, dimension, "" if name == "project" else self.studio.project

    def _again(self) -> None:
        if self.is_current:
            _, dimension, project = self._key
            self.studio.reading.costs(project, dimension)
            if project:
                self.studio.reading.spend_limits(project)

    def draw(self) -> None:
        """Draws what is known, and asks when it is another question than before."""
        name, dimension, project = self._key
        asked = f"costs {project} {dimension}"
        if asked != self._asked and self.studio.connected:
            self._asked = asked
            self._again()
        summary = self.snapshot.answer(asked, cost_pb2.CostSummary)
        limits = self.snapshot.answer(f"spend {project}", cost_pb2.SpendLimits)
        self.query_one(TabLine).open(self.tabs, self.tab_open)
        entitle(self.query_one("#sums-pane"), leaf(project) if project else "all projects")
        table = self.query_one("#costs", RowTable)
        table.set_columns((Column(name, minimum=16, weight=3), *COLUMNS[1:]))
        if summary is None:
            return
        lines = limit_lines(summary.total, limits)
        if name == "day":
            room = self.query_one("#sums").content_size.width or self.size.width - 4
            lines += by_day(summary.totals, max(7, min(90, room - 40)))
        self.query_one("#sums", Said).say(words.lines(lines))
        table.set_empty(Content("Nothing was made yet, so nothing has cost anything."))
        table.set_rows([total_row(one, name) for one in summary.totals])
