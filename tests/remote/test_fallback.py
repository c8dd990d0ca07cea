"""A provider behind the local cutout: asked where this machine fails at it, if that was announced and agreed to."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import postprocess_pb2
from bullpen_client import Session, errors
from PIL import Image

from tests.remote.studio import PaidStudio, make_daemon
from tests.support.daemon import Daemon
from tests.support.pictures import write_picture
from tests.support.providers import Provider
from tests.worker.ops.networks import write_cutter

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that may speak to providers on this machine."""
    with make_daemon(tmp_path_factory.mktemp("back") / "home") as running:
        yield running


@pytest.fixture
def desk(session: Session, tmp_path: Path) -> PaidStudio:
    """Shorthand over a session."""
    return PaidStudio(session, tmp_path)


@pytest.fixture
def broken(daemon: Daemon) -> str:
    """A network for cutouts that cannot be loaded: nothing is known of that before it is tried."""
    path = daemon.home / "models" / "broken.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"no network")
    return str(path)


@pytest.fixture
def sound(daemon: Daemon) -> str:
    """A network for cutouts that works."""
    (daemon.home / "models").mkdir(exist_ok=True)
    return str(write_cutter(daemon.home / "models" / "sound.onnx"))


Answer = tuple[postprocess_pb2.ProcessPictureStarted, postprocess_pb2.ProcessedPicture, bytes]


async def processed(session: Session, path: Path, steps: postprocess_pb2.PostProcess, confirmed: bool = True) -> Answer:
    """A person's own picture through the chain: the announcement, the result and its content."""

    async def parts() -> AsyncIterator[postprocess_pb2.ProcessPictureRequest]:
        head = postprocess_pb2.ProcessPictureHead(post_process=steps, path=str(path), confirm_spend=confirmed)
        yield postprocess_pb2.ProcessPictureRequest(head=head)

    started, made, content = postprocess_pb2.ProcessPictureStarted(), postprocess_pb2.ProcessedPicture(), b""
    async for message in session.lab.ProcessPicture(parts()):
        if message.HasField("started"):
            started = message.started
        if message.HasField("picture"):
            made = message.picture
        content += message.chunk
    return started, made, content


def cutout(model: str, fallback: str = "") -> postprocess_pb2.PostProcess:
    """A cutout with a provider behind it."""
    return postprocess_pb2.PostProcess(cutout=postprocess_pb2.CutoutStep(model=model, fallback=fallback))


def account(project: str) -> str:
    """PhotoRoom, paid by a project."""
    return f"photoroom:segment@{project.removeprefix('projects/')}/cutter"


async def test_u01_a_cutout_that_fails_here_is_made_there(
    desk: PaidStudio, provider: Provider, broken: str, tmp_path: Path
) -> None:
    """Model and most of the cost are announced; the result says why it was needed; the books have one charge."""
    project = await desk.paid_universe(provider)
    path = write_picture(tmp_path / "mara.png", 31, 120, 80)
    started, made, content = await processed(desk.session, path, cutout(broken, account(project)))
    assert started.post_process.cutout.fallback == f"models/{account(project)}"
    assert (started.estimated_cost_usd, started.fallback_cost_usd) == (0, 0.02)
    assert "cannot be" in made.fallback_reason or "broken" in made.fallback_reason
    assert Image.open(io.BytesIO(content)).mode == "RGBA"
    (request,) = [one for one in await desk.requests() if one.project == project]
    assert (request.state, request.actual_cost_usd) == (request.STATE_ANSWERED, 0.02)
    assert len(provider.charged) == 1


async def test_without_consent_it_is_refused_and_nothing_is_sent(
    desk: PaidStudio, provider: Provider, broken: str, tmp_path: Path
) -> None:
    """A fallback that is asked for needs consent, at the field that lacks it; one that nobody named is none."""
    project = await desk.paid_universe(provider)
    path = write_picture(tmp_path / "mara.png", 32, 120, 80)
    with pytest.raises(errors.SpendNotConfirmed) as refused:
        await processed(desk.session, path, cutout(broken, account(project)), confirmed=False)
    assert refused.value.field == "head.confirm_spend"
    for steps in (cutout(broken), cutout(broken, "none")):
        with pytest.raises((errors.ModelCorrupt, errors.EngineFailed, errors.ModelUnsupported)):
            await processed(desk.session, path, steps)
    with pytest.raises(errors.FieldInvalid) as unknown:
        await processed(desk.session, path, cutout(broken, "models/starter-edit"))
    assert unknown.value.field == "head.post_process.cutout.fallback"
    assert provider.calls == []


async def test_a_cutout_that_works_and_a_failure_elsewhere_send_nothing(
    desk: PaidStudio, provider: Provider, sound: str, broken: str, tmp_path: Path
) -> None:
    """The provider is for the cutout alone: an upscaler that fails is no reason to pay."""
    project = await desk.paid_universe(provider)
    path = write_picture(tmp_path / "mara.png", 33, 120, 80)
    _, made, _ = await processed(desk.session, path, cutout(sound, account(project)))
    assert (made.fallback_reason, made.has_alpha) == ("", True)
    steps = cutout(sound, account(project))
    steps.upscale.model = broken
    with pytest.raises((errors.ModelCorrupt, errors.EngineFailed, errors.ModelUnsupported)) as failed:
        await processed(desk.session, path, steps)
    assert failed.value.metadata["step"] == "upscale"
    assert provider.calls == []


async def test_a_fallback_of_the_settings_acts_with_consent_only(
    desk: PaidStudio, daemon: Daemon, provider: Provider, broken: str, tmp_path: Path
) -> None:
    """Without consent it is not announced, and the failure stays one."""
    project = await desk.paid_universe(provider)
    settings = {"schema_version": 1, "cutout": {"model": broken, "fallback": account(project)}}
    path = write_picture(tmp_path / "mara.png", 34, 120, 80)
    file = daemon.home / "postprocess.json"
    file.write_text(json.dumps(settings))
    try:
        with pytest.raises((errors.ModelCorrupt, errors.EngineFailed, errors.ModelUnsupported)):
            await processed(desk.session, path, cutout(""), confirmed=False)
        assert provider.calls == []
        started, made, _ = await processed(desk.session, path, cutout(""))
    finally:
        file.unlink()
    assert started.fallback_cost_usd == 0.02
    assert made.fallback_reason


async def test_j07_assets_say_who_made_their_cutout(
    desk: PaidStudio, provider: Provider, broken: str, tmp_path: Path
) -> None:
    """Over assets: the recipe of the asset names the provider; asked again the answer that was paid is used again."""
    project = await desk.paid_universe(provider)
    source = await desk.picture(project, 35, 96, 64)
    request = postprocess_pb2.ProcessAssetsRequest(
        parent=project,
        assets=[source.name],
        post_process=cutout(broken, "photoroom:segment@cutter"),
        confirm_spend=True,
    )
    found = []
    for _ in range(2):
        messages = [message async for message in desk.session.postprocess.ProcessAssets(request)]
        assert messages[0].started.fallback_cost_usd == 0.02
        assert messages[0].started.post_process.cutout.fallback == "models/photoroom:segment@cutter"
        found += [message.made for message in messages if message.HasField("made")]
    first, second = found
    assert first.asset.sha256 == second.asset.sha256
    assert first.fallback_reason
    sidecar = json.loads(Path(first.asset.path).with_suffix(".json").read_text())
    assert sidecar["recipe"]["settings"] == {"model": "models/photoroom:segment@cutter"}
    assert len(provider.charged) == 1
