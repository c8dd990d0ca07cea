"""Clocks that are set while the daemon works: it waits by a clock that nobody sets, and numbers make its order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bullpen_api.v1 import project_pb2, queue_pb2, run_pb2, system_pb2
from bullpen_client import Session
from google.protobuf import json_format

from tests.support.daemon import Daemon
from tests.support.studio import Studio, held
from tests.support.watching import check_watch, journal

pytestmark = pytest.mark.faults

DAY = 86_400
# Python runs a module of this name when it starts: wall time is off by what the file says.
MODULE = """
import time
from pathlib import Path

_file, _time, _time_ns = Path({path!r}), time.time, time.time_ns


def _off():
    return int(_file.read_text())


time.time = lambda: _time() + _off()
time.time_ns = lambda: _time_ns() + _off() * 10**9
"""


@pytest.mark.parametrize("jump", [-400 * DAY, 400 * DAY], ids=["back", "ahead"])
async def test_a_clock_that_is_set_changes_no_order_and_no_work(tmp_path: Path, jump: int) -> None:
    """Set by more than a year in the midst of a run: it goes on to its end, events keep their order, what is told is
    in order, lists have all of it, and the next run is made. A restart finds everything.
    """
    clock, place = tmp_path / "clock", tmp_path / "place"
    clock.write_text("0")
    place.mkdir()
    (place / "sitecustomize.py").write_text(MODULE.format(path=str(clock)))
    paths = os.pathsep.join([str(place), *filter(None, [os.environ.get("PYTHONPATH")])])
    daemon = Daemon(tmp_path / "home", environment={"PYTHONPATH": paths})
    with daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(2)
            gate = tmp_path / "go"
            run = await studio.start(project, held(gate), 2)
            await studio.progress(run, lambda progress: progress.step >= 2)
            before = (await session.system.GetInfo(system_pb2.GetInfoRequest())).uptime.ToMicroseconds()
            new = clock.with_suffix(".new")
            new.write_text(str(jump))
            new.replace(clock)
            info = await session.system.GetInfo(system_pb2.GetInfoRequest())
            assert before <= info.uptime.ToMicroseconds() < DAY * 10**6
            json_format.MessageToDict(info)
            json_format.MessageToDict(await session.queue.GetQueue(queue_pb2.GetQueueRequest()))
            json_format.MessageToDict(await session.system.GetMetrics(system_pb2.GetMetricsRequest()))
            gate.touch()
            ended = await studio.logged(run)
            assert ended.state == run_pb2.Run.STATE_SUCCEEDED
            assert abs(ended.end_time.seconds - ended.start_time.seconds - jump) < DAY
            again = await studio.run(project)
            assert again.state == run_pb2.Run.STATE_SUCCEEDED
            await studio.project()
            await check_watch(session, daemon.home, project)
    revisions = [revision for revision, _, _ in journal(daemon.home)]
    assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))
    with daemon:
        async with Session(daemon.home) as session:
            listed = await session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))
            assert {one.name for one in listed.runs} == {run.name, again.name}
            assert len((await session.projects.ListProjects(project_pb2.ListProjectsRequest())).projects) == 2
            assert (await Studio(session, tmp_path).run(project)).state == run_pb2.Run.STATE_SUCCEEDED
