"""R04: a paid call times out, is refused, or is half done: never charged twice silently, and the ledger says it all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import cost_pb2, remote_pb2, run_pb2
from bullpen_client import Session, errors

from tests.remote.studio import PaidStudio, make_daemon
from tests.support.daemon import Daemon
from tests.support.providers import USAGE_MICROS, Provider, Way

pytestmark = pytest.mark.e2e
State = remote_pb2.PaidRequest.State


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that may speak to a provider on this machine."""
    with make_daemon(tmp_path_factory.mktemp("r04") / "home") as running:
        yield running


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider on this machine, which counts what it charges."""
    with Provider() as running:
        yield running


async def booked(session: Session, project: str) -> tuple[int, int, int]:
    """What the ledger says of a project: micros charged, calls charged, and calls of which nobody knows."""
    total = (await session.costs.SummarizeCosts(cost_pb2.SummarizeCostsRequest(parent=project))).total
    (money,) = total.money
    return money.charged_micros, money.charged_events, money.unknown_events


async def test_r04_what_was_charged_is_what_is_booked(session: Session, provider: Provider, tmp_path: Path) -> None:
    """A refusal costs nothing; a call whose answer broke off is of an unknown outcome and never sent again by itself; a
    good one is booked once, for one confirmation.
    """
    desk = PaidStudio(session, tmp_path)
    project = await desk.paid_universe(provider)
    provider.ways = [Way(status=402, body={"error": {"message": "You have no credit."}})]
    refused = await desk.logged(await desk.confirm(project, await desk.plan(project)))
    assert (refused.state, refused.error.reason) == (run_pb2.Run.STATE_FAILED, "PROVIDER_REFUSED")
    assert provider.charged == []

    provider.ways = [Way(fault="drop", charged=True)]
    broken = await desk.logged(await desk.confirm(project, await desk.plan(project)))
    assert broken.state == run_pb2.Run.STATE_FAILED
    assert len(provider.calls) == 2, "an unknown outcome is not asked for again"
    with pytest.raises(errors.SpendNotConfirmed):
        await session.runs.RetryRun(run_pb2.RetryRunRequest(name=broken.name))

    plan = await desk.plan(project)
    good = await desk.logged(await desk.confirm(project, plan))
    assert good.state == run_pb2.Run.STATE_SUCCEEDED, good.error
    with pytest.raises(errors.PlanExpired):
        await desk.confirm(project, plan)
    assert len(provider.calls) == 3
    states = [request.state for request in await desk.requests() if request.subject.startswith(project)]
    assert states == [State.STATE_FAILED, State.STATE_UNKNOWN, State.STATE_ANSWERED]
    assert await booked(session, project) == (USAGE_MICROS, 1, 1)
    assert len(provider.charged) == 2, "the one that is known, and the one to look up at the provider"
