"""The studio's tests wait for facts, also where the pilot would look at the clock."""

from __future__ import annotations

import pytest
from textual import app, pilot

from tests.support.settling import settled


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key and every pause of a pilot ends when the studio stands still, however slow the machine is."""
    monkeypatch.setattr(pilot, "wait_for_idle", settled)
    monkeypatch.setattr(app, "wait_for_idle", settled)
