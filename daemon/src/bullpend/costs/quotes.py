"""What a picture of a model is expected to cost, where somebody takes money for it."""

from __future__ import annotations

from collections.abc import Callable

from bullpend.costs.model import Money, Quote
from bullpend.models.model import Model

# By model and size in pixels (width, height); None for work on own devices.
Quoting = Callable[[Model, int, int], Quote | None]


def scripted(price: str) -> Quoting:
    """For tests: a price of the model `scripted`, such as `0.04 USD`; an empty one makes it free."""
    amount, _, currency = price.partition(" ")
    quote = Quote("scripted", Money.of(currency, amount), "a price of the settings") if price else None
    return lambda model, width, height: quote if model.engine == "scripted" else None


def first_of(*quotings: Quoting) -> Quoting:
    """The quote of the first that gives one."""

    def quoting(model: Model, width: int, height: int) -> Quote | None:
        return next((quote for one in quotings if (quote := one(model, width, height)) is not None), None)

    return quoting
