"""The studio and a real daemon that dies under it; `tests.bench.reviving` does it twenty times."""

from __future__ import annotations

import pytest
from bullpen_tui import live

from tests.bench.reviving import revived

pytestmark = [pytest.mark.e2e, pytest.mark.faults]


async def test_r07_the_daemon_dies_under_the_open_studio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle of a run and started again: banner, then every project and run as it is, no event twice."""
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.2)
    assert len(await revived(2)) == 2
