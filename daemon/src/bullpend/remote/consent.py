"""A person's consent to pay for single pieces of work, call by call: what it will cost, and who pays.

Runs are confirmed by their plan (`costs/guard.py`). What is asked for without one carries its consent in the call.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bullpend.costs import guard
from bullpend.costs.model import MICROS, Money
from bullpend.db import Database
from bullpend.errors import SpendNotConfirmed
from bullpend.remote import catalogue
from bullpend.remote.accounts import Accounts
from bullpend.remote.catalogue import Catalogue, Entry
from bullpend.remote.model import Account


@dataclass(frozen=True, slots=True)
class Consent:
    """What was agreed to: who pays, what each picture is expected to cost, and the project that it is booked on.

    `model` is the model's name with the account behind it.
    """

    model: str
    entry: Entry
    account: Account
    each: Money
    project: str

    def cost_usd(self, pictures: int) -> float:
        """The estimate for so many pictures, where it is in US dollars."""
        return self.each.micros * pictures / MICROS if self.each.currency == "USD" else 0.0


class Consents:
    """Asks whether a person agreed."""

    def __init__(self, database: Database, known: Catalogue, accounts: Accounts) -> None:
        self._database = database
        self._catalogue = known
        self._accounts = accounts

    async def ask(
        self,
        model: str,
        pictures: int,
        confirmed: bool,
        *,
        field: str,
        model_field: str,
        project: str = "",
        size: tuple[int, int] | None = None,
    ) -> Consent:
        """What a person agreed to, for so many pictures of a size; `field` is where they say so.

        Without a project it is booked on that of the account. Raises ModelNotFound, ProviderAccountMissing,
        SpendNotConfirmed, SpendCapExceeded, CurrencyMismatch.
        """
        entry = await asyncio.to_thread(self._catalogue.entry, model)
        account = await self._accounts.choose(model, entry.provider, project, model_field)
        _, owner, _, slug = account.name.split("/")
        width, height = entry.size_for(*size) if size else (0, 0)
        each, place = entry.price.expected(f"{width}x{height}"), project or owner
        cost = each.times(pictures)
        if not confirmed:
            count = "one picture" if pictures == 1 else f"{pictures} pictures"
            raise SpendNotConfirmed(
                f"{entry.title} charges about {cost} for {count} (prices as of {entry.price.as_of}"
                f"{f'; {entry.price.assumption}' if entry.price.assumption else ''}).",
                field=field,
                remedy="Confirm it (--confirm-spend), or choose a model that runs here.",
                cost=cost,
            )
        await self._database.write(lambda tx: guard.admit(tx, place, cost))
        payer = slug if owner == project else f"{owner}/{slug}"
        return Consent(f"{catalogue.PREFIX}{catalogue.split(model)[0]}@{payer}", entry, account, each, place)
