"""The lives of a daemon that dies again and again on one home, and a person who asks for the same until it is done."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bullpen_api.v1 import asset_pb2, bible_pb2, project_pb2, run_pb2, system_pb2
from bullpen_client import Session, errors

from tests.support.daemon import Daemon, DaemonEnded
from tests.support.pictures import write_picture
from tests.support.studio import Studio, spec
from tests.support.watching import check_watch, journal

T = TypeVar("T")
CANDIDATES = 2
GONE = (errors.DaemonUnavailable, errors.ShuttingDown)


@dataclass
class Person:
    """What somebody asked for over all lives, and what was answered. Each life is one more project with one run."""

    folder: Path
    lives: int = 0
    runs: dict[str, run_pb2.Run] = field(default_factory=dict)

    async def live(self, home: Path) -> None:
        """Sees what was begun to its end, then makes one more universe with a run: the daemon may have done what was
        begun before anybody asked again. Raises GONE when the daemon dies.
        """
        async with Session(home) as session:
            for _ in range(2):
                await self._see_through(session, f"life-{self.lives}")
                self.lives += 1

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


async def die_alone(daemon: Daemon) -> None:
    """One life without anybody: recovery by itself meets the armed point. Raises AssertionError where it does not."""
    try:
        await asyncio.to_thread(daemon.start)
    except DaemonEnded:
        assert daemon.status == -signal.SIGKILL, daemon.said
        return
    assert await asyncio.to_thread(daemon.wait) == -signal.SIGKILL


def armed(home: Path, point: str) -> Daemon:
    """A daemon that dies at a point, in itself or in a worker of its."""
    return Daemon(home, environment={"BULLPEN_TESTING_FAILPOINT": point})


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
