"""Watching: from any revision on, over projects, with progress; slow watchers delay nobody and lose nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc.aio
import pytest
from bullpen_api.v1 import event_pb2, event_pb2_grpc, project_pb2
from bullpen_client import Session, errors
from bullpend.db import Event
from bullpend.events import bus as buses

from tests.support.daemon import Daemon
from tests.support.studio import Studio, held, project_of
from tests.support.watching import WatchChecker, check_watch, collect, journal

pytestmark = pytest.mark.e2e


async def test_r07_every_revision_of_a_run_can_be_resumed_from(studio: Studio, daemon: Daemon) -> None:
    """A watch that begins after any revision of a finished run gives exactly the rest, each event as it was."""
    project = await studio.universe(scenes=2)
    run = await studio.run(project, candidates=2)
    revisions = [revision for revision, _, subject in journal(daemon.home, project) if subject.startswith(run.name)]
    await check_watch(studio.session, daemon.home, project, [revisions[0] - 1, *revisions[:-1]])


async def test_watch_of_everything_holds_the_promise(studio: Studio, daemon: Daemon) -> None:
    """A watch over all projects has the whole journal, whatever else goes on meanwhile."""
    for _ in range(2):
        await studio.run(await studio.universe(scenes=1))
    await check_watch(studio.session, daemon.home, "")


async def test_watch_without_a_revision_begins_now(studio: Studio, daemon: Daemon) -> None:
    """Without a revision a watcher is told where now is, and then everything that follows, nothing before."""
    await studio.project()
    last = journal(daemon.home)[-1][0]
    stream = aiter(studio.session.events.Watch(event_pb2.WatchRequest()))
    assert (await anext(stream)).bookmark.revision == last
    project = await studio.project()
    event = (await anext(stream)).event
    assert (event.subject, event.revision) == (project, last + 1)
    assert event.project.name == project


@pytest.mark.parametrize("ahead", [1, 1_000_000, 2**62])
async def test_future_revision_is_unknown(studio: Studio, daemon: Daemon, ahead: int) -> None:
    """A revision that this journal has not reached is said to be unknown, so that a client lists anew."""
    await studio.project()
    request = event_pb2.WatchRequest(after_revision=journal(daemon.home)[-1][0] + ahead)
    with pytest.raises(errors.RevisionUnknown) as refused:
        await anext(aiter(studio.session.events.Watch(request)))
    assert refused.value.field == "after_revision"
    assert refused.value.remedy


async def test_negative_revision_is_refused(studio: Studio) -> None:
    """A revision below zero is no place in a journal."""
    with pytest.raises(errors.BullpenError) as refused:
        await anext(aiter(studio.session.events.Watch(event_pb2.WatchRequest(after_revision=-1))))
    assert refused.value.field == "after_revision"


async def test_list_and_watch_leave_no_gap(studio: Studio) -> None:
    """A watch after the revision of a list sees everything that the list does not hold, and nothing that it does."""
    async with asyncio.TaskGroup() as group:
        group.create_task(make_projects(studio, 20))
        for _ in range(10):
            listed = await studio.session.projects.ListProjects(project_pb2.ListProjectsRequest(page_size=500))
            known = {project.name for project in listed.projects}
            request = event_pb2.WatchRequest(after_revision=listed.revision)
            stream = aiter(studio.session.events.Watch(request))
            assert (await anext(stream)).bookmark.revision == listed.revision
            fresh = await studio.project()
            seen: list[str] = []
            while fresh not in seen:
                item = await anext(stream)
                if item.event.kind == "project.created":
                    seen.append(item.event.subject)
            assert known.isdisjoint(seen)


async def make_projects(studio: Studio, count: int) -> None:
    """Makes projects one after the other."""
    for _ in range(count):
        await studio.project()


async def test_filter_shows_one_project(studio: Studio, daemon: Daemon) -> None:
    """Of two runs at once a filtered watcher hears one only, its progress too; bookmarks pass the other's events."""
    one, two = await studio.universe(scenes=1), await studio.universe(scenes=1)
    request = event_pb2.WatchRequest(parent=one, after_revision=0, progress=True, previews=True)
    stream = studio.session.events.Watch(request)
    gate = studio.folder / "go"
    first = await studio.start(one, held(gate))
    second = await studio.start(two, held(gate))
    checker = WatchChecker(0, one)
    ends = asyncio.gather(studio.logged(first), studio.logged(second))
    async for item in stream:
        checker.take(item)
        if item.HasField("progress"):
            gate.touch()
        if item.HasField("preview"):
            assert project_of(item.preview.candidate) == one
            assert 0 < len(item.preview.image) <= 32 * 1024
        if item.event.kind == "run.logged":
            break
    await ends
    assert checker.progress
    assert all(project_of(progress.candidate) == one for progress in checker.progress)
    checker.complete(daemon.home)


async def test_progress_comes_only_where_it_is_asked_for(studio: Studio) -> None:
    """A watcher that did not ask for progress or previews gets neither."""
    project = await studio.universe(scenes=1)
    stream = studio.session.events.Watch(event_pb2.WatchRequest(parent=project, after_revision=0))
    await studio.start(project, "steps=5 step_ms=5")
    async for item in stream:
        assert item.WhichOneof("item") in ("event", "bookmark")
        if item.event.kind == "run.logged":
            break


async def test_late_watcher_is_told_where_things_stand(studio: Studio) -> None:
    """Whoever comes in the middle of a long step hears of it at once, not with the next one."""
    project = await studio.universe(scenes=1)
    gate = studio.folder / "go"
    run = await studio.start(project, held(gate, step_ms=1500))
    await studio.progress(run, lambda progress: progress.step >= 1)
    seen = await studio.progress(run, lambda progress: True)
    assert seen.step >= 1
    gate.touch()
    await studio.logged(run)


async def test_progress_is_the_latest_value() -> None:
    """A subscriber that does not look gets one value a candidate, the newest, however many there were."""
    bus = buses.Bus()
    subscriber = bus.subscribe(progress=True, previews=True)
    for step in range(1000):
        for name in ("a", "b"):
            item = event_pb2.Progress(candidate=name, step=step)
            bus.progress(name, lambda made=item: made)  # type: ignore[misc]  # a default binds the loop
            bus.preview(name, event_pb2.Preview(candidate=name, step=step, image=b"x"))
    taken = subscriber.take()
    assert sorted((item.progress.candidate, item.progress.step) for item in taken if item.HasField("progress")) == [
        ("a", 999),
        ("b", 999),
    ]
    assert len(taken) == 4
    assert subscriber.take() == []
    bus.idle("a")
    late = bus.subscribe(progress=True)
    assert [item.progress.candidate for item in late.take()] == ["b"]


async def test_r07_watcher_that_stops_reading_delays_nobody(daemon: Daemon, studio: Studio) -> None:
    """One that reads nothing while megabytes of events pass holds up no other, and then misses none of them."""
    channel = grpc.aio.insecure_channel(
        daemon.endpoint.address, options=[("grpc.http2.lookahead_bytes", 16 * 1024), ("grpc.http2.bdp_probe", 0)]
    )
    project = await studio.project()
    stub: Any = event_pb2_grpc.EventServiceStub(channel)
    metadata = [("authorization", f"Bearer {daemon.endpoint.token}")]
    begun = journal(daemon.home)[-1][0]
    slow = stub.Watch(event_pb2.WatchRequest(after_revision=begun), metadata=metadata)
    assert (await slow.read()).bookmark.revision == begun
    quick = studio.session.events.Watch(event_pb2.WatchRequest(after_revision=begun))
    story = "A harbour at night. " * 900
    checker = WatchChecker(begun)
    stream = aiter(quick)
    for number in range(1, 301):
        request = project_pb2.CreateProjectRequest(
            project_id=f"{project.split('/')[1]}-{number}", project=project_pb2.Project(story=story)
        )
        await studio.session.projects.CreateProject(request)
        while len(checker.events) < number:
            async with asyncio.timeout(60):
                checker.take(await anext(stream))
    checker.complete(daemon.home)

    async def rest() -> WatchChecker:
        late = WatchChecker(begun)
        while late.seen < checker.seen:
            late.take(await slow.read())
        return late

    async with asyncio.timeout(60):
        late = await rest()
    assert late.events == checker.events
    await channel.close(None)


async def test_watcher_behind_the_ring_reads_the_journal(
    daemon: Daemon, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ring in memory answers only what it holds without a gap; what is older comes from the journal."""
    monkeypatch.setattr(buses, "RING", 8)
    bus = buses.Bus()
    bus.committed(Event(revision, 0.0, "", "s", "k", b"") for revision in range(1, 21))
    assert bus.recent(20, 5) == []
    assert bus.recent(11, 100) is None
    assert [event.revision for event in bus.recent(12, 3) or []] == [13, 14, 15]
    project = await studio.project()
    last = journal(daemon.home)[-1][0]
    async with Session(daemon.home) as session:
        request = event_pb2.WatchRequest(after_revision=0)
        whole = await collect(session.events.Watch(request), WatchChecker(0), last)
    whole.complete(daemon.home)
    assert project in [event.subject for event in whole.events]
