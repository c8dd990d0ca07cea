"""A database, a vault with one key, and paid requests to a provider on this machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bullpend.clock import ManualClock
from bullpend.costs.model import Money
from bullpend.db import Database, Event, Row
from bullpend.remote.accounts import Accounts
from bullpend.remote.answers import Answers
from bullpend.remote.catalogue import Catalogue
from bullpend.remote.exchange import Limits
from bullpend.remote.model import Account, Order, Upload
from bullpend.remote.paying import Paying
from bullpend.vault.secret import Secret

from tests.support.pictures import write_picture
from tests.support.providers import KEY, Provider

SETTINGS = Path(__file__).resolve().parents[2] / "settings"
LIMITS = Limits(connect_seconds=60.0, answer_seconds=60.0, whole_seconds=180.0, most_bytes=4 << 20, allow_private=True)
# For a provider that never answers.
IMPATIENT = replace(LIMITS, answer_seconds=2.0)


class OneKey:
    """A vault that holds the local provider's key under any name."""

    async def reveal(self, name: str, field: str = "") -> Secret:
        return Secret(name, KEY)


@dataclass
class Desk:
    """What a test works with."""

    folder: Path
    provider: Provider
    database: Database
    paying: Paying
    events: list[Event]

    def order(self, **changes: Any) -> Order:
        """A confirmed edit by OpenAI's protocol; `changes` are fields of the order."""
        path = write_picture(self.folder / "source.png", 1, 32, 32)
        order = Order(
            confirmation="projects/p/runs/r/jobs/j-001/candidates/c-1",
            subject="projects/p/runs/r/jobs/j-001/candidates/c-1",
            operation="edit",
            model="models/openai:gpt-image-1",
            account=Account("projects/p/providerAccounts/a", "openai", self.provider.address, {"api_key": "k"}),
            estimate=Money("USD", 46_970),
            project="p",
            run="projects/p/runs/r",
            stage="style",
            prompt="warmer, please",
            upload=Upload(path, "0" * 64),
            size=(64, 64),
            parameters={"quality": "medium"},
        )
        return replace(order, **changes)

    def cutout(self, service: str, **changes: Any) -> Order:
        """A confirmed cutout by `photoroom` or `remove_bg`."""
        models = {"photoroom": "models/photoroom:segment", "remove_bg": "models/remove_bg:removebg"}
        account = Account("projects/p/providerAccounts/a", service, self.provider.address, {"api_key": "k"})
        return self.order(
            account=account,
            model=models[service],
            operation="cutout",
            confirmation="cutout-1",
            run="",
            size=None,
            prompt="",
            parameters={},
            repeatable=True,
            **changes,
        )

    async def rows(self) -> list[Row]:
        """Every paid request, in order."""
        return await self.database.read(lambda view: view.all("SELECT * FROM paid_requests ORDER BY id"))

    async def costs(self) -> list[Row]:
        """Every line of the ledger, in order."""
        return await self.database.read(lambda view: view.all("SELECT * FROM cost_events ORDER BY id"))


def open_desk(folder: Path, provider: Provider, limits: Limits = LIMITS, patience: float = 5.0) -> Desk:
    """A desk on a folder, again after a close; `paying` has recovered nothing yet."""
    events: list[Event] = []
    clock = ManualClock()
    database = Database.open(folder / "bullpen.sqlite3", clock, events.extend)
    answers = Answers(folder / "remote")
    paying = Paying(
        database, Accounts(database, OneKey()), Catalogue([SETTINGS]), answers, clock, limits, patience_seconds=patience
    )
    return Desk(folder, provider, database, paying, events)


def copy_settings(folder: Path) -> Path:
    """A folder with a catalogue of its own."""
    shutil.copy(SETTINGS / "remote.json", folder / "remote.json")
    return folder
