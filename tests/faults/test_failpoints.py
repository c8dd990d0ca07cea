"""R02, every durable step: the daemon dies at each of them, one after the other on one home, and nothing is lost.

Each life of the daemon is armed with the next point, so each recovery runs into another death: where the point lies on
its way, that is the second of two nested ones. Calls that were not answered are made again with the same request_id.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from bullpen_api.v1 import asset_pb2, bible_pb2, project_pb2, run_pb2, system_pb2
from bullpen_client import Session, errors
from bullpend import failpoints

from tests.support.daemon import Daemon, DaemonEnded
from tests.support.pictures import write_picture
from tests.support.studio import Studio, spec
from tests.support.watching import check_watch, journal

pytestmark = pytest.mark.faults

T = TypeVar("T")
# Those of paid requests have tests of their own, with a provider.
POINTS = tuple(name for name in failpoints.POINTS if name not in (*failpoints.PAID, *failpoints.AGENT))
# Any commit of a life may be its last.
COMMITS = tuple(f"{name}@{times}" for name in failpoints.DATABASE for times in (3, 8))
# The second time something is stored, and what a recovery meets.
NESTED = ("picture.stored@2", "job.leased@2", "store.published@2", "start.recovered")
CANDIDATES = 2
GONE = (errors.DaemonUnavailable, errors.ShuttingDown)


@dataclass
class Person:
    """What somebody asked for over all lives, and what was answered. Each life is one more project with one run."""

    folder: Path
    lives: int = 0
    runs: dict[str, run_pb2.Run] = field(default_factory=dict)

    async def live(self, home: Path) -> None:
        """Sees what was begun to its end, then makes one more universe with a run. Raises GONE when the daemon dies."""
        async with Session(home) as session:
            for _ in range(2):
                begun = f"life-{self.lives}" in self.runs
                await self._see_through(session, f"life-{self.lives}")
                self.lives += 1
                if not begun:
                    return

    async def _see_through(self, session: Session, slug: str) -> None:
        if slug not in self.runs:
            self.runs[slug] = await self._begin(session, slug)
        await Studio(session, self.folder).logged(self.runs[slug])

    async def _begin(self, session: Session, slug: str) -> run_pb2.Run:
        project = f"projects/{slug}"
        create = project_pb2.CreateProjectRequest(project_id=slug, project=project_pb2.Project(title=slug))
        await _made(lambda: session.projects.CreateProject(create))
        path = write_picture(self.folder / f"{slug}.png", self.lives)
        asset = await session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=project, path=str(path)))
        scene = bible_pb2.Scene(source_asset=asset.name)
        request = bible_pb2.CreateSceneRequest(parent=project, scene_id="s1", scene=scene)
        await _made(lambda: session.bible.CreateScene(request))
        # The same request again and again, until it is answered: it must make one run.
        made = run_pb2.CreateRunRequest(parent=project, spec=spec("", CANDIDATES), request_id=slug)
        return await session.runs.CreateRun(made)


async def _made(call: Callable[[], Awaitable[T]]) -> None:
    """Creates something that an earlier life may have created without an answer."""
    try:
        await call()
    except errors.AlreadyExists:
        return


async def die(daemon: Daemon, person: Person) -> bool:
    """One life: until the armed point kills the daemon, or until everything asked for is done. Says which."""
    try:
        await asyncio.to_thread(daemon.start)
    except DaemonEnded:
        assert daemon.status == -signal.SIGKILL, daemon.said
        return True
    try:
        await person.live(daemon.home)
    except GONE:
        assert await asyncio.to_thread(daemon.wait) == -signal.SIGKILL
        return True
    except TimeoutError:
        raise AssertionError("the daemon hangs") from None
    await asyncio.to_thread(daemon.kill)
    return False


async def test_r02_death_at_every_durable_step_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """All points are met, and after the last life every run that was ever answered is complete, each picture once."""
    home, person = tmp_path / "home", Person(tmp_path)
    points = [*POINTS, *COMMITS, *NESTED]
    random.Random(5).shuffle(points)
    met = {}
    for point in points:
        daemon = Daemon(home, environment={"BULLPEN_TESTING_FAILPOINT": point})
        met[point] = await die(daemon, person)
    missed = [point for point in POINTS if not met[point]]
    assert missed == [], "a point that is never passed says nothing"
    with Daemon(home):
        await person.live(home)
        async with Session(home) as session:
            await nothing_lost_or_doubled(Studio(session, tmp_path), home, person)


async def nothing_lost_or_doubled(studio: Studio, home: Path, person: Person) -> None:
    """Holds runs, files, registry and journal against each other."""
    rows = journal(home)
    made = Counter(subject for _, kind, subject in rows if kind == "candidate.succeeded")
    assert set(made.values()) == {1}, "no picture is made known twice"
    ends = Counter(subject for _, kind, subject in rows if kind == "run.succeeded")
    for slug, run in person.runs.items():
        ended = await studio.session.runs.GetRun(run_pb2.GetRunRequest(name=run.name))
        assert ended.state == run_pb2.Run.STATE_SUCCEEDED
        assert ends[run.name] == 1
        candidates = await studio.candidates(ended)
        assert len({candidate.asset for candidate in candidates}) == CANDIDATES
        assert Path(ended.log_path).is_file()
        project = f"projects/{slug}"
        listed = await studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))
        assert [each.name for each in listed.runs] == [run.name], "a request that was made again made one run"
        request = asset_pb2.ListAssetsRequest(parent=project, page_size=500)
        registered = {asset.sha256 for asset in (await studio.session.assets.ListAssets(request)).assets}
        files = [path for path in (home / project / "assets").rglob("*") if path.is_file()]
        assert {path.stem for path in files} == registered
        assert len(files) == 2 * len(registered), "each content has its sidecar, and nothing else is there"
        await check_watch(studio.session, home, project)
    assert list((home / "tmp").iterdir()) == []
    checks = (await studio.session.system.Diagnose(system_pb2.DiagnoseRequest(deep=True))).checks
    wrong = [check for check in checks if check.status == system_pb2.Check.STATUS_ERROR]
    assert [check.name for check in wrong] == []


def test_an_unknown_failpoint_is_refused(tmp_path: Path) -> None:
    """A point that does not exist would never be met, and its test say nothing."""
    with pytest.raises(DaemonEnded, match="failpoint"):
        Daemon(tmp_path / "home", {"testing.failpoint": "no.such"}).start()
