"""U01 over the public socket: a picture goes in, its processed form comes back, and nothing of it stays."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from bullpen_api.v1 import postprocess_pb2
from bullpen_api.v1.postprocess_pb2 import (
    ColorStep,
    CutoutStep,
    PostProcess,
    ProcessPictureHead,
    ProcessPictureRequest,
    RefineStep,
    UpscaleStep,
)
from bullpen_client import Session, errors
from PIL import Image

from tests.lab.conftest import ask, requests
from tests.support.daemon import Daemon
from tests.worker.test_pictures import bomb

pytestmark = pytest.mark.e2e

ALL = PostProcess(
    cutout=CutoutStep(), refine=RefineStep(), upscale=UpscaleStep(scale=4), color=ColorStep(profile="cinematic_warm")
)
WARM = PostProcess(color=ColorStep(profile="cinematic_warm"))
NEUTRAL = PostProcess(color=ColorStep(profile="neutral"))


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


async def test_u01_a_picture_goes_through_all_steps_and_comes_back(session: Session, picture: Path) -> None:
    """What will be done comes first, then progress, then the result, then its bytes, which are those announced."""
    kinds, made, content = await ask(session, requests(ALL, picture.read_bytes()))
    assert kinds == ["started", "progress", "picture", "chunk"]
    assert (made.size_bytes, made.sha256) == (len(content), sha256(content).hexdigest())
    out = pixels(content)
    assert out.shape == (384, 384, 4) == (made.height, made.width, 4 if made.has_alpha else 3)
    assert out[0, 0].tolist() == [0, 0, 0, 0]
    assert out[192, 192, 0] > 200
    assert set(made.seconds) == {"reading", "cutout", "refine", "upscale", "color", "writing"}


async def test_u01_every_choice_is_told(session: Session, picture: Path) -> None:
    """The first answer says which models and values were taken for what was left open."""
    sent = requests(PostProcess(cutout=CutoutStep(), upscale=UpscaleStep()), picture.read_bytes())

    async def parts() -> AsyncIterator[ProcessPictureRequest]:
        for part in sent:
            yield part

    first = await anext(aiter(session.lab.ProcessPicture(parts())))
    assert first.started.post_process.cutout.model == "models/a-tiny-cut"
    assert first.started.post_process.upscale.scale == 2


async def test_u01_colour_leaves_transparency_and_neutral_leaves_everything(session: Session) -> None:
    """Alpha is that of the original to the byte; the neutral profile changes no colour either."""
    source = np.random.default_rng(2).integers(0, 256, (33, 21, 4), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(source).save(buffer, "PNG")
    _, _, warm = await ask(session, requests(WARM, buffer.getvalue()))
    assert np.array_equal(pixels(warm)[..., 3], source[..., 3])
    assert not np.array_equal(pixels(warm), source)
    _, _, neutral = await ask(session, requests(NEUTRAL, buffer.getvalue()))
    assert np.array_equal(pixels(neutral), source)


async def test_u01_a_picture_on_the_daemons_machine_is_named_by_its_path(
    session: Session, daemon: Daemon, picture: Path
) -> None:
    """The same result without sending a byte; the file stays as it was."""
    there = daemon.home / "here.png"
    there.write_bytes(picture.read_bytes())
    _, by_path, _ = await ask(session, requests(WARM, b"", path=str(there)))
    _, sent, _ = await ask(session, requests(WARM, picture.read_bytes()))
    assert by_path.sha256 == sent.sha256
    assert there.read_bytes() == picture.read_bytes()


async def test_u01_the_profiles_are_listed_and_a_new_one_counts_at_once(session: Session, daemon: Daemon) -> None:
    """A profile that is added to the home is there without a restart; a mistake in it is named."""
    own = daemon.home / "color-correction.json"
    own.write_text('{"schema_version": 1, "profiles": {"dusk": {"title": "Dusk", "exposure": -1}}}')
    try:
        answer = await session.lab.ListColorProfiles(postprocess_pb2.ListColorProfilesRequest())
        assert [one.name for one in answer.profiles] == ["cinematic_warm", "cold_rain", "dusk", "neutral"]
        own.write_text('{"schema_version": 1, "profiles": {"dusk": {"exposure": 99}}}')
        with pytest.raises(errors.SettingInvalid) as caught:
            await session.lab.ListColorProfiles(postprocess_pb2.ListColorProfilesRequest())
        assert caught.value.field == "profiles.dusk.exposure"
    finally:
        own.unlink()


@pytest.mark.parametrize(
    ("wish", "error", "field"),
    [
        (PostProcess(), errors.FieldInvalid, "head.post_process"),
        (PostProcess(color=ColorStep(profile="sepia")), errors.ResourceNotFound, "head.post_process.color.profile"),
        (
            PostProcess(upscale=UpscaleStep(model="models/none")),
            errors.ModelNotFound,
            "head.post_process.upscale.model",
        ),
        (
            PostProcess(cutout=CutoutStep(model="rembg:atlascloud")),
            errors.ModelUnsupported,
            "head.post_process.cutout.model",
        ),
        (
            PostProcess(cutout=CutoutStep(model="rembg:isnet-anime")),
            errors.ModelNotFound,
            "head.post_process.cutout.model",
        ),
        (PostProcess(upscale=UpscaleStep(scale=3)), errors.ModelUnsupported, "head.post_process.upscale"),
    ],
)
async def test_u01_what_cannot_be_done_is_refused_by_type(
    session: Session, picture: Path, wish: PostProcess, error: type[errors.BullpenError], field: str
) -> None:
    """A wrong step is refused with its field and a remedy."""
    with pytest.raises(error) as caught:
        await ask(session, requests(wish, picture.read_bytes()))
    assert caught.value.field == field
    assert caught.value.remedy


async def test_u01_what_is_no_picture_is_refused_under_its_own_name(
    session: Session, daemon: Daemon, tmp_path: Path, picture: Path
) -> None:
    """Texts, cut-off pictures and bombs are refused by the name that the person knows, and nothing stays."""
    whole = picture.read_bytes()
    for data, error in (
        (b"a text", errors.PictureUnreadable),
        (whole[: len(whole) // 2], errors.PictureUnreadable),
        (bomb(tmp_path / "bomb.png").read_bytes(), errors.PictureTooLarge),
    ):
        with pytest.raises(error, match=r"mine\.png") as caught:
            await ask(session, requests(WARM, data, name="mine.png"))
        assert str(daemon.home) not in caught.value.message
    Image.new("RGB", (400, 400)).save(tmp_path / "wide.png")
    larger = requests(PostProcess(upscale=UpscaleStep(scale=4)), (tmp_path / "wide.png").read_bytes())
    with pytest.raises(errors.PictureTooLarge, match="as wide and high"):
        await ask(session, larger)
    assert list((daemon.home / "tmp").iterdir()) == []


async def test_u01_exactly_one_picture_is_needed(session: Session, daemon: Daemon, picture: Path) -> None:
    """Neither path nor content, both, no head, or a path outside the roots: refused, not guessed."""
    there = daemon.home / "there.png"
    there.write_bytes(picture.read_bytes())
    with pytest.raises(errors.ExactlyOneOf):
        await ask(session, requests(WARM, b""))
    with pytest.raises(errors.ExactlyOneOf):
        await ask(session, requests(WARM, b"more", path=str(there)))
    with pytest.raises(errors.FieldInvalid, match="head"):
        await ask(session, requests(WARM, b"more")[1:])
    with pytest.raises(errors.FieldInvalid, match="head"):
        await ask(session, requests(WARM, b"more") + requests(WARM, b""))
    with pytest.raises(errors.PathNotAllowed):
        await ask(session, requests(WARM, b"", path="/etc/hostname"))
    with pytest.raises(errors.PathNotFound):
        await ask(session, requests(WARM, b"", path=str(daemon.home / "none.png")))


async def test_u01_several_clients_at_once_get_their_own(session: Session, picture: Path) -> None:
    """Pictures that are processed at the same time do not mix."""
    wishes = [WARM, NEUTRAL, ALL, WARM, NEUTRAL]
    made = await asyncio.gather(*(ask(session, requests(wish, picture.read_bytes())) for wish in wishes))
    digests = [result[1].sha256 for result in made]
    assert digests[0] == digests[3]
    assert digests[1] == digests[4]
    assert len(set(digests)) == 3


async def test_u01_who_leaves_takes_the_work_along(session: Session, daemon: Daemon, picture: Path) -> None:
    """A client that ends its call leaves no file, and the next picture is done."""

    async def parts() -> AsyncIterator[ProcessPictureRequest]:
        yield ProcessPictureRequest(head=ProcessPictureHead(post_process=ALL))
        yield ProcessPictureRequest(chunk=picture.read_bytes()[:100])
        await asyncio.Event().wait()

    call = session.lab.ProcessPicture(parts())
    assert (await anext(aiter(call))).HasField("started")
    call.cancel()
    _, made, _ = await ask(session, requests(WARM, picture.read_bytes()))
    assert made.width == 96
    assert not list((daemon.home / "tmp").glob("*.png"))


async def test_the_daemon_itself_stays_small(daemon: Daemon, session: Session, picture: Path) -> None:
    """The networks run in a worker: the daemon's own process has mapped no onnxruntime and no numpy."""
    await ask(session, requests(ALL, picture.read_bytes()))
    maps = Path(f"/proc/{daemon.pid}/maps").read_text()
    assert "onnxruntime" not in maps
    assert "numpy" not in maps
