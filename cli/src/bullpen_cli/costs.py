"""`bullpen costs`: what work has cost, by whatever it is asked by, and what a project may spend."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import cost_pb2
from bullpen_client import names
from google.protobuf.field_mask_pb2 import FieldMask

from bullpen_cli import output
from bullpen_cli.command import Command, Group, State, Whole, pass_state
from bullpen_cli.paging import everything

if TYPE_CHECKING:
    from bullpen_client import Session

MICROS = 1_000_000
BY = {
    "project": cost_pb2.COST_DIMENSION_PROJECT,
    "run": cost_pb2.COST_DIMENSION_RUN,
    "stage": cost_pb2.COST_DIMENSION_STAGE,
    "provider": cost_pb2.COST_DIMENSION_PROVIDER,
    "model": cost_pb2.COST_DIMENSION_MODEL,
    "day": cost_pb2.COST_DIMENSION_DAY,
}


class Amount(click.ParamType[cost_pb2.Money]):
    """An amount with its currency, such as `12.50` or `12.50USD`; US dollars where none is named."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> cost_pb2.Money:
        """Reads the amount, or fails with one line."""
        text = str(value).replace(" ", "")
        number, currency = (text[:-3], text[-3:].upper()) if text[-3:].isalpha() else (text, "USD")
        try:
            exact = Decimal(number)
            micros = int((exact * MICROS).to_integral_value(ROUND_HALF_EVEN)) if exact.is_finite() else -1
        except InvalidOperation:
            self.fail(f"'{value}' is no amount; give one such as 12.50 or 12.50EUR.", param, ctx)
        if not 0 <= micros <= 10**15:
            self.fail(f"'{value}' is no amount that can be spent; give 0 or more.", param, ctx)
        return cost_pb2.Money(currency_code=currency, micros=micros)


def _parent(project: str | None) -> str:
    return names.project(project) if project else ""


_project = click.option("--project", metavar="SLUG", help="Only this project; otherwise all work, also without one.")
_run = click.option("--run", "run", metavar="RUN", default="", help="Only this run, projects/…/runs/….")
_from = click.option("--from", "from_day", metavar="DAY", default="", help="First day in UTC, such as 2026-01-31.")
_until = click.option("--until", "until_day", metavar="DAY", default="", help="Last day in UTC.")


@click.group(
    cls=Group,
    invoke_without_command=True,
    examples=[
        "bullpen costs                                  everything, by project",
        "bullpen costs --by stage --by model --project noir_city",
        "bullpen costs --by day --from 2026-01-01 --json",
        "bullpen costs events --project noir_city       the single lines",
        "bullpen costs limit noir_city --total 20.00    what it may spend at most",
    ],
)
@click.option(
    "--by", "by", multiple=True, type=click.Choice(list(BY)), help="What to sum by; may be given several times."
)
@_project
@_run
@_from
@_until
@click.pass_context
def costs(
    ctx: click.Context, by: tuple[str, ...], project: str | None, run: str, from_day: str, until_day: str
) -> None:
    """What work has cost: time of devices, and money of providers."""
    if ctx.invoked_subcommand is not None:
        return
    state = ctx.ensure_object(State)
    wanted = tuple(dict.fromkeys(by)) or ("project",)
    request = cost_pb2.SummarizeCostsRequest(
        parent=_parent(project),
        group_by=[BY[name] for name in wanted],
        run=run,
        from_day=from_day,
        until_day=until_day,
    )

    async def body(session: Session) -> tuple[list[cost_pb2.CostTotal], cost_pb2.CostTotal]:
        found: list[cost_pb2.CostTotal] = []
        while True:
            answer = await session.costs.SummarizeCosts(request)
            found.extend(answer.totals)
            if not answer.next_page_token:
                return found, answer.total
            request.page_token = answer.next_page_token

    totals, total = state.with_session(body)
    if state.json:
        output.emit({"totals": [output.as_dict(item) for item in totals], "total": output.as_dict(total)})
        return
    if not totals:
        output.say("Nothing has been done yet that costs anything.", style="dim")
        return
    output.table(
        (*wanted, "pictures", "device time", "expected", "charged", "expected cost", "unknown"),
        [
            *([*(_cell(item, name) for name in wanted), *_sums(item)] for item in totals),
            ["all", *([""] * (len(wanted) - 1)), *_sums(total)],
        ],
        right=("pictures", "device time", "expected", "charged", "expected cost", "unknown"),
    )
    if any(entry.unknown_events for entry in total.money):
        output.note("Unknown: requests whose answer was lost. `bullpen remote list --unknown` shows them.")


def _cell(item: cost_pb2.CostTotal, name: str) -> str:
    value = str(getattr(item, name))
    return value.removeprefix("projects/").removeprefix("models/") or "–"


def _sums(item: cost_pb2.CostTotal) -> list[str]:
    compared = item.estimated_device_seconds > 0
    return [
        str(item.events),
        output.span(item.device_seconds) if item.device_seconds else "–",
        output.span(item.estimated_device_seconds) if compared else "–",
        _joined(item, "charged_micros", "charged_events"),
        _joined(item, "estimated_micros", "charged_events"),
        _joined(item, "unknown_micros", "unknown_events"),
    ]


def _joined(item: cost_pb2.CostTotal, field: str, count: str) -> str:
    """One amount a currency."""
    parts = [output.money(getattr(entry, field), entry.currency_code) for entry in item.money if getattr(entry, count)]
    return " + ".join(parts) or "–"


@costs.command(
    "events", cls=Command, examples=["bullpen costs events", "bullpen costs events --project noir_city --json"]
)
@_project
@_run
@_from
@_until
@click.option("--paid", is_flag=True, help="Only what providers did.")
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="How many lines, the newest first.")
@pass_state
def events(state: State, project: str | None, run: str, from_day: str, until_day: str, paid: bool, limit: int) -> None:
    """List the single lines of the ledger, newest first."""
    request = cost_pb2.ListCostEventsRequest(parent=_parent(project), run=run, from_day=from_day, until_day=until_day)
    if paid:
        request.source = cost_pb2.CostEvent.SOURCE_PROVIDER

    async def body(session: Session) -> list[cost_pb2.CostEvent]:
        return (await everything(session.costs.ListCostEvents, request, "cost_events", limit=limit))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"costEvents": [output.as_dict(item) for item in found]})
        return
    output.table(
        ("time", "who", "what", "for", "model", "device time", "expected", "charged", "expected cost"),
        (
            (
                output.moment(item.time),
                item.provider,
                item.operation,
                (item.subject or item.run).removeprefix("projects/") or "–",
                item.model.removeprefix("models/") or "–",
                output.span(item.device_seconds) if item.device_seconds else "–",
                output.span(item.estimated_device_seconds) if item.HasField("estimated_device_seconds") else "–",
                _charged(item),
                output.money(item.estimate.micros, item.estimate.currency_code) if item.HasField("estimate") else "–",
            )
            for item in found
        ),
        empty="There is no such line.",
        right=("device time", "expected", "charged", "expected cost"),
    )


def _charged(item: cost_pb2.CostEvent) -> str:
    if item.outcome == cost_pb2.CostEvent.OUTCOME_UNKNOWN:
        return "unknown"
    return output.money(item.amount.micros, item.amount.currency_code) if item.HasField("amount") else "–"


@costs.command(
    "limit",
    cls=Command,
    examples=[
        "bullpen costs limit noir_city                           show the limits and what is spent",
        "bullpen costs limit noir_city --total 20.00 --run 1.50",
        "bullpen costs limit noir_city --total 20EUR",
        "bullpen costs limit noir_city --no-total                lift a limit",
    ],
)
@click.argument("project")
@click.option("--total", type=Amount(), help="What the project may spend in all.")
@click.option("--run", "run", type=Amount(), help="What one run may cost by its plan.")
@click.option("--no-total", is_flag=True, help="Lift the limit of the project.")
@click.option("--no-run", is_flag=True, help="Lift the limit of a run.")
@pass_state
def limit(
    state: State,
    project: str,
    total: cost_pb2.Money | None,
    run: cost_pb2.Money | None,
    no_total: bool,
    no_run: bool,
) -> None:
    """Show or set what a project may spend. Work on this machine's devices is never held back."""
    if (total is not None and no_total) or (run is not None and no_run):
        raise click.UsageError("a limit cannot be set and lifted at once.")
    message = cost_pb2.SpendLimits(name=f"{names.project(project)}/spendLimits", total_cap=total, run_cap=run)
    paths = [
        path
        for path, named in (("total_cap", total is not None or no_total), ("run_cap", run is not None or no_run))
        if named
    ]

    async def body(session: Session) -> cost_pb2.SpendLimits:
        if not paths:
            return await session.costs.GetSpendLimits(cost_pb2.GetSpendLimitsRequest(name=message.name))
        request = cost_pb2.UpdateSpendLimitsRequest(spend_limits=message, update_mask=FieldMask(paths=paths))
        return await session.costs.UpdateSpendLimits(request)

    found = state.with_session(body)
    if state.json:
        output.emit(found)
        return
    run_cap = output.money(found.run_cap.micros, found.run_cap.currency_code)
    total_cap = output.money(found.total_cap.micros, found.total_cap.currency_code)
    rows = [
        ("one run may cost", run_cap if found.HasField("run_cap") else "no limit"),
        ("the project may spend", total_cap if found.HasField("total_cap") else "no limit"),
    ]
    for item in found.spent:
        rows.append(("charged so far", output.money(item.charged_micros, item.currency_code)))
        if item.unknown_micros:
            rows.append(("possibly charged", output.money(item.unknown_micros, item.currency_code)))
        if item.promised_micros:
            rows.append(("promised to runs", output.money(item.promised_micros, item.currency_code)))
    output.details(rows if found.spent else [*rows, ("charged so far", "nothing")])
