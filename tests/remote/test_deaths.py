"""`kill -9` around a paid call: calls charged are calls recorded, and one confirmation never pays twice.

The provider counts. After each death the daemon is started anew and left to finish; then a person resolves what is
unknown by the provider's own list of usage, and both books are held against each other.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from bullpen_api.v1 import cost_pb2, event_pb2, remote_pb2, run_pb2
from bullpen_client import errors
from bullpend.failpoints import PAID

from tests.remote.studio import PaidStudio, make_daemon, session_of
from tests.support.daemon import Daemon
from tests.support.providers import USAGE_MICROS, Provider, Way

pytestmark = pytest.mark.faults

# What a restart makes of a death at each point: the state of the first request, and calls that were made till the end.
OUTCOMES = {
    "paid.prepared": ("FAILED", 1),
    "paid.marked_sent": ("UNKNOWN", 0),
    "paid.answer_received": ("UNKNOWN", 1),
    "paid.answer_kept": ("ANSWERED", 1),
    "paid.answer_booked": ("ANSWERED", 1),
}


def test_every_point_has_an_outcome() -> None:
    """A failpoint that is added is tried here."""
    assert set(OUTCOMES) == set(PAID)


@pytest.mark.parametrize("point", PAID)
async def test_death_at_each_point(tmp_path: Path, provider: Provider, point: str) -> None:
    """The daemon kills itself at the point; the next one finishes the run or leaves it to a person, and pays once."""
    daemon = make_daemon(tmp_path / "home", testing__failpoint=point)
    daemon.start()
    try:
        async with session_of(daemon) as session:
            studio = PaidStudio(session, tmp_path)
            project = await studio.paid_universe(provider)
            run = await studio.confirm(project, await studio.plan(project))
        await asyncio.to_thread(daemon.wait)
        assert daemon.status == -9
        daemon.settings["testing.failpoint"] = ""
        await asyncio.to_thread(daemon.start)
        state, calls = OUTCOMES[point]
        async with session_of(daemon) as session:
            studio = PaidStudio(session, tmp_path)
            ended = await studio.logged(run)
            first = (await studio.requests())[0]
            assert remote_pb2.PaidRequest.State.Name(first.state) == f"STATE_{state}"
            assert len(provider.calls) == calls
            if state == "UNKNOWN":
                assert ended.error.reason == "PAID_OUTCOME_UNKNOWN"
                await resolve(studio, provider)
            else:
                assert ended.state == run_pb2.Run.STATE_SUCCEEDED
            await books_agree(studio, provider)
    finally:
        daemon.stop()


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
            await asyncio.to_thread(provider.heard.wait, 30)
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
            await asyncio.to_thread(provider.heard.wait, 30)
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


def test_an_unknown_failpoint_is_refused(tmp_path: Path) -> None:
    """A misspelt point would test nothing; the daemon does not start with it."""
    daemon = Daemon(tmp_path / "home", {"testing.failpoint": "paid.never"})
    with pytest.raises(Exception, match="no failpoint"):
        daemon.start()
