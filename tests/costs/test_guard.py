"""The guard before money is spent: one consent for one plan, for a while, within the project's limits."""

from __future__ import annotations

from typing import Any

import pytest
from bullpend.clock import ManualClock
from bullpend.costs import guard, limits, store
from bullpend.costs.model import CostEvent, Limits, Money, Outcome, Quote, Spent
from bullpend.db import Database, Tx
from bullpend.errors import CurrencyMismatch, PlanExpired, PlanStale, SpendCapExceeded, SpendNotConfirmed
from bullpend.projects import store as projects

CENTS = Money.of("USD", "0.40")
RUN = "projects/harbor/runs/r-0001-style"


@pytest.fixture
async def project(database: Database) -> str:
    row = {"slug": "harbor", "title": "", "story": "", "storage": "LOCAL", "create_time": 0.0, "update_time": 0.0}
    await database.write(lambda tx: tx.insert("projects", {**row, "revision": 1}))
    return "harbor"


async def take(database: Database, digest: str = "d", cost: Money = CENTS, used_by: str = RUN) -> None:
    """Redeems an offer."""
    await database.write(lambda tx: guard.redeem(tx, "harbor", digest, cost, used_by))


async def offer(database: Database, digest: str = "d", cost: Money = CENTS, seconds: float = 900) -> float:
    """Shows a plan."""
    return await database.write(lambda tx: guard.offer(tx, "harbor", digest, cost, seconds))


async def run_of(database: Database, state: str, candidates: int, each: Money, slug: str = "r-0001-style") -> None:
    """A row of a paid run, as far as limits look at it."""

    def write(tx: Tx) -> None:
        values: dict[str, Any] = {
            "project": "harbor", "slug": slug, "stage": "style", "state": state, "spec": b"", "plan_digest": "",
            "model": "m", "model_path": "", "model_family": "", "model_digest": "", "plan": "{}", "steps": 1,
            "guidance_scale": 1.0, "image_guidance_scale": 1.0, "width": 64, "height": 64, "seed": 1,
            "acceptance": "BEST", "priority": 0, "parent_run": "", "create_time": 0.0, "jobs": 1,
            "candidates": candidates, "revision": 1,
        }  # fmt: skip
        tx.insert("runs", values)
        guard.promise(tx, f"projects/harbor/runs/{slug}", None, Quote("openai", each))

    await database.write(write)


@pytest.mark.parametrize(("digest", "confirmed", "field"), [("d", False, "confirm_spend"), ("", True, "plan_digest")])
def test_consent_needs_both_the_word_and_the_plan(digest: str, confirmed: bool, field: str) -> None:
    """A confirmation without a plan, and a plan without a confirmation, are no consent."""
    with pytest.raises(SpendNotConfirmed) as refused:
        guard.check_consent(digest, confirmed, CENTS)
    assert refused.value.field == field
    assert refused.value.metadata["cost"] == "0.40 USD"


async def test_a_plan_is_good_for_one_run(database: Database, project: str) -> None:
    """The second use of one confirmation is refused and names the first; a plan that is shown anew is good again."""
    await offer(database)
    await take(database)
    with pytest.raises(PlanExpired) as refused:
        await take(database, used_by="projects/harbor/runs/r-0002-style")
    assert (refused.value.metadata["why"], refused.value.metadata["run"]) == ("used", RUN)
    await offer(database)
    await take(database, used_by="projects/harbor/runs/r-0002-style")


async def test_a_plan_that_was_never_shown_is_no_consent(database: Database, project: str) -> None:
    """A digest that nobody was shown, or that was shown in another project, buys nothing."""
    await database.write(lambda tx: guard.offer(tx, "elsewhere", "d", CENTS, 900))
    with pytest.raises(PlanExpired) as refused:
        await take(database)
    assert refused.value.metadata["why"] == "unknown"


async def test_a_plan_grows_old(database: Database, project: str, clock: ManualClock) -> None:
    """Up to its last second a plan can be confirmed, and not after."""
    until = await offer(database, seconds=60)
    clock.at = until
    await take(database)
    await offer(database, seconds=60)
    clock.at += 60.001
    with pytest.raises(PlanExpired) as refused:
        await take(database)
    assert refused.value.metadata["why"] == "expired"
    await offer(database, "another")
    assert await database.read(lambda view: view.value("SELECT count(*) FROM spend_offers")) == 1


async def test_another_price_is_another_plan(database: Database, project: str) -> None:
    """What was shown at one price is not started at another."""
    await offer(database)
    for other in (Money.of("USD", "0.41"), Money.of("EUR", "0.40")):
        with pytest.raises(PlanStale):
            await take(database, cost=other)


@pytest.mark.parametrize(
    ("caps", "name"),
    [
        (Limits(run_cap=Money.of("USD", "0.39")), "run_cap"),
        (Limits(total_cap=Money.of("USD", "0.39")), "total_cap"),
        (Limits(total_cap=Money.of("USD", "0")), "total_cap"),
    ],
)
async def test_a_limit_holds(database: Database, project: str, caps: Limits, name: str) -> None:
    """What goes over a limit by a cent is refused, and the plan stays unused for when the limit is raised."""
    await database.write(lambda tx: limits.put(tx, "harbor", caps))
    await offer(database)
    with pytest.raises(SpendCapExceeded) as refused:
        await take(database)
    assert refused.value.metadata["limit"] == name
    await database.write(lambda tx: limits.put(tx, "harbor", Limits(CENTS, CENTS)))
    await take(database)


async def test_a_limit_in_another_currency_stops_everything(database: Database, project: str) -> None:
    """Dollars are not measured against euros: neither let through nor converted."""
    await database.write(lambda tx: limits.put(tx, "harbor", Limits(total_cap=Money.of("EUR", "1000"))))
    await offer(database)
    with pytest.raises(CurrencyMismatch):
        await take(database)
    with pytest.raises(CurrencyMismatch):
        Limits(Money("EUR", 1), Money("USD", 1))


async def test_what_is_spent_lost_and_promised_counts(database: Database, project: str) -> None:
    """Charged, possibly charged and promised money stand against the limit; an ended run promises nothing more."""
    each = Money.of("USD", "0.10")
    await run_of(database, "RUNNING", 4, each)
    await run_of(database, "FAILED", 4, each, "r-0002-style")
    paid = CostEvent(
        key="p1", provider="openai", operation="edit", project="harbor", run=RUN,
        outcome=Outcome.CHARGED, amount=Money.of("USD", "0.12"), estimate=each,
    )  # fmt: skip
    lost = CostEvent(
        key="p2", provider="openai", operation="edit", project="harbor", run=RUN,
        outcome=Outcome.UNKNOWN, estimate=each,
    )  # fmt: skip
    elsewhere = CostEvent(
        key="p3", provider="photoroom", operation="cutout", project="harbor",
        outcome=Outcome.CHARGED, amount=Money.of("EUR", "0.02"), estimate=Money.of("EUR", "0.02"),
    )  # fmt: skip
    await database.write(lambda tx: [store.record(tx, event) for event in (paid, lost, elsewhere)])
    found = await database.read(lambda view: limits.spent(view, "harbor"))
    assert found == {"USD": Spent(120_000, 100_000, 180_000), "EUR": Spent(20_000)}
    await database.write(lambda tx: limits.put(tx, "harbor", Limits(total_cap=Money.of("USD", "0.79"))))
    await offer(database)
    with pytest.raises(SpendCapExceeded) as refused:
        await take(database)
    assert refused.value.metadata["spent"] == "0.40 USD"
    await database.write(lambda tx: limits.put(tx, "harbor", Limits(total_cap=Money.of("USD", "0.80"))))
    await take(database)


async def test_single_calls_are_held_by_the_limits_too(database: Database, project: str) -> None:
    """Paid work outside of runs goes through the same limits; work without a project has none."""
    await database.write(lambda tx: limits.put(tx, "harbor", Limits(total_cap=Money.of("USD", "0.39"))))
    with pytest.raises(SpendCapExceeded):
        await database.write(lambda tx: guard.admit(tx, "harbor", CENTS))
    await database.write(lambda tx: guard.admit(tx, "", CENTS))


async def test_a_projects_figures_show_its_money(database: Database, project: str) -> None:
    """The dashboard has what was charged and may have been charged, by currency."""
    assert (await database.read(lambda view: projects.figures(view, "harbor")))["money"] == []
    for key, outcome, amount in (("a", Outcome.CHARGED, CENTS), ("b", Outcome.UNKNOWN, None)):
        event = CostEvent(
            key=key, provider="openai", operation="edit", project="harbor",
            outcome=outcome, amount=amount, estimate=CENTS,
        )  # fmt: skip
        await database.write(lambda tx, event=event: store.record(tx, event))  # type: ignore[misc]  # bound at once
    (entry,) = (await database.read(lambda view: projects.figures(view, "harbor")))["money"]
    assert (entry["currency"], entry["charged"], entry["unknown"]) == ("USD", 400_000, 400_000)


async def test_calls_under_way_count_as_promised(database: Database, project: str) -> None:
    """A single call that was sent and not answered stands against the limit; one of a run is promised with its run."""
    row = {
        "confirmation": "c", "provider": "photoroom", "account": "a", "model": "m", "operation": "cutout",
        "project": "harbor", "stage": "", "subject": "", "payload_sha256": "", "currency": "USD",
        "estimate_micros": 20_000, "create_time": 0.0,
    }  # fmt: skip
    for slug, state, run in (("a", "SENT", ""), ("b", "PREPARED", ""), ("c", "ANSWERED", ""), ("d", "SENT", RUN)):
        values = {**row, "slug": slug, "idempotency_key": slug, "state": state, "run": run}
        await database.write(lambda tx, values=values: tx.insert("paid_requests", values))  # type: ignore[misc]  # bound at once
    assert await database.read(lambda view: limits.spent(view, "harbor")) == {"USD": Spent(promised=40_000)}
