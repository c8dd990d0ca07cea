"""The ledger: exact money, one line a piece of work, and no guess in place of what is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bullpend.costs import store
from bullpend.costs.model import CostEvent, Money, Outcome, Source
from bullpend.db import Database
from bullpend.errors import BullpenError, CurrencyMismatch, FieldInvalid, ResourceNotFound, StateConflict

CALL = CostEvent(
    key="paid/1",
    provider="openai",
    operation="edit",
    project="harbor",
    run="projects/harbor/runs/r-0001-style",
    stage="style",
    model="models/openai-image",
    outcome=Outcome.CHARGED,
    amount=Money.of("USD", "0.042"),
    estimate=Money.of("USD", "0.04"),
    units={"images": 1},
)


@pytest.mark.parametrize(
    ("amount", "micros", "shown"),
    [
        ("0.04", 40_000, "0.04 USD"),
        ("2", 2_000_000, "2.00 USD"),
        ("0.0000015", 2, "0.000002 USD"),
        ("0", 0, "0.00 USD"),
    ],
)
def test_money_is_exact(amount: str, micros: int, shown: str) -> None:
    """Amounts are whole millionths, and are shown with as many digits as they have."""
    money = Money.of("USD", amount)
    assert (money.micros, str(money)) == (micros, shown)


@pytest.mark.parametrize("amount", ["-0.01", "NaN", "Infinity", "1e30", "two", ""])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    """Negative, endless and unreadable amounts never become money."""
    with pytest.raises(FieldInvalid):
        Money.of("USD", amount)


def test_what_is_no_currency_is_refused() -> None:
    """A currency has three capital letters."""
    with pytest.raises(FieldInvalid):
        Money("dollars", 1)


def test_currencies_are_never_mixed() -> None:
    """Two currencies cannot be added; nobody here knows a rate."""
    with pytest.raises(CurrencyMismatch) as refused:
        Money("USD", 1).plus(Money("EUR", 1))
    assert refused.value.metadata == {"currency": "EUR", "expected": "USD"}


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (replace(CALL, key=""), FieldInvalid),
        (replace(CALL, device_seconds=-1.0), FieldInvalid),
        (replace(CALL, estimated_seconds=-1.0), FieldInvalid),
        (replace(CALL, amount=None), FieldInvalid),
        (replace(CALL, outcome=Outcome.FREE), FieldInvalid),
        (replace(CALL, outcome=Outcome.UNKNOWN, amount=None, estimate=None), FieldInvalid),
        (replace(CALL, estimate=Money("EUR", 1)), CurrencyMismatch),
        (replace(CALL, units={"images": -1}), FieldInvalid),
        (replace(CALL, units={"images": float("nan")}), FieldInvalid),
    ],
)
async def test_a_line_that_does_not_fit_is_refused(
    database: Database, event: CostEvent, error: type[BullpenError]
) -> None:
    """Nothing impossible gets into the ledger."""
    with pytest.raises(error):
        await database.write(lambda tx: store.record(tx, event))
    assert await database.read(lambda view: view.value("SELECT count(*) FROM cost_events")) == 0


async def test_a_piece_of_work_is_counted_once(database: Database) -> None:
    """The second line under a key is not taken, whatever it says: the first one stays."""
    assert await database.write(lambda tx: store.record(tx, CALL))
    again = replace(CALL, amount=Money.of("USD", "9"))
    assert not await database.write(lambda tx: store.record(tx, again))
    row = await database.read(lambda view: store.by_key(view, CALL.key))
    assert row is not None
    assert (row["amount_micros"], row["estimate_micros"], row["currency"]) == (42_000, 40_000, "USD")
    assert (row["source"], row["day"]) == (Source.PROVIDER, "2023-11-14")


@pytest.mark.parametrize(("amount", "outcome"), [(Money("USD", 39_000), Outcome.CHARGED), (None, Outcome.FREE)])
async def test_an_unknown_outcome_is_settled_once(database: Database, amount: Money | None, outcome: Outcome) -> None:
    """What became known later is written once; the same again changes nothing, another amount is refused."""
    lost = replace(CALL, outcome=Outcome.UNKNOWN, amount=None)
    await database.write(lambda tx: store.record(tx, lost))
    assert await database.write(lambda tx: store.settle(tx, lost.key, amount, "as the provider's list says"))
    assert not await database.write(lambda tx: store.settle(tx, lost.key, amount))
    row = await database.read(lambda view: store.by_key(view, lost.key))
    assert row is not None
    assert (row["outcome"], row["amount_micros"]) == (outcome, amount and amount.micros)
    assert row["note"] == "as the provider's list says"
    with pytest.raises(StateConflict):
        await database.write(lambda tx: store.settle(tx, lost.key, Money("USD", 1)))


async def test_what_is_not_there_or_in_another_currency_is_not_settled(database: Database) -> None:
    """A key without a line, and a clash of currencies, are refused."""
    lost = replace(CALL, outcome=Outcome.UNKNOWN, amount=None)
    await database.write(lambda tx: store.record(tx, lost))
    with pytest.raises(CurrencyMismatch):
        await database.write(lambda tx: store.settle(tx, lost.key, Money("EUR", 1)))
    with pytest.raises(ResourceNotFound):
        await database.write(lambda tx: store.settle(tx, "paid/2", None))


@pytest.mark.parametrize("text", ["2026-13-01", "yesterday", "2026-1", "2026-01-01T00:00"])
def test_what_is_no_day_is_refused(text: str) -> None:
    """A day is written as year, month and day."""
    with pytest.raises(FieldInvalid) as refused:
        store.check_day(text, "from_day")
    assert refused.value.field == "from_day"
