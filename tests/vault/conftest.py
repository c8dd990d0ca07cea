"""A vault on a disk of its own, with nothing remembered from another test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bullpend import redaction
from bullpend.clock import ManualClock
from bullpend.db import Database, Event
from bullpend.vault.keys import Keys
from bullpend.vault.vault import Vault

# Looks like no word, and no other text of the tests holds it.
VALUE = "zk-9f2c71d04b8e4f53a6d7e8c1"


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    redaction.forget_all()
    yield
    redaction.forget_all()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def database(tmp_path: Path, events: list[Event]) -> Iterator[Database]:
    made = Database.open(tmp_path / "b.sqlite3", ManualClock(), events.extend)
    yield made
    made.close()


@pytest.fixture
def open_vault(tmp_path: Path, database: Database) -> Callable[..., Vault]:
    """Opens the vault as a daemon with this environment would."""

    def opened(**environment: str) -> Vault:
        return Vault(database, Keys(tmp_path / "vault.key", environment))

    return opened


@pytest.fixture
def vault(open_vault: Callable[..., Vault]) -> Vault:
    return open_vault()
