"""Cutouts by PhotoRoom and remove.bg behind the interface of the local one: consent first, paid once, then kept."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import cost_pb2, lab_pb2, postprocess_pb2, remote_pb2, run_pb2, system_pb2
from bullpen_client import Session, errors
from PIL import Image

from tests.remote.studio import PaidStudio, make_daemon
from tests.support.daemon import Daemon
from tests.support.pictures import write_picture
from tests.support.providers import Provider, Way

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that may speak to providers on this machine."""
    with make_daemon(tmp_path_factory.mktemp("cut") / "home") as running:
        yield running


@pytest.fixture
def desk(session: Session, tmp_path: Path) -> PaidStudio:
    """Shorthand over a session."""
    return PaidStudio(session, tmp_path)


async def cut(
    session: Session, path: Path, model: str, confirmed: bool = True
) -> tuple[postprocess_pb2.ProcessPictureStarted, Image.Image]:
    """One picture of a person's own through the lab; what was said at the beginning, and the result."""

    async def parts() -> AsyncIterator[postprocess_pb2.ProcessPictureRequest]:
        steps = postprocess_pb2.PostProcess(cutout=postprocess_pb2.CutoutStep(model=model))
        steps.refine.SetInParent()
        head = postprocess_pb2.ProcessPictureHead(post_process=steps, path=str(path), confirm_spend=confirmed)
        yield postprocess_pb2.ProcessPictureRequest(head=head)

    started, content = postprocess_pb2.ProcessPictureStarted(), b""
    async for message in session.lab.ProcessPicture(parts()):
        if message.HasField("started"):
            started = message.started
        content += message.chunk
    return started, Image.open(io.BytesIO(content))


@pytest.mark.parametrize(
    ("service", "account", "usd"), [("photoroom:segment", "cutter", 0.02), ("remove_bg:removebg", "remover", 0.2)]
)
async def test_u01_a_lone_picture(
    desk: PaidStudio, provider: Provider, tmp_path: Path, service: str, account: str, usd: float
) -> None:
    """The lab's cutout by a provider: price and payer are said first, the chain goes on here, the books have it."""
    project = await desk.paid_universe(provider)
    name = f"{service}@{project.removeprefix('projects/')}/{account}"
    path = write_picture(tmp_path / "mara.png", hash(service) % 50, 120, 80)
    started, image = await cut(desk.session, path, name)
    assert started.estimated_cost_usd == usd
    assert started.post_process.cutout.model == f"models/{name}"
    assert (image.mode, image.size) == ("RGBA", (120, 80))
    assert image.getpixel((0, 0)) == (0, 0, 0, 0)
    (request,) = [one for one in await desk.requests() if one.project == project]
    assert (request.state, request.subject, request.account) == (
        request.STATE_ANSWERED,
        "lab",
        f"{project}/providerAccounts/{account}",
    )
    assert request.actual_cost_usd == usd


async def test_without_consent_nothing_is_sent(desk: PaidStudio, provider: Provider, tmp_path: Path) -> None:
    """The refusal says the price; the picture stays here."""
    project = await desk.paid_universe(provider)
    path = write_picture(tmp_path / "mara.png", 3, 120, 80)
    name = f"photoroom:segment@{project.removeprefix('projects/')}/cutter"
    with pytest.raises(errors.SpendNotConfirmed, match=r"0\.02 USD"):
        await cut(desk.session, path, name, confirmed=False)
    assert provider.calls == []


async def test_the_same_picture_is_not_paid_for_twice(desk: PaidStudio, provider: Provider, tmp_path: Path) -> None:
    """An answer that is kept is used again."""
    project = await desk.paid_universe(provider)
    path = write_picture(tmp_path / "mara.png", 5, 120, 80)
    name = f"photoroom:segment@{project.removeprefix('projects/')}/cutter"
    first, second = [(await cut(desk.session, path, name))[1] for _ in range(2)]
    assert first.tobytes() == second.tobytes()
    assert len(provider.charged) == 1


async def test_a_lost_answer_waits_for_a_person(provider: Provider, tmp_path: Path) -> None:
    """Time out after sending: unknown, refused until it is resolved, then paid for with a new consent."""
    path = write_picture(tmp_path / "mara.png", 7, 120, 80)
    impatient = make_daemon(tmp_path / "home", remote__answer_seconds="2")
    await asyncio.to_thread(impatient.start)
    try:
        async with Session(impatient.home) as session:
            project = await PaidStudio(session, tmp_path).paid_universe(provider)
            name = f"photoroom:segment@{project.removeprefix('projects/')}/cutter"
            provider.ways = [Way(fault="hang")]
            for _ in range(2):
                with pytest.raises(errors.PaidOutcomeUnknown) as unknown:
                    await cut(session, path, name)
        assert await asyncio.to_thread(provider.heard.wait, 60)
        assert len(provider.calls) == 1
        await asyncio.to_thread(impatient.stop)
        impatient.settings["remote.answer_seconds"] = "120"
        await asyncio.to_thread(impatient.start)
        async with Session(impatient.home) as session:
            await resolved_and_paid(session, unknown.value.metadata["paid_request"], provider, path, name)
    finally:
        await asyncio.to_thread(impatient.stop)


async def resolved_and_paid(session: Session, lost: str, provider: Provider, path: Path, name: str) -> None:
    """A person says what became of the lost request; then the same is made and paid for."""
    checks = (await session.system.Diagnose(system_pb2.DiagnoseRequest())).checks
    assert [check.status for check in checks if check.name == "paid requests"] == [system_pb2.Check.STATUS_WARNING]
    resolved = await session.remote.ResolvePaidRequest(
        remote_pb2.ResolvePaidRequestRequest(
            name=lost,
            resolution=remote_pb2.PaidRequest.RESOLUTION_CHARGED,
            note="seen on the bill",
        )
    )
    assert (resolved.state, resolved.charged, resolved.actual_cost_usd) == (resolved.STATE_FAILED, True, 0.02)
    await cut(session, path, name)
    assert len(provider.charged) == 2


async def test_j07_assets_of_a_project(desk: PaidStudio, provider: Provider) -> None:
    """A project's pictures are cut out by its own account; the asset names its parent, and the cost its asset."""
    project = await desk.paid_universe(provider)
    picture = await desk.picture(project, 11, 90, 60)
    steps = postprocess_pb2.PostProcess(cutout=postprocess_pb2.CutoutStep(model="photoroom:segment"))
    request = postprocess_pb2.ProcessAssetsRequest(parent=project, assets=[picture.name], post_process=steps)
    with pytest.raises(errors.SpendNotConfirmed):
        async for _ in desk.session.postprocess.ProcessAssets(request):
            pass
    request.confirm_spend = True
    made = [
        answer.made.asset async for answer in desk.session.postprocess.ProcessAssets(request) if answer.HasField("made")
    ]
    (asset,) = made
    assert list(asset.derived_from) == [picture.name]
    with Image.open(io.BytesIO(await desk.content(asset.name))) as image:
        assert image.mode == "RGBA"
    (paid,) = [one for one in await desk.requests() if one.project == project]
    assert paid.subject == picture.name


async def test_refusals_reach_the_person(desk: PaidStudio, provider: Provider, tmp_path: Path) -> None:
    """402 and a busy provider are typed errors with the provider's words; a picture that is none is not sent."""
    project = await desk.paid_universe(provider)
    path = write_picture(tmp_path / "mara.png", 13, 120, 80)
    name = f"remove_bg:removebg@{project.removeprefix('projects/')}/remover"
    provider.ways = [Way(status=402, body={"errors": [{"title": "Insufficient credits"}]})]
    with pytest.raises(errors.ProviderRefused, match="Insufficient credits"):
        await cut(desk.session, path, name)
    provider.ways = [Way(status=429, headers={"retry-after": "7200"})]
    with pytest.raises(errors.ProviderUnavailable) as busy:
        await cut(desk.session, path, name)
    assert busy.value.metadata["retry_after"] == "7200"
    await asyncio.to_thread(path.write_text, "no picture")
    with pytest.raises(errors.PictureUnreadable):
        await cut(desk.session, path, name)
    assert len(provider.calls) == 2
    assert provider.charged == []


async def test_an_answer_that_is_no_use_is_said_to_be_the_provider_s(
    desk: PaidStudio, provider: Provider, tmp_path: Path
) -> None:
    """An answer of 400 megapixels is never decoded; the error does not blame the person's own picture."""
    project = await desk.paid_universe(provider)
    path = write_picture(tmp_path / "mara.png", 14, 120, 80)
    provider.ways = [Way(fault="picture_bomb")]
    with pytest.raises(errors.PictureTooLarge, match=r"^The provider's answer has 20000×20000") as caught:
        await cut(desk.session, path, f"photoroom:segment@{project.removeprefix('projects/')}/cutter")
    assert "was paid for" in caught.value.remedy
    assert caught.value.metadata["step"] == "cutout"
    assert len(provider.charged) == 1


async def generate(session: Session, request: lab_pb2.GenerateRequest) -> tuple[lab_pb2.GenerateStarted, list[bytes]]:
    """Pictures from a text; what was said at the beginning, and their content."""
    started, contents = lab_pb2.GenerateStarted(), []
    async for message in session.lab.Generate(request):
        match message.WhichOneof("body"):
            case "started":
                started = message.started
            case "picture":
                contents.append(b"")
            case "chunk":
                contents[-1] += message.chunk
    return started, contents


async def test_u01_a_picture_from_a_text(desk: PaidStudio, provider: Provider) -> None:
    """`generate` on a provider's model: consent, one call a picture, the size asked for, booked on the payer."""
    project = await desk.paid_universe(provider)
    name = f"models/openai:gpt-image-1@{project.removeprefix('projects/')}/studio"
    sampling = run_pb2.SamplingParameters(width=640, height=320)
    request = lab_pb2.GenerateRequest(prompt="a pier", model=name, count=2, sampling=sampling)
    with pytest.raises(errors.SpendNotConfirmed):
        await generate(desk.session, request)
    assert provider.calls == []
    request.confirm_spend = True
    started, contents = await generate(desk.session, request)
    assert (started.model, started.estimated_cost_usd > 0) == (name, True)
    assert len(contents) == len(provider.charged) == 2
    assert {call.path for call in provider.calls} == {"/images/generations"}
    assert provider.calls[0].fields["size"] == "1536x1024"
    for content in contents:
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (640, 320)
    mine = [one for one in await desk.requests() if one.project == project]
    assert [one.state for one in mine] == [remote_pb2.PaidRequest.STATE_ANSWERED] * 2
    costs = cost_pb2.ListCostEventsRequest(page_size=500)
    events = (await desk.session.costs.ListCostEvents(costs)).cost_events
    assert not [event for event in events if event.device.startswith("devices/remote")], "no time of a device"


async def test_no_provider_is_taken_unasked(desk: PaidStudio, provider: Provider) -> None:
    """Where no model is named, a provider's is never the default, not even the only one."""
    await desk.paid_universe(provider)
    request = lab_pb2.GenerateRequest(prompt="scripted: steps=1", confirm_spend=True)
    started, _ = await generate(desk.session, request)
    assert ":" not in started.model
    assert provider.calls == []
