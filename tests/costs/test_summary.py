"""Sums over the ledger: by every dimension, with filters, page after page, currencies apart."""

from __future__ import annotations

import itertools
from importlib import resources

import pytest
from bullpend.clock import ManualClock
from bullpend.costs import store, summary
from bullpend.costs.model import CostEvent, Money, Outcome
from bullpend.costs.summary import DIMENSIONS, Filter
from bullpend.db import Database, Row
from bullpend.db.database import View

DAY = 86_400.0
CENT = Money.of("USD", "0.01")


@pytest.fixture
async def ledger(database: Database, clock: ManualClock) -> Database:
    """Two projects, two stages, three days: twelve local pictures, four paid calls, one of them lost, one in euros."""
    numbers = itertools.count(1)
    for day, project, stage in itertools.product(range(3), ("harbor", "noir"), ("style", "time")):
        clock.at = ManualClock().at + day * DAY
        event = CostEvent(
            key=f"local/{next(numbers)}",
            provider="local",
            operation="edit",
            project=project,
            run=f"projects/{project}/runs/r-000{day + 1}-{stage}",
            stage=stage,
            model="models/starter-edit",
            device="devices/cpu",
            device_seconds=2.0,
            estimated_seconds=1.5 if day else None,
        )
        await database.write(lambda tx, event=event: store.record(tx, event))  # type: ignore[misc]  # bound at once
    for number, (outcome, amount) in enumerate(
        [
            (Outcome.CHARGED, CENT),
            (Outcome.CHARGED, Money.of("USD", "0.02")),
            (Outcome.UNKNOWN, None),
            (Outcome.CHARGED, Money.of("EUR", "0.5")),
        ]
    ):
        paid = CostEvent(
            key=f"paid/{number}",
            provider="openai",
            operation="edit",
            project="noir",
            model="models/openai:x",
            outcome=outcome,
            amount=amount,
            estimate=Money(amount.currency if amount else "USD", 15_000),
        )
        await database.write(lambda tx, paid=paid: store.record(tx, paid))  # type: ignore[misc]  # bound at once
    return database


async def totals(ledger: Database, *by: str, chosen: Filter | None = None) -> list[Row]:
    """All groups."""
    return await ledger.read(lambda view: summary.totals(view, chosen or Filter(), by, None, 1000))


async def test_the_whole_is_summed_exactly(ledger: Database) -> None:
    """Time, estimates beside what they were for, and money by currency with what is unknown apart."""
    (whole,) = await totals(ledger)
    assert (whole["events"], whole["device_seconds"]) == (16, 24.0)
    assert (whole["estimated_seconds"], whole["compared_seconds"]) == (12.0, 16.0)
    usd = {"charged": 30_000, "estimated": 30_000, "unknown": 15_000, "charged_events": 2, "unknown_events": 1}
    eur = {"charged": 500_000, "estimated": 15_000, "unknown": 0, "charged_events": 1, "unknown_events": 0}
    assert whole["money"] == [{"currency": "EUR", **eur}, {"currency": "USD", **usd}]


@pytest.mark.parametrize("by", [*[(name,) for name in DIMENSIONS], ("stage", "model"), DIMENSIONS])
async def test_groups_are_a_partition(ledger: Database, by: tuple[str, ...]) -> None:
    """Whatever is grouped by, the groups differ and add up to the whole."""
    groups, (whole,) = await totals(ledger, *by), await totals(ledger)
    keys = [tuple(row[name] for name in by) for row in groups]
    assert len(set(keys)) == len(keys) > 1
    assert sum(row["events"] for row in groups) == whole["events"]
    assert sum(row["device_seconds"] for row in groups) == whole["device_seconds"]
    assert sum(item["charged"] for row in groups for item in row["money"]) == 530_000


async def test_filters_choose_lines(ledger: Database) -> None:
    """Project, run and days each leave out the rest; lines are also chosen by who did the work and how it went."""
    for chosen, events in (
        (Filter(project="noir"), 10),
        (Filter(run="projects/harbor/runs/r-0001-style"), 1),
        (Filter(from_day="2023-11-15"), 12),
        (Filter(from_day="2023-11-15", until_day="2023-11-15"), 4),
    ):
        assert (await totals(ledger, chosen=chosen))[0]["events"] == events
    assert await totals(ledger, chosen=Filter(project="nobody")) == []
    for chosen, events in (
        (Filter(source="PROVIDER"), 4),
        (Filter(source="PROVIDER", outcomes=("UNKNOWN",)), 1),
        (Filter(outcomes=("UNKNOWN", "FREE")), 13),
    ):
        assert len(await ledger.read(lambda view, chosen=chosen: summary.lines(view, chosen, None, 100))) == events  # type: ignore[misc]  # bound at once


async def test_a_settled_line_moves_the_sums(ledger: Database) -> None:
    """What was unknown leaves the unknown and joins the charged, or nothing; the rest of the sums stays."""
    before = (await totals(ledger))[0]
    await ledger.write(lambda tx: store.settle(tx, "paid/2", Money.of("USD", "0.05")))
    after = (await totals(ledger))[0]
    usd = {"charged": 80_000, "estimated": 45_000, "unknown": 0, "charged_events": 3, "unknown_events": 0}
    assert after["money"] == [before["money"][0], {"currency": "USD", **usd}]
    assert {key: after[key] for key in ("events", "device_seconds")} == {"events": 16, "device_seconds": 24.0}


async def test_totals_are_those_of_the_lines(ledger: Database) -> None:
    """The totals that are kept beside the lines are what the lines add up to, group by group."""
    await ledger.write(lambda tx: store.settle(tx, "paid/2", None))
    script = resources.files("bullpend.db.migrations").joinpath("0014_cost_totals.sql").read_text(encoding="utf-8")
    of_lines = script.partition("INSERT INTO cost_totals")[2].strip().removesuffix(";")
    wanted = await ledger.read(lambda view: view.all(of_lines))
    kept = await ledger.read(lambda view: view.all("SELECT * FROM cost_totals"))
    assert sorted(tuple(row.values()) for row in kept) == sorted(tuple(row.values()) for row in wanted)


async def test_pages_of_groups_meet(ledger: Database) -> None:
    """Groups read two at a time are the groups read at once, in the order of their newest lines."""
    at_once = await totals(ledger, "run")
    paged: list[Row] = []

    def next_two(view: View) -> list[Row]:
        return summary.totals(view, Filter(), ("run",), paged[-1]["last_id"] if paged else None, 2)

    while rows := await ledger.read(next_two):
        paged += rows
    assert paged == at_once
    assert [row["last_id"] for row in paged] == sorted((row["last_id"] for row in paged), reverse=True)
