"""The command line and a daemon that lives and does not answer: said, looked at, and ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from bullpen_cli import daemon as command
from bullpen_client import patience

from tests.cli.conftest import Bullpen
from tests.support.daemon import Daemon

pytestmark = pytest.mark.e2e


@pytest.fixture
def stopped(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A real daemon that stands still, and little patience with it."""
    monkeypatch.setattr(patience, "PATIENCE", 0.3)
    with Daemon(home) as serving:
        os.kill(serving.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, serving.pid, os.WSTOPPED)
        yield serving
        if serving.process is not None and serving.process.poll() is None:
            os.kill(serving.pid, signal.SIGCONT)


async def test_it_is_told_from_one_that_is_gone(stopped: Daemon, bullpen: Bullpen) -> None:
    """A typed error with the process and what to do; the doctor says the same; its log can be read; it can be ended."""
    status = await bullpen("daemon", "status", "--json")
    assert (status.status, status.error["reason"]) == (1, "DAEMON_SILENT")
    assert status.error["metadata"]["pid"] == str(stopped.pid)
    assert "bullpen daemon stop" in status.error["remedy"]
    start = await bullpen("daemon", "start", "--json")
    assert (start.status, start.error["reason"]) == (1, "DAEMON_SILENT")
    found = {one["name"]: one for one in (await bullpen("doctor", "--json")).json["checks"]}
    assert found["daemon"]["status"] == "error"
    assert "was stopped" in found["daemon"]["message"]
    logs = await bullpen("logs")
    assert logs.status == 0
    assert "does not answer; from" in logs.err
    process = stopped.pid
    ended = await bullpen("daemon", "stop", "--json")
    assert ended.json == {"stopped": True, "pid": process}
    assert stopped.wait() == 0


async def test_one_that_heeds_nothing_is_killed_with_now_alone(
    stopped: Daemon, bullpen: Bullpen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --now it is left as it is, and that is said."""
    unheard = SimpleNamespace(SIGTERM=0, SIGCONT=0, SIGKILL=signal.SIGKILL)
    monkeypatch.setattr(command, "signal", unheard)
    monkeypatch.setattr(command, "_HEED_SECONDS", 0.1)
    monkeypatch.setattr(command, "_STOP_TIMEOUT", 0.1)
    left = await bullpen("daemon", "stop", "--json")
    assert left.error["reason"] == "DEADLINE_EXCEEDED"
    assert "--now" in left.error["remedy"]
    monkeypatch.setattr(command, "_STOP_TIMEOUT", 60.0)
    ended = await bullpen("daemon", "stop", "--now")
    assert f"stopped (process {stopped.pid})" in ended.out
    assert stopped.wait() == -signal.SIGKILL
