"""A fake daemon, and a session with it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bullpen_client import Session

from tests.support.fake_daemon import FakeDaemon


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[FakeDaemon]:
    async with FakeDaemon(tmp_path / "home") as fake:
        yield fake


@pytest.fixture
async def session(daemon: FakeDaemon) -> AsyncIterator[Session]:
    async with Session(daemon.home) as opened:
        yield opened
