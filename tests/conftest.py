"""Fixtures for tests with a real daemon: one serves all tests of a module, each test makes projects of its own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bullpen_client import Session
from hypothesis import HealthCheck, settings

from tests.support.daemon import Daemon
from tests.support.studio import Studio
from tests.support.watching import hold_to_the_promise

# A program started in the background may be told to ignore Ctrl-C, and hands that on to every process it starts; the
# tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("bullpen", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bullpen")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that serves a home of this module's own."""
    with Daemon(tmp_path_factory.mktemp("d") / "home") as running:
        yield running
        # Whatever the module's tests did: what was told of it is ordered, unique, complete and resumable.
        if running.process is not None and running.process.poll() is None:
            asyncio.run(hold_to_the_promise(running.home))


@pytest.fixture
async def session(daemon: Daemon) -> AsyncIterator[Session]:
    """A session with the module's daemon."""
    async with Session(daemon.home) as opened:
        yield opened


@pytest.fixture
def studio(session: Session, tmp_path: Path) -> Studio:
    """Shorthand over that session."""
    return Studio(session, tmp_path)
