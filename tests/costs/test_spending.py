"""Paid runs on a real daemon: the plan shows money, and nothing begins without consent to exactly that, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import cost_pb2, run_pb2
from bullpen_client import Session
from bullpen_client.errors import (
    BullpenError,
    CurrencyMismatch,
    FieldInvalid,
    LimitExceeded,
    PlanExpired,
    PlanStale,
    SpendCapExceeded,
    SpendNotConfirmed,
)
from google.protobuf import struct_pb2

from tests.support.daemon import Daemon
from tests.support.studio import Studio, spec

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose scripted model costs money."""
    home = tmp_path_factory.mktemp("d") / "home"
    with Daemon(home, {"testing.price": "0.04 USD", "spend.confirm_seconds": "3600"}) as running:
        yield running


async def plan(studio: Studio, project: str, candidates: int = 2) -> run_pb2.Plan:
    """What the run would do and cost."""
    return await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec("", candidates)))


async def start(studio: Studio, project: str, digest: str, confirm: bool = True, request_id: str = "") -> run_pb2.Run:
    """Starts the run that `plan` shows."""
    return await studio.session.runs.CreateRun(
        run_pb2.CreateRunRequest(
            parent=project, spec=spec("", 2), plan_digest=digest, confirm_spend=confirm, request_id=request_id
        )
    )


async def limit(studio: Studio, project: str, **caps: cost_pb2.Money) -> cost_pb2.SpendLimits:
    """Sets what the project may spend."""
    request = cost_pb2.UpdateSpendLimitsRequest(
        spend_limits=cost_pb2.SpendLimits(name=f"{project}/spendLimits", **caps)  # type: ignore[arg-type]  # by field
    )
    return await studio.session.costs.UpdateSpendLimits(request)


def codes(shown: run_pb2.Plan) -> list[str]:
    """Codes of a plan's findings."""
    return [finding.code for finding in shown.findings]


async def test_money_is_shown_and_spent_once(studio: Studio) -> None:
    """The plan says what it costs and until when; without consent, altered, or twice, nothing begins."""
    project = await studio.universe(2)
    shown = await plan(studio, project)
    assert (shown.estimated_cost.currency_code, shown.estimated_cost.micros) == ("USD", 160_000)
    assert shown.estimated_cost_usd == 0.16
    assert shown.HasField("confirm_until")
    assert "SPENDS" in codes(shown)
    refusals: list[tuple[type[BullpenError], str, bool]] = [
        (SpendNotConfirmed, shown.digest, False),
        (SpendNotConfirmed, "", True),
        (PlanStale, f"{shown.digest[:-1]}{'0' if shown.digest[-1] != '0' else '1'}", True),
    ]
    for error, digest, confirm in refusals:
        with pytest.raises(error):
            await start(studio, project, digest, confirm)
    assert (await studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).runs == []
    run = await start(studio, project, shown.digest, request_id="once")
    assert (await start(studio, project, shown.digest, request_id="once")).name == run.name
    with pytest.raises(PlanExpired) as refused:
        await start(studio, project, shown.digest)
    assert refused.value.metadata["run"] == run.name
    log = Path((await studio.logged(run)).log_path).read_text()
    with pytest.raises(SpendNotConfirmed):
        await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log))


async def test_what_failed_is_not_bought_again_by_a_retry(studio: Studio) -> None:
    """A retry has no plan that was looked at, so it is refused for work that costs money; a new plan is needed."""
    project = await studio.universe(1)
    request = run_pb2.PlanRunRequest(parent=project, spec=spec("fail_at=1", 1))
    shown = await studio.session.runs.PlanRun(request)
    run = await studio.session.runs.CreateRun(
        run_pb2.CreateRunRequest(
            parent=project, spec=spec("fail_at=1", 1), plan_digest=shown.digest, confirm_spend=True
        )
    )
    assert (await studio.ended(run)).state == run_pb2.Run.STATE_FAILED
    with pytest.raises(SpendNotConfirmed) as refused:
        await studio.session.runs.RetryRun(run_pb2.RetryRunRequest(name=run.name))
    assert "bullpen run" in refused.value.remedy


async def test_a_plan_from_before_a_restart_can_be_confirmed(studio: Studio, daemon: Daemon) -> None:
    """What was shown is remembered over a kill of the daemon, and so is that it was used."""
    project = await studio.universe(1)
    shown = await plan(studio, project)
    daemon.kill()
    daemon.start()
    async with Session(daemon.home) as session:
        again = Studio(session, studio.folder)
        await start(again, project, shown.digest)
        with pytest.raises(PlanExpired):
            await start(again, project, shown.digest)


async def test_limits_are_set_shown_and_hold(studio: Studio) -> None:
    """A plan over a limit says so and is not started; a limit that is lifted lets it through."""
    project = await studio.universe(1)
    assert not (await limit(studio, project)).HasField("total_cap")
    set_to = await limit(studio, project, total_cap=cost_pb2.Money(currency_code="USD", micros=79_999))
    assert (set_to.total_cap.micros, set_to.HasField("run_cap")) == (79_999, False)
    shown = await plan(studio, project)
    assert "SPEND_CAP_EXCEEDED" in codes(shown)
    with pytest.raises(SpendCapExceeded) as refused:
        await start(studio, project, shown.digest)
    assert refused.value.metadata["cap"] == "0.079999 USD"
    await limit(studio, project, total_cap=cost_pb2.Money(currency_code="USD", micros=80_000))
    assert "SPEND_CAP_NEAR" in codes(await plan(studio, project))
    await limit(studio, project, total_cap=cost_pb2.Money(currency_code="EUR", micros=80_000))
    shown = await plan(studio, project)
    assert "CURRENCY_MISMATCH" in codes(shown)
    with pytest.raises(CurrencyMismatch):
        await start(studio, project, shown.digest)
    request = cost_pb2.UpdateSpendLimitsRequest(spend_limits=cost_pb2.SpendLimits(name=f"{project}/spendLimits"))
    request.update_mask.paths.append("total_cap")
    await studio.session.costs.UpdateSpendLimits(request)
    run = await start(studio, project, (await plan(studio, project)).digest)
    assert run.figures.candidates == 2


async def test_a_limit_that_is_no_money_is_refused(studio: Studio) -> None:
    """Negative amounts and words that are no currency are refused by the path of the part at fault."""
    project = await studio.project()
    wrong = [
        (cost_pb2.Money(currency_code="USD", micros=-1), "spend_limits.run_cap.micros"),
        (cost_pb2.Money(currency_code="usd", micros=1), "spend_limits.run_cap.currency_code"),
        (cost_pb2.Money(micros=1), "spend_limits.run_cap.currency_code"),
    ]
    for money, field in wrong:
        with pytest.raises(FieldInvalid) as refused:
            await limit(studio, project, run_cap=money)
        assert refused.value.field == field


async def test_caps_of_one_project_hold_in_it_alone(studio: Studio) -> None:
    """A project's own part of the manifest lowers what one of its runs may have; other projects keep theirs."""
    capped, other = await studio.universe(2), await studio.universe(2)
    own = struct_pb2.Struct()
    own.update({"candidate_cap": 3, "safe_batch_limit": 1})
    manifest = run_pb2.Manifest(name=f"{capped}/manifest", own=own)
    await studio.session.runs.UpdateManifest(run_pb2.UpdateManifestRequest(manifest=manifest))
    with pytest.raises(LimitExceeded) as candidates:
        await plan(studio, capped, candidates=4)
    with pytest.raises(LimitExceeded) as batch:
        await plan(studio, capped)
    assert [error.value.metadata["limit"] for error in (candidates, batch)] == ["3", "1"]
    assert (await plan(studio, other, candidates=4)).estimated_cost.micros == 8 * 40_000
