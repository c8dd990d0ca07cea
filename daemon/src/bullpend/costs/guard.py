"""The spend guard: nothing that costs money begins without a person's consent to exactly this, once.

A plan that costs money is offered (`offer`) under its digest when it is shown. Starting it (`redeem`) takes the offer,
in the transaction that makes the run: an offer that was never made, was taken before, or is too old is refused, and so
is what the project's limits do not allow. What is still to be made counts as promised from then on, so that two runs
that begin at once cannot spend the same money.
"""

from __future__ import annotations

from bullpend.costs import limits, rules
from bullpend.costs.model import Money, Quote
from bullpend.db import Tx
from bullpend.errors import PlanExpired, PlanStale, SpendNotConfirmed


def offer(tx: Tx, project: str, digest: str, cost: Money, seconds: float) -> float:
    """Offers a plan for so many seconds, anew where it was taken before; returns until when, in seconds since 1970."""
    until = tx.now + seconds
    # While somebody composes, plans are made with each key that is pressed.
    tx.run("DELETE FROM spend_offers WHERE expire_time < ? AND used_by = ''", tx.now)
    tx.run(
        "INSERT INTO spend_offers (project, digest, currency, amount_micros, offer_time, expire_time) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET currency = ?3, amount_micros = ?4, "
        "offer_time = ?5, expire_time = ?6, used_by = ''",
        project,
        digest,
        cost.currency,
        cost.micros,
        tx.now,
        until,
    )
    return until


def check_consent(digest: str, confirmed: bool, cost: Money) -> None:
    """What can be refused at once. Raises SpendNotConfirmed."""
    if not confirmed:
        raise SpendNotConfirmed(f"This costs about {cost}.", field="confirm_spend", cost=cost)
    if not digest:
        raise SpendNotConfirmed(
            f"This costs about {cost}, and no plan is named that was looked at.",
            field="plan_digest",
            remedy="Plan first, and send the digest of the plan together with confirm_spend.",
            cost=cost,
        )


def redeem(tx: Tx, project: str, digest: str, cost: Money, used_by: str) -> None:
    """Takes an offer for `used_by`, such as a run's name.

    Raises PlanExpired, PlanStale, SpendCapExceeded or CurrencyMismatch; then nothing of the transaction stays.
    """
    row = tx.one("SELECT * FROM spend_offers WHERE project = ? AND digest = ?", project, digest)
    if row is None:
        raise PlanExpired("No plan with this digest was shown.", field="plan_digest", why="unknown")
    if row["used_by"]:
        raise PlanExpired(
            f"The plan was good for one run, and {row['used_by']} is that run.",
            field="plan_digest",
            why="used",
            run=row["used_by"],
        )
    if tx.now > row["expire_time"]:
        raise PlanExpired(
            "The plan is too old: prices and pictures may have changed.", field="plan_digest", why="expired"
        )
    if (row["currency"], row["amount_micros"]) != (cost.currency, cost.micros):
        raise PlanStale("The plan costs something else than what was shown.", field="plan_digest")
    rules.check(limits.budget(tx, project), cost)
    tx.run("UPDATE spend_offers SET used_by = ? WHERE project = ? AND digest = ?", used_by, project, digest)


def admit(tx: Tx, project: str, cost: Money) -> None:
    """For paid work outside of runs, which a person consents to call by call: only the project's limits are looked at.

    Raises SpendCapExceeded or CurrencyMismatch.
    """
    if project:
        rules.check(limits.budget(tx, project), cost)


def promise(tx: Tx, run: str, seconds_each: float | None, quote: Quote | None) -> None:
    """Keeps what each candidate of a new run is expected to cost."""
    tx.run(
        "INSERT INTO run_estimates VALUES (?, ?, ?, ?, ?)",
        run,
        seconds_each,
        quote.provider if quote else "local",
        quote.each.currency if quote else "",
        quote.each.micros if quote else 0,
    )
