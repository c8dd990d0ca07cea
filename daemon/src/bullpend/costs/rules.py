"""Decisions about money: whether a project's limits allow an amount, and what a person should hear before. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bullpend.costs.model import Budget, Money, Quote, Spent
from bullpend.errors import BullpenError, CurrencyMismatch, SpendCapExceeded

# From this share of a limit on, a plan says that the limit is near.
NEAR = 0.8


def check(budget: Budget, cost: Money) -> None:
    """Raises SpendCapExceeded, or CurrencyMismatch where the project's limits are in another currency."""
    for error in problems(budget, cost):
        raise error


def problems(budget: Budget, cost: Money) -> Iterator[BullpenError]:
    """What stands against spending an amount now, the worst first."""
    limits = budget.limits
    if limits.currency and limits.currency != cost.currency:
        yield CurrencyMismatch(
            f"The work costs {cost}, and the project's limits are in {limits.currency}; nothing is converted.",
            field="confirm_spend",
            remedy=f"Set the limits in {cost.currency} with `bullpen costs limit`.",
            currency=cost.currency,
            expected=limits.currency,
        )
        return
    if limits.run_cap and cost.micros > limits.run_cap.micros:
        yield SpendCapExceeded(
            f"The work would cost {cost}; one run of this project may cost {limits.run_cap}.",
            field="confirm_spend",
            limit="run_cap",
            cap=limits.run_cap,
            cost=cost,
        )
    spent = budget.spent.get(cost.currency, Spent())
    if limits.total_cap and spent.total + cost.micros > limits.total_cap.micros:
        used = Money(cost.currency, spent.total)
        yield SpendCapExceeded(
            f"The work would cost {cost}, and {used} of the project's {limits.total_cap} are spent or promised.",
            field="confirm_spend",
            limit="total_cap",
            cap=limits.total_cap,
            cost=cost,
            spent=used,
        )


def words(quote: Quote, candidates: int, budget: Budget) -> Iterator[tuple[bool, str, str]]:
    """What a plan says about money: (whether it is a warning, code, sentence)."""
    cost = quote.each.times(candidates)
    each = f"{candidates} × {quote.each}" if candidates != 1 else "one picture"
    how = f" ({quote.words})" if quote.words else ""
    yield False, "SPENDS", f"This costs about {cost}: {each}{how}. It is charged by {quote.provider}."
    against = list(problems(budget, cost))
    for error in against:
        yield True, error.reason, f"{error.message} It will not be started."
    cap, spent = budget.limits.total_cap, budget.spent.get(cost.currency, Spent())
    if cap and not against and spent.total + cost.micros >= NEAR * cap.micros:
        left = Money(cap.currency, cap.micros - spent.total - cost.micros)
        yield True, "SPEND_CAP_NEAR", f"After this, {left} of the project's {cap} are left."
    unknown = sum(one.unknown for one in budget.spent.values())
    if unknown:
        known = "What some earlier requests cost is not known; see `bullpen remote list --unknown`."
        yield True, "SPEND_UNKNOWN", known
