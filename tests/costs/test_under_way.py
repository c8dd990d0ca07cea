"""Seconds of a device that died with its daemon are booked by the next one, as they were noted last."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import cost_pb2, lab_pb2, run_pb2, system_pb2
from bullpen_client import Session, errors
from bullpend.costs.under_way import FILE, UnderWay
from bullpend.db import Database
from bullpend.dispatch.spent import InVain

from tests.support.daemon import Daemon
from tests.support.studio import PATIENCE, Studio, scripted

LAB = InVain("utilities/000000001", 1, "utilities/000000001/1", "devices/a", 2.5, "models/m")


async def test_a_note_is_booked_once_and_is_gone(database: Database, tmp_path: Path) -> None:
    """What was under way with the daemon before is a line of its own; a daemon that died over it books it no twice."""
    before = UnderWay(database, tmp_path, lambda: [LAB])
    await before.close()
    note = (tmp_path / FILE).read_bytes()
    assert await UnderWay(database, tmp_path, list).book() == 1
    assert not (tmp_path / FILE).exists()
    (tmp_path / FILE).write_bytes(note)
    assert await UnderWay(database, tmp_path, list).book() == 0
    (row,) = await database.read(lambda view: view.all("SELECT * FROM cost_events"))
    assert (row["device"], row["device_seconds"], row["model"], row["units"]) == ("devices/a", 2.5, "models/m", "{}")
    assert "no picture" in row["note"]


async def test_orders_of_another_daemon_with_the_same_name_are_others(database: Database, tmp_path: Path) -> None:
    """The lab's orders are counted anew by each daemon; their lines are not taken for each other."""
    for _ in range(2):
        await UnderWay(database, tmp_path, lambda: [LAB]).close()
        assert await UnderWay(database, tmp_path, list).book() == 1


async def test_a_note_of_nothing_is_no_file(database: Database, tmp_path: Path) -> None:
    """What has ended is not left to be booked again."""
    begun = [LAB]
    keeping = UnderWay(database, tmp_path, lambda: begun)
    await keeping.close()
    assert (tmp_path / FILE).exists()
    begun.clear()
    await keeping.close()
    assert list(tmp_path.glob("under-way*")) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"daemon": "d"}', '{"daemon": "d", "pictures": [{"job": 1}]}', '{"pictures": 7}']
)
async def test_a_note_that_cannot_be_read_is_none(database: Database, tmp_path: Path, text: str) -> None:
    """A loss of power may leave half of it: nothing is booked, nothing breaks, and it is not read again."""
    (tmp_path / FILE).write_text(text)
    assert await UnderWay(database, tmp_path, list).book() == 0
    assert not (tmp_path / FILE).exists()


async def test_values_that_fit_nothing_are_not_booked(database: Database, tmp_path: Path) -> None:
    """A note that somebody has changed cannot keep the daemon from starting."""
    spoiled: list[dict[str, Any]] = [
        {"seconds": "many"},
        {"seconds": float("nan")},
        {"candidate": None, "model": ""},
        {"attempt": []},
    ]
    for wrong in spoiled:
        (tmp_path / FILE).write_text(json.dumps({"daemon": "d", "pictures": [asdict(LAB) | wrong]}))
        assert await UnderWay(database, tmp_path, list).book() == 0


async def lines(studio: Studio, parent: str) -> list[cost_pb2.CostEvent]:
    """The ledger's lines, the oldest first."""
    answer = await studio.session.costs.ListCostEvents(cost_pb2.ListCostEventsRequest(parent=parent, page_size=500))
    return list(reversed(answer.cost_events))


def read(daemon: Daemon) -> list[dict[str, Any]]:
    """What is noted now."""
    path = daemon.home / "run" / FILE
    return list(json.loads(path.read_text())["pictures"]) if path.exists() else []


async def noted(daemon: Daemon, session: Session) -> None:
    """Waits until something is."""
    async with asyncio.timeout(PATIENCE):
        while not read(daemon):
            await session.system.GetInfo(system_pb2.GetInfoRequest())


@pytest.mark.e2e
async def test_r02_seconds_that_died_with_the_daemon_are_booked(tmp_path: Path) -> None:
    """Killed over a picture of a run, and told to leave it the second time: each attempt is one line, with its note's
    seconds. A note of a picture that was made after it is no line.
    """
    daemon = Daemon(tmp_path / "home")
    daemon.start()
    try:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(1)
            (made,) = await studio.candidates(await studio.run(project))
            run = await studio.start(project, "steps=4000 step_ms=20")
            await noted(daemon, session)
        await asyncio.to_thread(daemon.kill)
        (left,) = read(daemon)
        note = daemon.home / "run" / FILE
        said = json.loads(note.read_text())
        said["pictures"].append(left | {"candidate": made.name, "job": made.name.split("/candidates/")[0]})
        note.write_text(json.dumps(said))
        await asyncio.to_thread(daemon.start)
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            first, cut_off = await lines(studio, project)
            assert (first.subject, dict(first.units), first.note) == (made.name, {"images": 1}, "")
            assert (cut_off.subject, cut_off.run, dict(cut_off.units)) == (left["candidate"], run.name, {})
            assert cut_off.device_seconds == pytest.approx(left["seconds"])
            assert "The daemon ended" in cut_off.note
            await studio.progress(run, lambda progress: progress.step >= 1)
            await session.system.Shutdown(system_pb2.ShutdownRequest(now=True))
            assert await asyncio.to_thread(daemon.wait) == 0
        await asyncio.to_thread(daemon.start)
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            assert [line.subject for line in (await lines(studio, project))[1:]] == [left["candidate"]] * 2
            await session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))
    finally:
        daemon.stop()


@pytest.mark.e2e
async def test_r02_the_labs_seconds_that_died_with_the_daemon_are_booked(tmp_path: Path) -> None:
    """A picture of the lab is nowhere but in the daemon's memory; what it took is in the ledger all the same."""
    daemon = Daemon(tmp_path / "home")
    daemon.start()
    try:
        async with Session(daemon.home) as session:

            async def generate() -> None:
                request = lab_pb2.GenerateRequest(prompt=scripted("steps=4000 step_ms=20"), seed=1)
                async for _ in session.lab.Generate(request):
                    pass

            asking = asyncio.create_task(generate())
            await noted(daemon, session)
            await asyncio.to_thread(daemon.kill)
            with pytest.raises(errors.DaemonUnavailable):
                await asking
        (left,) = read(daemon)
        await asyncio.to_thread(daemon.start)
        async with Session(daemon.home) as session:
            (line,) = await lines(Studio(session, tmp_path), "projects/-")
    finally:
        daemon.stop()
    assert (line.operation, line.model, line.device) == ("generate", "models/scripted", left["device"])
    assert line.device_seconds == pytest.approx(left["seconds"])
