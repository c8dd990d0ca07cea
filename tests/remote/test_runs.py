"""Runs on a provider's model: the same interface, with money; and what was sent when the daemon dies."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2, model_pb2, queue_pb2, run_pb2, system_pb2
from bullpen_client import Session, errors
from PIL import Image

from tests.remote.studio import MODEL, PaidStudio, make_daemon, paid_spec
from tests.support.daemon import Daemon
from tests.support.providers import KEY, USAGE_MICROS, Provider, Way

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that may speak to providers on this machine."""
    with make_daemon(tmp_path_factory.mktemp("remote") / "home") as running:
        yield running


@pytest.fixture
def desk(session: Session, tmp_path: Path) -> PaidStudio:
    """Shorthand over a session."""
    return PaidStudio(session, tmp_path)


async def test_a_run_on_a_provider_s_model(desk: PaidStudio, provider: Provider, daemon: Daemon) -> None:
    """Planned with price and payer, confirmed, made by calls, stored and judged like any other, booked as charged."""
    project = await desk.paid_universe(provider, scenes=2)
    plan = await desk.plan(project, candidates=2)
    assert plan.estimated_cost.micros == 4 * 68_090, "the dearest of its sizes"
    assert {"SPENDS", "LEAVES_MACHINE", "NO_SEEDS"} <= {finding.code for finding in plan.findings}
    assert (plan.device, plan.models[0].model) == ("devices/remote", f"{MODEL}@studio")
    run = await desk.logged(await desk.confirm(project, plan))
    assert run.state == run_pb2.Run.STATE_SUCCEEDED
    assert (run.figures.candidates_done, len(provider.charged)) == (4, 4)
    for candidate in await desk.candidates(run):
        with Image.open(io.BytesIO(await desk.content(candidate.asset))) as image:
            assert image.size == (1024, 1024)
    requests = await desk.requests()
    assert {request.subject for request in requests} == {candidate.name for candidate in await desk.candidates(run)}
    assert [round(request.actual_cost_usd * 1e6) for request in requests] == [USAGE_MICROS] * 4
    call = provider.calls[0]
    assert call.fields["prompt"] == "warmer, please"
    assert b"bullpen" not in call.files["image[]"]
    assert KEY not in daemon.log()


async def test_money_needs_consent_to_this_plan(desk: PaidStudio, provider: Provider) -> None:
    """Without confirm_spend, without a digest, or with a used one nothing is sent."""
    project = await desk.paid_universe(provider)
    plan = await desk.plan(project)
    for confirmed, digest in ((False, plan.digest), (True, "")):
        request = run_pb2.CreateRunRequest(parent=project, spec=plan.spec, plan_digest=digest, confirm_spend=confirmed)
        with pytest.raises(errors.SpendNotConfirmed):
            await desk.session.runs.CreateRun(request)
    await desk.logged(await desk.confirm(project, plan))
    with pytest.raises(errors.PlanExpired):
        await desk.confirm(project, plan)
    assert len(provider.calls) == 1


async def test_without_an_account_nothing_is_planned(desk: PaidStudio) -> None:
    """A project without an account of the provider is told how to add one."""
    project = await desk.universe()
    with pytest.raises(errors.ProviderAccountMissing) as missing:
        await desk.plan(project)
    assert missing.value.message == f"There is no account of OpenAI in {project}."
    assert "bullpen providers add" in missing.value.remedy
    spec = paid_spec()
    spec.model = "openai:gpt-image-1@nobody"
    with pytest.raises(errors.ProviderAccountMissing, match=r"There is no account nobody of OpenAI in projects/"):
        await desk.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec))


async def test_of_two_accounts_one_must_be_named(desk: PaidStudio, provider: Provider) -> None:
    """Nobody guesses who pays: the model's name says it, and the plan repeats it."""
    project = await desk.paid_universe(provider)
    second = bible_pb2.ProviderAccount(
        provider=bible_pb2.ProviderAccount.PROVIDER_OPENAI,
        base_url=provider.address,
        secret_names={"api_key": "local-key"},
    )
    await desk.session.bible.CreateProviderAccount(
        bible_pb2.CreateProviderAccountRequest(parent=project, provider_account_id="second", provider_account=second)
    )
    with pytest.raises(errors.ProviderAccountMissing, match="2 accounts"):
        await desk.plan(project)
    spec = paid_spec()
    spec.model = "openai:gpt-image-1@second"
    planned = await desk.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec))
    assert planned.models[0].model == f"{MODEL}@second"


async def test_models_at_providers_are_listed_with_price_and_account(desk: PaidStudio, provider: Provider) -> None:
    """The list shows engine, price with its day, and that nobody could pay yet."""
    request = model_pb2.ListModelsRequest(capability="cutout", page_size=500)
    found = {model.name: model for model in (await desk.session.models.ListModels(request)).models}
    model = found["models/remove_bg:removebg"]
    assert (model.engine, model.cost_usd) == ("remote", 0.2)
    assert "as of 20" in model.price
    await desk.paid_universe(provider)
    shown = await desk.session.models.GetModel(model_pb2.GetModelRequest(name="models/photoroom:segment"))
    assert shown.state == model_pb2.Model.STATE_READY


async def test_a_refusal_fails_the_job_in_the_provider_s_words(desk: PaidStudio, provider: Provider) -> None:
    """402 is the job's error with what to do; nothing is charged, and the run says why it failed."""
    project = await desk.paid_universe(provider)
    provider.ways = [Way(status=402, body={"error": {"message": "You have no credit."}})]
    run = await desk.logged(await desk.confirm(project, await desk.plan(project)))
    assert run.state == run_pb2.Run.STATE_FAILED
    assert run.error.reason == "PROVIDER_REFUSED"
    assert "You have no credit." in run.error.message
    assert "credit" in run.error.remedy
    assert provider.charged == []


async def test_a_picture_bomb_is_paid_for_and_never_decoded(desk: PaidStudio, provider: Provider) -> None:
    """An answer of 400 megapixels fails the job; what it cost is booked, and where it lies is said."""
    project = await desk.paid_universe(provider)
    provider.ways = [Way(fault="picture_bomb")]
    run = await desk.logged(await desk.confirm(project, await desk.plan(project)))
    assert run.error.reason == "PICTURE_TOO_LARGE"
    assert "paid for" in run.error.remedy
    assert (await desk.requests())[-1].charged


async def test_a_canceled_run_takes_in_what_is_paid_for(desk: PaidStudio, provider: Provider) -> None:
    """Cancel ends the run at once; the call under way is booked when its answer comes, and no other is made."""
    project = await desk.paid_universe(provider, scenes=2)
    provider.ways = [Way(fault="hang")]
    run = await desk.confirm(project, await desk.plan(project))
    await desk.event(run.name, run.revision, "job.started")
    await asyncio.to_thread(provider.heard.wait, 120)
    canceled = await desk.session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))
    assert canceled.state == run_pb2.Run.STATE_CANCELED
    provider.release.set()
    other = await desk.paid_universe(provider)
    await desk.logged(await desk.confirm(other, await desk.plan(other)))
    mine = [request for request in await desk.requests() if request.subject.startswith(run.name)]
    assert [request.state for request in mine] == [mine[0].STATE_ANSWERED]
    assert len(provider.charged) == 2


async def test_waiting_at_a_provider_is_seen_in_the_queue(desk: PaidStudio, provider: Provider) -> None:
    """Jobs that wait for a provider are in the queue's picture, and hold up nothing that runs here."""
    project = await desk.paid_universe(provider, scenes=3)
    provider.ways = [Way(fault="hang")]
    run = await desk.confirm(project, await desk.plan(project))
    await asyncio.to_thread(provider.heard.wait, 120)
    local = await desk.run(project, "steps=2")
    assert local.state == run_pb2.Run.STATE_SUCCEEDED
    queue = await desk.session.queue.GetQueue(queue_pb2.GetQueueRequest())
    assert [place.run for place in queue.runs] == [run.name]
    assert queue.waiting_jobs == 2
    provider.release.set()
    assert (await desk.logged(run)).state == run_pb2.Run.STATE_SUCCEEDED


async def test_neither_retry_nor_replay_spends_by_themselves(desk: PaidStudio, provider: Provider) -> None:
    """A failed paid run is planned anew, with a price and a new consent; nothing else sends its requests again."""
    project = await desk.paid_universe(provider)
    provider.ways = [Way(status=400)]
    run = await desk.logged(await desk.confirm(project, await desk.plan(project)))
    with pytest.raises(errors.SpendNotConfirmed):
        await desk.session.runs.RetryRun(run_pb2.RetryRunRequest(name=run.name))
    log = await asyncio.to_thread(Path(run.log_path).read_text)
    with pytest.raises(errors.SpendNotConfirmed):
        await desk.session.runs.ReplayRun(run_pb2.ReplayRunRequest(parent=project, run_log=log))
    assert len(provider.calls) == 1


async def test_a_catalogue_that_changed_is_not_paid_under_the_old_plan(
    desk: PaidStudio, provider: Provider, daemon: Daemon
) -> None:
    """A price that changed between plan and run makes the plan stale; nothing is sent."""
    project = await desk.paid_universe(provider)
    plan = await desk.plan(project)
    own = daemon.home / "remote.json"
    shipped = (Path(__file__).parents[2] / "settings" / "remote.json").read_text()
    own.write_text(shipped.replace('"amount": "40.00"', '"amount": "80.00"', 1))
    try:
        with pytest.raises(errors.PlanStale):
            await desk.confirm(project, plan)
    finally:
        own.unlink()
    assert provider.calls == []


async def test_a_slip_in_the_prices_holds_up_nothing_that_runs_here(desk: PaidStudio, daemon: Daemon) -> None:
    """A broken remote.json: local runs go on, a remote model is refused with the place, and the doctor says so."""
    project = await desk.universe()
    own = daemon.home / "remote.json"
    own.write_text('{"schema_version": 1, "models": {"openai:gpt-image-1": {"title": 7}}}')
    try:
        assert (await desk.run(project, "steps=1")).state == run_pb2.Run.STATE_SUCCEEDED
        with pytest.raises(errors.SettingInvalid) as wrong:
            await desk.plan(project)
        assert wrong.value.field == "models.openai:gpt-image-1.title"
        checks = (await desk.session.system.Diagnose(system_pb2.DiagnoseRequest())).checks
        assert [check.status for check in checks if check.name == "paid requests"] == [system_pb2.Check.STATUS_ERROR]
    finally:
        own.unlink()
