"""`kill -9` around a paid call: calls charged are calls recorded, and one confirmation never pays twice.

The provider counts. After each death the daemon is started anew and left to finish; then a person resolves what is
unknown by the provider's own list of usage, and both books are held against each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from bullpen_api.v1 import cost_pb2, event_pb2, remote_pb2, run_pb2
from bullpen_client import errors
from bullpend.failpoints import PAID

from tests.remote.studio import PaidStudio, make_daemon, session_of
from tests.support.providers import USAGE_MICROS, Provider, Way

pytestmark = pytest.mark.faults

# In the order in which a call passes them.
PREPARED, MARKED, RECEIVED, KEPT, BOOKED = PAID


class Home:
    """A daemon that dies at one point after the other, and the provider that it pays."""

    def __init__(self, folder: Path, provider: Provider) -> None:
        self.folder = folder
        self.provider = provider
        self.daemon = make_daemon(folder / "home")

    @asynccontextmanager
    async def until_death_at(self, point: str) -> AsyncIterator[PaidStudio]:
        """Starts the daemon with a point armed; leaving waits for its death."""
        self.daemon.settings["testing.failpoint"] = point
        await asyncio.to_thread(self.daemon.start)
        async with session_of(self.daemon) as session:
            yield PaidStudio(session, self.folder)
        await asyncio.to_thread(self.daemon.wait)
        assert self.daemon.status == -9, point

    async def last(self, studio: PaidStudio, calls: int) -> remote_pb2.PaidRequest:
        """The newest request, after as many calls as there should have been by now."""
        assert len(self.provider.calls) == calls
        return (await studio.requests())[-1]


async def test_death_at_each_point(tmp_path: Path, provider: Provider) -> None:
    """One home, a death at each point of a call, and never a call too many; the books agree at the end."""
    home = Home(tmp_path, provider)
    try:
        async with home.until_death_at(PREPARED) as studio:
            project = await studio.paid_universe(provider)
            first = await start(studio, project)
        # Nothing was sent: the job is taken up again, under a request of its own, which dies one point later.
        async with home.until_death_at(MARKED) as studio:
            pass
        async with home.until_death_at(RECEIVED) as studio:
            ended = await studio.logged(first)
            assert ended.error.reason == "PAID_OUTCOME_UNKNOWN"
            states = [request.state for request in await studio.requests()]
            assert states == [remote_pb2.PaidRequest.STATE_FAILED, remote_pb2.PaidRequest.STATE_UNKNOWN]
            assert provider.calls == [], "marked as sent, and killed before the first byte"
            await resolve(studio, provider)
            second = await start(studio, project)
        async with home.until_death_at(KEPT) as studio:
            assert (await studio.logged(second)).error.reason == "PAID_OUTCOME_UNKNOWN"
            assert (await home.last(studio, calls=1)).state == remote_pb2.PaidRequest.STATE_UNKNOWN
            await resolve(studio, provider)
            third = await start(studio, project)
        async with home.until_death_at(BOOKED) as studio:
            assert (await studio.logged(third)).state == run_pb2.Run.STATE_SUCCEEDED
            assert (await home.last(studio, calls=2)).state == remote_pb2.PaidRequest.STATE_ANSWERED
            fourth = await start(studio, project)
        home.daemon.settings["testing.failpoint"] = ""
        await asyncio.to_thread(home.daemon.start)
        async with session_of(home.daemon) as session:
            studio = PaidStudio(session, tmp_path)
            assert (await studio.logged(fourth)).state == run_pb2.Run.STATE_SUCCEEDED
            assert (await home.last(studio, calls=3)).state == remote_pb2.PaidRequest.STATE_ANSWERED
            await books_agree(studio, provider)
    finally:
        home.daemon.stop()


async def start(studio: PaidStudio, project: str) -> run_pb2.Run:
    """A confirmed run of one picture."""
    return await studio.confirm(project, await studio.plan(project))


async def test_death_while_the_provider_works(tmp_path: Path, provider: Provider) -> None:
    """Killed from outside while the answer is waited for: unknown, not sent again, and nothing more of the run is."""
    daemon = make_daemon(tmp_path / "home")
    provider.ways = [Way(fault="hang")]
    daemon.start()
    try:
        async with session_of(daemon) as session:
            studio = PaidStudio(session, tmp_path)
            project = await studio.paid_universe(provider, scenes=2)
            run = await studio.confirm(project, await studio.plan(project, candidates=2))
            await asyncio.to_thread(provider.heard.wait, 120)
        await asyncio.to_thread(daemon.kill)
        provider.release.set()
        await asyncio.to_thread(daemon.start)
        async with session_of(daemon) as session:
            studio = PaidStudio(session, tmp_path)
            ended = await studio.logged(run)
            assert ended.state == run_pb2.Run.STATE_FAILED
            assert ended.error.reason == "PAID_OUTCOME_UNKNOWN"
            assert "bullpen remote resolve" in ended.error.remedy
            assert len(provider.calls) == 1
            await resolve(studio, provider)
            await books_agree(studio, provider)
            again = await studio.logged(await studio.confirm(project, await studio.plan(project, candidates=2)))
            assert again.state == run_pb2.Run.STATE_SUCCEEDED
            assert len(provider.charged) == 5
            await books_agree(studio, provider)
    finally:
        daemon.stop()


async def test_an_orderly_stop_waits_for_the_answer(tmp_path: Path, provider: Provider) -> None:
    """A daemon that is told to stop takes in what is paid for; the next one uses it without a second call."""
    daemon = make_daemon(tmp_path / "home")
    provider.ways = [Way(fault="hang")]
    daemon.start()
    try:
        async with session_of(daemon) as session:
            studio = PaidStudio(session, tmp_path)
            project = await studio.paid_universe(provider)
            run = await studio.confirm(project, await studio.plan(project))
            await asyncio.to_thread(provider.heard.wait, 120)
            stopping = asyncio.create_task(asyncio.to_thread(daemon.stop))
            with pytest.raises(errors.BullpenError):
                # The watch ends when the stop has begun.
                async for _ in session.events.Watch(event_pb2.WatchRequest(after_revision=run.revision)):
                    pass
        provider.release.set()
        assert await stopping == 0
        await asyncio.to_thread(daemon.start)
        async with session_of(daemon) as session:
            studio = PaidStudio(session, tmp_path)
            assert (await studio.logged(run)).state == run_pb2.Run.STATE_SUCCEEDED
            assert len(provider.calls) == 1
            await books_agree(studio, provider)
    finally:
        daemon.stop()


async def resolve(studio: PaidStudio, provider: Provider) -> None:
    """Says of each request of unknown outcome what the provider's list of usage says."""
    usage = {call.idempotency_key for call in provider.charged}
    states = [remote_pb2.PaidRequest.STATE_UNKNOWN]
    answer = await studio.session.remote.ListPaidRequests(remote_pb2.ListPaidRequestsRequest(states=states))
    assert answer.paid_requests
    for request in answer.paid_requests:
        charged = request.idempotency_key in usage
        resolution = remote_pb2.PaidRequest.RESOLUTION_CHARGED if charged else request.RESOLUTION_NOT_CHARGED
        wanted = remote_pb2.ResolvePaidRequestRequest(name=request.name, resolution=resolution)
        if charged:
            wanted.cost_usd = USAGE_MICROS / 1e6
        done = await studio.session.remote.ResolvePaidRequest(wanted)
        assert done.charged == charged


async def books_agree(studio: PaidStudio, provider: Provider) -> None:
    """What the provider charged is what is recorded, call by call and cent by cent; no confirmation twice."""
    charged = sorted(call.idempotency_key for call in provider.charged)
    requests = await studio.requests()
    assert sorted(request.idempotency_key for request in requests if request.charged) == charged
    assert len({call.idempotency_key for call in provider.calls}) == len(provider.calls)
    subjects = [request.subject for request in requests if request.charged]
    assert len(set(subjects)) == len(subjects)
    events = (await studio.session.costs.ListCostEvents(cost_pb2.ListCostEventsRequest(page_size=500))).cost_events
    paid = [event for event in events if event.provider == "openai"]
    assert sum(event.amount.micros for event in paid) == USAGE_MICROS * len(charged)
