"""`bullpen logs`: the daemon's log, from its memory, as it grows, and from the file."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from bullpen_api.v1 import run_pb2
from bullpen_client import Session, errors

from tests.cli.conftest import Bullpen, launch
from tests.support.daemon import Daemon

pytestmark = pytest.mark.e2e


async def test_entries_of_a_daemon_and_of_its_file(tmp_path: Path, bullpen: Bullpen) -> None:
    """The tail, a filter, one that leaves nothing; after the daemon's end the same lines from the file."""
    with Daemon(tmp_path / "home") as daemon:
        at = ("--home", str(daemon.home))
        said = await bullpen("logs", *at, "--component", "daemon")
        assert said.status == 0, said.err
        assert "daemon.serving" in said.out
        assert (await bullpen("logs", *at, "--level", "error")).out == ""
        (entry,) = (await bullpen("logs", *at, "--component", "daemon", "--tail", "1", "--json")).lines
        assert (entry["event"], entry["level"], entry["number"]) == ("daemon.serving", "LEVEL_INFO", "1")
        both = await bullpen("logs", *at, "--project", "p", "--run", "p/r")
        assert both.status == 2
        wrong = await bullpen("logs", *at, "--project", "No Slug", "--json")
        assert wrong.error["reason"] == "FIELD_INVALID"
    gone = await bullpen("logs", *at, "--component", "daemon", "--tail", "2")
    assert gone.status == 0, gone.err
    assert [line.split()[4] for line in gone.out.splitlines()] == ["daemon.stopping", "daemon.stopped"]
    assert "no daemon serves" in gone.err
    assert (await bullpen("logs", *at, "--json")).lines[0]["event"] == "daemon.serving"
    following = await bullpen("logs", *at, "--follow", "--json")
    assert following.error["reason"] == "DAEMON_UNAVAILABLE"


async def test_what_goes_wrong_is_told_as_it_does(tmp_path: Path) -> None:
    """`-f` prints a refusal of another client within moments, one JSON object a line."""
    with Daemon(tmp_path / "home") as daemon:
        process = await launch(daemon.home, "logs", "-f", "--component", "rpc", "--tail", "1", "--json")
        assert process.stdout is not None
        reading = asyncio.ensure_future(process.stdout.readline())
        try:
            async with asyncio.timeout(60), Session(daemon.home) as session:
                while not reading.done():
                    with pytest.raises(errors.BullpenError):
                        await session.runs.GetRun(run_pb2.GetRunRequest(name="projects/none/runs/none"))
                    await asyncio.wait({reading}, timeout=0.5)
            assert json.loads(await reading)["fields"]["reason"] == "PROJECT_NOT_FOUND"
        finally:
            process.kill()
            await process.wait()
