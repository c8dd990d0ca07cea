"""C5 over a real daemon: pictures are read by a tagger, kept as a guide, compared, applied, and thrown away."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from bullpen_api.v1 import asset_pb2, bible_pb2, instruction_pb2, style_pb2
from bullpen_client import Session, errors
from google.protobuf.json_format import ParseDict
from PIL import Image

from tests.copilot.servers import Server, raw
from tests.support import tiny_judges
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e
DARK, BRIGHT = (20, 20, 20), (235, 235, 235)


class Eye:
    """A language model that sees; what it answers is set by the test."""

    def __init__(self) -> None:
        self.server = Server(raw())
        self.said: Any = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One exchange."""
        body = self.said if isinstance(self.said, bytes) else answer(self.said)
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        self.server.handlers = [raw(body, head=head)]
        await self.server.serve(reader, writer)


def answer(said: object) -> bytes:
    """What an OpenAI-compatible server answers."""
    return json.dumps({"choices": [{"message": {"content": said}}]}).encode()


@pytest.fixture(scope="module")
def port() -> int:
    """Where the seeing model is."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Daemon]:
    """A daemon with a tagger of its own, and a language model that sees."""
    home = tmp_path_factory.mktemp("s") / "home"
    tiny_judges.looking(home / "models" / "tiny-look")
    with Daemon(
        home,
        {
            "copilot.url": f"http://127.0.0.1:{port}/v1",
            "copilot.model": "eye",
            "paths.style_roots": tempfile.gettempdir(),
        },
    ) as running:
        yield running


@pytest.fixture
async def eye(port: int) -> AsyncIterator[Eye]:
    made = Eye()
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    yield made
    server.close()


async def picture(studio: Studio, project: str, name: str, colour: tuple[int, int, int]) -> str:
    """A picture of one colour as an asset."""
    path = studio.folder / f"{name}.png"
    image = Image.new("RGB", (64, 64), colour)
    image.putpixel((0, 0), (len(name), sum(map(ord, name)) % 256, 9))
    image.save(path)
    request = asset_pb2.ImportAssetRequest(parent=project, path=str(path), kind=asset_pb2.Asset.KIND_REFERENCE)
    return (await studio.session.assets.ImportAsset(request)).name


async def read(session: Session, project: str, *assets: str, ask: bool = False) -> style_pb2.StyleReading:
    return await session.styles.ReadStyle(
        style_pb2.ReadStyleRequest(parent=project, assets=assets, model="models/tiny-look", ask_language_model=ask)
    )


async def test_c5_from_pictures_to_a_guide_and_away(studio: Studio) -> None:
    """Two dark pictures are noir; kept, compared with a bright look, proposed for a run, and put into the trash."""
    session, project = studio.session, await studio.universe(scenes=1)
    dark = [await picture(studio, project, name, DARK) for name in ("a", "b")]
    bright = await picture(studio, project, "c", BRIGHT)
    found = await read(session, project, *dark)
    assert [(tag.head, tag.word, tag.pictures) for tag in found.tags] == [("style", "noir", 2)]
    assert (list(found.keywords), list(found.style_guide.anchors)) == (["noir"], dark)
    kept = []
    for slug, reading in (("dark", found), ("bright", await read(session, project, bright))):
        request = bible_pb2.CreateStyleGuideRequest(
            parent=project, style_guide_id=slug, style_guide=reading.style_guide
        )
        kept.append(await session.bible.CreateStyleGuide(request))
    beside = await session.styles.CompareStyles(style_pb2.CompareStylesRequest(first=kept[0].name, second=kept[1].name))
    assert [(item.first, item.second) for item in beside.differences] == [("noir", "flat")]
    assert beside.HasField("likeness") or beside.notes
    alone = await session.styles.CompareStyles(style_pb2.CompareStylesRequest(first=kept[0].name, second=kept[0].name))
    assert not alone.differences
    if alone.HasField("likeness"):
        assert alone.likeness == pytest.approx(1.0, abs=1e-3)
    spec = {"stage": "style", "scenes": {}, "styleGuide": kept[0].name, "model": "models/scripted", "seed": "7"}
    said = ParseDict(
        {"method": "bullpen.v1.RunService/CreateRun", "inputs": {"spec": spec}}, instruction_pb2.Instruction()
    )
    said.confirmation_required = True
    shown = await session.instructions.CreateInstruction(
        instruction_pb2.CreateInstructionRequest(parent=project, instruction=said)
    )
    facts = {fact.label: fact.value for fact in shown.preview.facts}
    assert facts["style guide"] == "dark"
    assert [use.value for use in shown.preview.plan.jobs[0].uses if use.item == "style"][-1:] == ["ink"], (
        "a scene's own value goes before the guide's"
    )
    gone = await session.bible.DeleteStyleGuide(bible_pb2.DeleteStyleGuideRequest(name=kept[1].name))
    assert gone.HasField("delete_time")


async def test_a_model_that_sees_adds_words(studio: Studio, eye: Eye) -> None:
    """It is shown small copies and asked once; its words stand behind the tagger's, and nothing is left behind."""
    session, project = studio.session, await studio.project()
    dark = await picture(studio, project, "d", DARK)
    eye.said = '{"caption": "Deep shadows.", "keywords": ["hard shadows", "noir"]}'
    found = await read(session, project, dark, ask=True)
    assert (list(found.keywords), found.caption) == (["noir", "hard shadows"], "Deep shadows.")
    (asked,) = eye.server.requests
    text, image = asked["messages"][0]["content"]
    assert "style: noir" in text["text"]
    assert image["image_url"]["url"].startswith("data:image/png;base64,")


@pytest.mark.parametrize("said", ["I would rather not.", 7, b"<html>", b'{"choices": []}'])
async def test_a_model_that_sees_badly_is_a_typed_error(studio: Studio, eye: Eye, said: object) -> None:
    """Garbage of the server fails the call; the tagger's reading is still there without it."""
    session, project = studio.session, await studio.project()
    dark = await picture(studio, project, "e", DARK)
    eye.said = said
    with pytest.raises(errors.LanguageEngineFailed):
        await read(session, project, dark, ask=True)
    assert list((await read(session, project, dark)).keywords) == ["noir"]


async def test_what_cannot_be_read(studio: Studio) -> None:
    """No pictures, too many, another project's, an unknown one, and a model that gives no tags."""
    session, project, other = studio.session, await studio.project(), await studio.project()
    dark = await picture(studio, project, "f", DARK)
    for assets, error in (
        ([], errors.FieldInvalid),
        ([f"{project}/assets/{number}" for number in range(13)], errors.LimitExceeded),
        ([dark.replace(project, other)], errors.FieldInvalid),
        ([f"{project}/assets/none"], errors.ResourceNotFound),
        ([await picture(studio, other, "g", DARK)], errors.FieldInvalid),
    ):
        with pytest.raises(error):
            await read(session, project, *assets)
    with pytest.raises(errors.ModelNotFound):
        await session.styles.ReadStyle(style_pb2.ReadStyleRequest(parent=project, assets=[dark], model="models/none"))
    with pytest.raises(errors.ResourceNotFound):
        await session.styles.CompareStyles(
            style_pb2.CompareStylesRequest(first=f"{project}/styleGuides/x", second=f"{project}/styleGuides/y")
        )
