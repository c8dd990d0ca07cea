"""What a list of models says of those at providers: the price, and whether anybody could pay for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bullpen_api.v1 import model_pb2

from bullpend.costs.model import MICROS, Quote
from bullpend.models.model import Model
from bullpend.remote import catalogue
from bullpend.remote.accounts import Accounts
from bullpend.remote.catalogue import Catalogue
from bullpend.remote.engine import quote


class Listing:
    """Completes models of providers for those who look at them or plan with them."""

    def __init__(self, known: Catalogue, accounts: Accounts) -> None:
        self._catalogue = known
        self._accounts = accounts

    async def complete(self, models: Sequence[model_pb2.Model]) -> None:
        """Adds price and state, in place; models that run here stay as they are."""
        remote = [model for model in models if catalogue.is_remote(model.name)]
        if not remote:
            return
        entries = await asyncio.to_thread(self._catalogue.entries)
        providers = await self._accounts.providers()
        for model in remote:
            entry = entries.get(catalogue.split(model.name)[0])
            if entry is None:
                continue
            model.price = catalogue.price_words(entry)
            model.cost_usd = entry.price.expected().micros / MICROS if entry.price.currency == "USD" else 0.0
            model.digest = ""
            if entry.provider not in providers:
                model.state = model_pb2.Model.STATE_NO_ACCOUNT
                model.problem = "add one with `bullpen providers add`"

    async def payer(self, project: str, model: Model) -> Model:
        """The model with the account that pays for it in a project behind its name, so that a plan says who pays.

        Raises ProviderAccountMissing.
        """
        name, _ = catalogue.split(model.name)
        entry = await asyncio.to_thread(self._catalogue.entry, name)
        account = await self._accounts.choose(model.name, entry.provider, project)
        _, owner, _, slug = account.name.split("/")
        place = slug if owner == project else f"{owner}/{slug}"
        return replace(model, name=f"{catalogue.PREFIX}{name}@{place}")

    def quoting(self, model: Model, width: int, height: int) -> Quote | None:
        """What a picture of a provider's model is expected to cost at most; None for one that runs here."""
        if model.engine != catalogue.ENGINE:
            return None
        return quote(self._catalogue.entry(model.name))
