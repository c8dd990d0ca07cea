"""Which account of a provider pays, and with which key.

An account is one of the bible's. A model's name may say which: `openai:gpt-image-1@studio` inside of a project,
`…@harbor_lights/studio` elsewhere. Where it does not, the only one there is pays; of several none is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Protocol

from bullpend.bible.model import PROVIDER_ACCOUNTS
from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.errors import ProviderAccountMissing
from bullpend.remote import catalogue
from bullpend.remote.model import Account

_TITLES = {"openai": "OpenAI", "photoroom": "PhotoRoom", "remove_bg": "remove.bg"}


class Revealed(Protocol):
    """A secret in clear, for the request that needs it."""

    def reveal(self) -> str:
        """The value."""
        ...


class Vault(Protocol):
    """What is needed of the vault."""

    def reveal(self, name: str, field: str = "") -> Awaitable[Revealed]:
        """Opens a secret by its name."""
        ...


class Accounts:
    """Finds accounts, and opens their keys."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def providers(self) -> frozenset[str]:
        """Providers that have an account in any project, in lower case."""
        sql = "SELECT DISTINCT provider FROM provider_accounts WHERE delete_time IS NULL"
        rows = await self._database.read(lambda view: view.all(sql))
        return frozenset(str(row["provider"]).lower() for row in rows)

    async def choose(self, model: str, provider: str, project: str = "", field: str = "model") -> Account:
        """The account that pays for a model, in a project or, without one, of all. Raises ProviderAccountMissing."""
        _, wanted = catalogue.split(model)
        return await self._database.read(lambda view: choose(view, provider, wanted, project, field))

    async def keys(self, account: Account) -> dict[str, str]:
        """The account's secrets in clear, by what they are for. Raises ProviderAccountMissing, and what the vault
        raises.
        """
        # A server of one's own may need none.
        if "api_key" not in account.secret_names and account.provider != "openai_compatible":
            raise ProviderAccountMissing(
                f"{account.name} names no key.",
                field="secret_names.api_key",
                remedy=f"Name the secret that its key is kept under: `bullpen providers edit … --secret api_key=NAME` "
                f"for {account.name.rsplit('/', 1)[-1]}.",
                accounts=account.name,
            )
        return {
            use: (await self._vault.reveal(name, f"secret_names.{use}")).reveal()
            for use, name in account.secret_names.items()
        }


def choose(view: View, provider: str, wanted: str, project: str, field: str) -> Account:
    """As `Accounts.choose`, on a view."""
    owner, slug = wanted.rpartition("/")[::2]
    owner = owner.removeprefix("projects/") or project
    where, values = ["delete_time IS NULL", "provider = ?"], [provider.upper()]
    for column, value in (("project", owner), ("slug", slug)):
        if value:
            where.append(f"{column} = ?")
            values.append(value)
    rows = view.all(f"SELECT * FROM provider_accounts WHERE {' AND '.join(where)} ORDER BY id", *values)
    if len(rows) == 1:
        return account_of(rows[0])
    title = _TITLES.get(provider, provider)
    if not rows:
        place = f" in projects/{owner}" if owner else ""
        named = f"{slug} of {title}" if slug else f"of {title}"
        target = owner or "PROJECT"
        raise ProviderAccountMissing(
            f"There is no account {named}{place}.",
            field=field,
            remedy=f"Add one: `bullpen providers add {target} NAME --with {provider.replace('_', '-')} "
            "--secret api_key=SECRET`, and the key: `bullpen vault set SECRET`.",
            provider=provider,
        )
    names = [PROVIDER_ACCOUNTS.name(row["project"], row["slug"]) for row in rows]
    short = rows[0]["slug"] if project else f"{rows[0]['project']}/{rows[0]['slug']}"
    raise ProviderAccountMissing(
        f"{title} has {len(rows)} accounts here, and none is named.",
        field=field,
        remedy=f"Name the one that pays behind the model, such as …@{short}.",
        provider=provider,
        accounts=", ".join(names),
    )


def account_of(row: Row) -> Account:
    """A row of the bible as an account."""
    return Account(
        name=PROVIDER_ACCOUNTS.name(row["project"], row["slug"]),
        provider=str(row["provider"]).lower(),
        base_url=row["base_url"],
        secret_names=json.loads(row["secret_names"]),
    )
