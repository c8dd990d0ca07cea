"""Each bible lies beside its pictures as well, and comes back from there where the database is lost."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2, project_pb2, system_pb2
from bullpen_client import Session, errors
from bullpend.bible.kept import FILE_NAME, LOST, changed, project_of
from bullpend.db.database import Event
from bullpend.events.bus import RING, Bus

from tests.support.daemon import Daemon
from tests.support.studio import Studio


def event(revision: int, subject: str, kind: str = "") -> Event:
    return Event(revision, 0.0, "p", subject, kind or "style_guide.updated", b"")


@pytest.mark.parametrize(
    ("subject", "kind", "project"),
    [
        ("projects/p", "project.updated", "p"),
        ("projects/p/scenes/pier", "scene.updated", "p"),
        ("projects/p/styleGuides/ink", "style_guide.deleted", "p"),
        ("projects/p/scenes/pier", "scene.accepted", ""),
        ("projects/p/runs/r-0001", "run.created", ""),
        ("projects/p/runs/r-0001/jobs/j-001", "job.running", ""),
        ("models/starter-edit", "model.loaded", ""),
        ("", "daemon.started", ""),
    ],
)
def test_what_changes_a_bible(subject: str, kind: str, project: str) -> None:
    """The project and what a person writes into it; not what runs and models do, nor what they have accepted."""
    assert project_of(event(1, subject, kind)) == project


def test_the_journal_is_read_on() -> None:
    """Only what is new; and where more happened than the bus remembers, nobody knows what changed."""
    bus = Bus()
    bus.committed([event(1, "projects/a"), event(2, "projects/b/runs/r"), event(3, "projects/b/scenes/s")])
    assert changed(bus, 0) == ({"a", "b"}, 3)
    assert changed(bus, 1) == ({"b"}, 3)
    assert changed(bus, 3) == (set(), 3)
    bus.committed(event(revision, "projects/c") for revision in range(4, RING + 5))
    assert changed(bus, 3) == (None, RING + 4)


async def described(session: Session, project: str) -> None:
    """Gives the project a style guide and its own words."""
    guide = bible_pb2.StyleGuide(title="Ink", variables={"style": "ink"})
    await session.bible.CreateStyleGuide(
        bible_pb2.CreateStyleGuideRequest(parent=project, style_guide_id="ink", style_guide=guide)
    )


async def repaired(session: Session) -> list[tuple[str, bool]]:
    """(kind, done) of what a repair found."""
    found = (await session.system.Repair(system_pb2.RepairRequest())).repairs
    return [(each.kind, each.done) for each in found]


def lose(home: Path) -> None:
    """What a broken disk leaves of the database."""
    for path in home.glob("bullpen.sqlite3*"):
        path.unlink()


async def test_a_lost_bible_comes_back_word_for_word(tmp_path: Path) -> None:
    """Title, story, guides and scenes with their pictures; and from then on the file is kept again."""
    daemon = Daemon(tmp_path / "home")
    with daemon:
        async with Session(daemon.home) as session:
            project = await Studio(session, tmp_path).universe(2)
            await described(session, project)
    kept = daemon.home / project / FILE_NAME
    before = kept.read_text()
    assert [scene["id"] for scene in json.loads(before)["scenes"]] == ["s1", "s2"]
    assert kept.stat().st_mode & 0o077 == 0
    lose(daemon.home)
    with daemon:
        async with Session(daemon.home) as session:
            dry = (await session.system.Repair(system_pb2.RepairRequest(dry_run=True))).repairs
            assert ("bible", False) in [(each.kind, each.done) for each in dry]
            assert kept.read_text() == before
            assert ("bible", True) in await repaired(session)
            assert await repaired(session) == []
            assert (await session.projects.GetProject(project_pb2.GetProjectRequest(name=project))).story
    assert json.loads(kept.read_text()) == json.loads(before)
    assert not kept.with_name(LOST).exists()


async def test_a_lost_bible_is_never_written_over(tmp_path: Path) -> None:
    """Whoever makes the project anew by hand keeps the old bible beside the new one, and is told of it."""
    daemon = Daemon(tmp_path / "home")
    with daemon:
        async with Session(daemon.home) as session:
            project = await Studio(session, tmp_path).project("noir")
            await described(session, project)
    kept = daemon.home / project / FILE_NAME
    before = kept.read_text()
    os.utime(kept, (1.0, 1.0))
    lose(daemon.home)
    with daemon:
        async with Session(daemon.home) as session:
            await Studio(session, tmp_path).scenes(await Studio(session, tmp_path).project("noir"), 1)
    assert (kept.with_name(LOST).read_text(), kept.read_text() == before) == (before, False)
    with daemon:
        async with Session(daemon.home) as session:
            (found,) = (await session.system.Repair(system_pb2.RepairRequest())).repairs
            assert (found.kind, found.done) == ("bible", False)
            assert f"bullpen bootstrap import noir {kept.with_name(LOST)}" in found.message


async def test_a_damaged_bible_is_refused_in_words(tmp_path: Path) -> None:
    """The project comes back with its pictures; the file stays, and it is said what is wrong with it."""
    daemon = Daemon(tmp_path / "home")
    with daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.project()
            await studio.picture(project, 1)
    kept = daemon.home / project / FILE_NAME
    await asyncio.to_thread(kept.write_text, '{"schema_version": 1, "scenes": [{"id": "s", "sourc')
    lose(daemon.home)
    with daemon:
        async with Session(daemon.home) as session:
            done = await repaired(session)
            assert done == [("project", True), ("adopted", True), ("bible", False)]
            with pytest.raises(errors.ResourceNotFound):
                await session.bible.GetScene(bible_pb2.GetSceneRequest(name=f"{project}/scenes/s"))
    assert kept.with_name(LOST).exists()


async def test_the_daemon_itself_counts_as_nobody_who_watches(session: Session) -> None:
    """Keeping bibles needs no watcher that a person would look for."""
    assert (await session.system.GetMetrics(system_pb2.GetMetricsRequest())).watchers == 0
