"""What the costs room knows: money, and one line of the ledger.

Money is counted in millionths of a currency's unit, in whole numbers: `Money("USD", 40_000)` is four cents. Sums are
exact, and amounts in different currencies are never added or compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from enum import StrEnum

from bullpend.errors import CurrencyMismatch, FieldInvalid

MICROS = 1_000_000
# A thousand million units of a currency: far beyond any bill, far below what 64 bits hold after many sums.
MOST_MICROS = 10**9 * MICROS
CURRENCY = re.compile(r"[A-Z]{3}")
_UNIT = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in millionths of a unit of a currency (ISO 4217, such as `USD`). Never negative."""

    currency: str
    micros: int

    def __post_init__(self) -> None:
        if not CURRENCY.fullmatch(self.currency):
            raise FieldInvalid(
                f"{self.currency[:20]!r} is no currency.", field="currency", remedy="Give three letters, such as USD."
            )
        if not 0 <= self.micros <= MOST_MICROS:
            what = "is negative" if self.micros < 0 else "is beyond any bill"
            raise FieldInvalid(
                f"An amount of {self.micros} millionths of {self.currency} {what}.",
                field="micros",
                remedy="Give 0 or more.",
            )

    @classmethod
    def of(cls, currency: str, amount: str | int | Decimal) -> Money:
        """An amount in whole units, such as `0.04`; half a millionth goes to the even side. Raises FieldInvalid."""
        try:
            exact = Decimal(amount)
            micros = int((exact * MICROS).to_integral_value(ROUND_HALF_EVEN)) if exact.is_finite() else -1
        except InvalidOperation:
            raise FieldInvalid(
                f"{str(amount)[:40]!r} is no amount.", field="amount", remedy="Give a number, such as 0.04."
            ) from None
        return cls(currency, micros)

    def plus(self, other: Money) -> Money:
        """The sum. Raises CurrencyMismatch."""
        self.same_currency(other)
        return Money(self.currency, self.micros + other.micros)

    def times(self, count: int) -> Money:
        """So many of it."""
        return Money(self.currency, self.micros * count)

    def same_currency(self, other: Money) -> None:
        """Raises CurrencyMismatch where the two cannot be compared."""
        if self.currency != other.currency:
            raise CurrencyMismatch(
                f"An amount is in {other.currency} where {self.currency} is needed.",
                currency=other.currency,
                expected=self.currency,
            )

    def __str__(self) -> str:
        """As a person reads it: at least two digits after the point, more only where they say something."""
        whole, rest = divmod(self.micros, MICROS)
        digits = f"{rest:06d}".rstrip("0").ljust(2, "0")
        return f"{whole}.{digits} {self.currency}"


class Source(StrEnum):
    """Who did the work; the names are those of bullpen.v1.CostEvent.Source."""

    LOCAL = "LOCAL"
    PROVIDER = "PROVIDER"


class Outcome(StrEnum):
    """What is known of the money; the names are those of bullpen.v1.CostEvent.Outcome."""

    # Nothing was charged: local work, or a call that the provider refused.
    FREE = "FREE"
    # `amount` was charged.
    CHARGED = "CHARGED"
    # The call was sent and its answer is lost: up to `estimate` may have been charged.
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class CostEvent:
    """One piece of work and what it cost.

    `key` names the piece of work for ever: what is recorded under a key once is never recorded again. It is the name of
    a candidate for local work, and the id of the paid request for a provider's. `subject` is the resource that was
    made, if any; `run` its run.

    `provider` is `local` for local work, else `openai`, `photoroom`, `remove_bg` or another lower-case id; `account` is
    the name of the provider account that was used. `operation` says what was done: `generate`, `edit`, `cutout`, …
    `units` counts what a price is for, such as `{"images": 1, "input_tokens": 412}`. Seconds are those of a device.
    `estimate` and `estimated_seconds` are what was expected beforehand; None where nothing was.
    """

    key: str
    provider: str
    operation: str
    project: str = ""
    run: str = ""
    subject: str = ""
    stage: str = ""
    model: str = ""
    account: str = ""
    device: str = ""
    device_seconds: float = 0.0
    estimated_seconds: float | None = None
    outcome: Outcome = Outcome.FREE
    amount: Money | None = None
    estimate: Money | None = None
    units: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def source(self) -> Source:
        """Who did the work."""
        return Source.LOCAL if self.provider == "local" else Source.PROVIDER

    @property
    def currency(self) -> str:
        """The currency of its money, or empty."""
        money = self.amount or self.estimate
        return money.currency if money else ""

    def check(self) -> None:
        """Raises FieldInvalid or CurrencyMismatch where the parts do not fit together."""
        if not self.key or not self.provider or not self.operation:
            raise FieldInvalid("A cost needs a key, a provider and an operation.", field="key")
        if self.device_seconds < 0 or (self.estimated_seconds or 0) < 0:
            raise FieldInvalid("Seconds of a device cannot be negative.", field="device_seconds")
        if (self.amount is not None) != (self.outcome is Outcome.CHARGED):
            raise FieldInvalid("An amount belongs to what was charged, and to nothing else.", field="amount")
        if self.outcome is Outcome.UNKNOWN and self.estimate is None:
            raise FieldInvalid("An unknown outcome needs the estimate that it may have cost.", field="estimate")
        if self.amount and self.estimate:
            self.estimate.same_currency(self.amount)
        for unit, count in self.units.items():
            if not _UNIT.fullmatch(unit) or not 0 <= count < 1e15:
                raise FieldInvalid(f"{count} of {unit[:40]!r} cannot be counted.", field=f"units.{unit[:40]}")


@dataclass(frozen=True, slots=True)
class Quote:
    """What one picture of a model is expected to cost, and how that comes about, in words. `per_reference` is what each
    picture that steers costs besides.
    """

    provider: str
    each: Money
    words: str = ""
    per_reference: Money | None = None

    def steered(self, references: int) -> Quote:
        """The quote of pictures that so many others steer."""
        if self.per_reference is None or not references:
            return self
        return replace(self, each=self.each.plus(self.per_reference.times(references)), per_reference=None)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a project may spend: on one run, and in all. None sets no limit."""

    run_cap: Money | None = None
    total_cap: Money | None = None

    def __post_init__(self) -> None:
        """Raises CurrencyMismatch for limits in two currencies."""
        if self.run_cap and self.total_cap:
            self.run_cap.same_currency(self.total_cap)

    @property
    def currency(self) -> str:
        """The currency of the limits, or empty."""
        cap = self.run_cap or self.total_cap
        return cap.currency if cap else ""


@dataclass(frozen=True, slots=True)
class Spent:
    """What counts against a project's limit in one currency, in millionths: charged; possibly charged, at its
    estimate; and promised to runs that go on.
    """

    charged: int = 0
    unknown: int = 0
    promised: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.charged + self.unknown + self.promised


@dataclass(frozen=True, slots=True)
class Budget:
    """A project's limits, and what it has spent by currency."""

    limits: Limits = Limits()
    spent: Mapping[str, Spent] = field(default_factory=dict)
