"""R02 for exports: the daemon dies while one is made, or somebody stops it. Nothing half written is ever seen."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from bullpen_api.v1 import export_pb2 as pb
from bullpen_api.worker.v1 import link_pb2
from bullpen_client import Session, errors
from bullpend import failpoints
from bullpend.assets.files import Files
from bullpend.clock import SystemClock
from bullpend.db import Database
from bullpend.errors import BullpenError, StateConflict
from bullpend.events.bus import Bus
from bullpend.exports import destination, seal
from bullpend.exports.making import Making
from bullpend.exports.progress import Board
from bullpend.exports.service import ExportService

from tests.exports.asking import CBZ, PAGES, begin, check, ended, story
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one universe whose pictures are accepted; nobody serves it."""
    folder = tmp_path_factory.mktemp("e")

    async def fill() -> None:
        async with Session(folder / "home") as session:
            await story(Studio(session, folder), scenes=2, candidates=1)

    with Daemon(folder / "home"):
        asyncio.run(fill())
    return folder / "home"


def project_in(home: Path) -> str:
    """The name of the only project."""
    (folder,) = (home / "projects").iterdir()
    return f"projects/{folder.name}"


async def test_r02_a_daemon_that_dies_over_an_export_leaves_it_whole_or_not_at_all(home: Path, tmp_path: Path) -> None:
    """At every step: the next daemon says what became of it, has removed what was unfinished, and begins it again."""
    project, target = project_in(home), tmp_path / "book.cbz"
    name = ""
    for point in failpoints.EXPORT:
        armed = Daemon(home, {"testing.failpoint": point})
        armed.start()
        async with Session(home) as session:
            if name:
                assert list(tmp_path.iterdir()) == []
                left = await session.exports.GetExport(pb.GetExportRequest(name=name))
                assert (left.state, left.size_bytes) == (pb.Export.STATE_INTERRUPTED, 0)
                begun = await session.exports.RestartExport(pb.RestartExportRequest(name=name))
            else:
                begun = await begin(session, project, CBZ, target)
            name = begun.name
            with pytest.raises((errors.DaemonUnavailable, errors.ShuttingDown)):
                await ended(session, begun)
        assert await asyncio.to_thread(armed.wait) == -signal.SIGKILL
        assert target.exists() == (point == "export.placed")
    with Daemon(home):
        async with Session(home) as session:
            export = await session.exports.GetExport(pb.GetExportRequest(name=name))
            assert export.state == pb.Export.STATE_SUCCEEDED
            assert (await check(session, target)).sha256 == export.sha256
            assert [path.name for path in tmp_path.iterdir()] == ["book.cbz"]


class Inside:
    """The room over a home that no daemon serves, with a worker that draws when it is let."""

    def __init__(self, home: Path) -> None:
        clock, bus = SystemClock(), Bus()
        self.database = Database.open(home / "bullpen.sqlite3", clock, bus.committed)
        files, board = Files(home / "projects"), Board(bus, clock)
        self.drawing = asyncio.Event()
        self.making = Making(self.database, files, board, self.draw, self.stages, home / "tmp")
        self.service = ExportService(
            self.database, files, self.making, board, self.stages, [home.parent, Path("/tmp")], home
        )

    def stages(self, project: str) -> Sequence[str]:
        """Those of the manifest."""
        return ("style",)

    async def draw(
        self, task: link_pb2.Task, follow: Callable[[link_pb2.TaskProgress], None] | None = None
    ) -> link_pb2.TaskDone:
        """Begins to write, and never ends by itself."""
        path = Path(task.draw_book.pdf_path)
        path.write_bytes(b"%PDF-half")
        self.drawing.set()
        try:
            await asyncio.Event().wait()
        finally:
            path.unlink()
        return link_pb2.TaskDone()

    async def begin(self, project: str, place: Path) -> pb.Export:
        """Asks for the pages of a PDF."""
        spec = pb.ExportSpec(format=PAGES, destination=str(place))
        return await self.service.CreateExport(pb.CreateExportRequest(parent=project, spec=spec), None)

    async def get(self, export: pb.Export) -> pb.Export:
        """The export as it is now."""
        return await self.service.GetExport(pb.GetExportRequest(name=export.name), None)


@pytest.fixture
async def inside(home: Path) -> AsyncIterator[Inside]:
    """The room, closed again at the end."""
    room = Inside(home)
    yield room
    await room.making.close()
    room.database.close()


async def test_r01_an_export_is_stopped_while_it_is_drawn_and_while_it_waits(
    inside: Inside, home: Path, tmp_path: Path
) -> None:
    """One at a time is made; both end canceled, nothing is left of them, and neither can be stopped twice."""
    project = project_in(home)
    first = await inside.begin(project, tmp_path / "a.pdf")
    await inside.drawing.wait()
    second = await inside.begin(project, tmp_path / "b.pdf")
    shown = await inside.get(first)
    assert (shown.state, shown.progress.step, shown.progress.files) == (pb.Export.STATE_RUNNING, "drawing", 2)
    assert (await inside.get(second)).state == pb.Export.STATE_QUEUED
    with pytest.raises(StateConflict):
        await inside.service.DeleteExport(pb.DeleteExportRequest(name=first.name), None)
    for export in (second, first):
        stopped = await inside.service.CancelExport(pb.CancelExportRequest(name=export.name), None)
        assert stopped.state == pb.Export.STATE_CANCELED
        with pytest.raises(BullpenError):
            await inside.service.CancelExport(pb.CancelExportRequest(name=export.name), None)
    assert list(tmp_path.iterdir()) == []


async def test_an_orderly_end_of_the_daemon_interrupts_an_export(inside: Inside, home: Path, tmp_path: Path) -> None:
    """What it had begun to write is gone at once; the next daemon says that it was interrupted."""
    export = await inside.begin(project_in(home), tmp_path)
    await inside.drawing.wait()
    await inside.making.close()
    assert list(tmp_path.iterdir()) == []
    await inside.making.recover()
    assert (await inside.get(export)).state == pb.Export.STATE_INTERRUPTED


async def test_r06_a_disk_that_fills_up_fails_the_export_and_keeps_nothing(
    inside: Inside, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the midst of an archive, and while it is brought to the disk: the reason names the folder."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for place, name in ((seal, "close"), (destination, "durable")):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, full)
            spec = pb.ExportSpec(format=CBZ, destination=str(tmp_path))
            request = pb.CreateExportRequest(parent=project_in(home), spec=spec)
            export = await inside.service.CreateExport(request, None)
            await asyncio.wait(list(inside.making._tasks.values()))
            failed = await inside.get(export)
        assert (failed.state, failed.error.reason) == (pb.Export.STATE_FAILED, "DISK_FULL")
        assert str(tmp_path) in failed.error.message
        assert list(tmp_path.iterdir()) == []


async def test_a_fault_is_no_end_of_the_others(inside: Inside, home: Path, tmp_path: Path) -> None:
    """A worker that answers nonsense fails this export with INTERNAL; the next one is begun."""

    async def nonsense(
        task: link_pb2.Task, follow: Callable[[link_pb2.TaskProgress], None] | None = None
    ) -> link_pb2.TaskDone:
        raise RuntimeError("nonsense")

    inside.making._draw = nonsense
    export = await inside.begin(project_in(home), tmp_path)
    await asyncio.wait(list(inside.making._tasks.values()))
    failed = await inside.get(export)
    assert (failed.state, failed.error.reason) == (pb.Export.STATE_FAILED, "INTERNAL")
    inside.making._draw = inside.draw
    await inside.begin(project_in(home), tmp_path)
    await inside.drawing.wait()
