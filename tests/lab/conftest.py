"""A real daemon with tiny networks, that the lab's tests share, and ways to ask it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import postprocess_pb2
from bullpen_api.v1.postprocess_pb2 import PostProcess, ProcessPictureHead, ProcessPictureRequest
from bullpen_client import Session

from tests.support.daemon import Daemon
from tests.worker.ops.networks import cutout_model, upscale_model
from tests.worker.ops.test_cutout import red_square

PIECE = 700


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Serves a home with an upscaler and a cutout model; pictures may be named below the home only."""
    home = tmp_path_factory.mktemp("lab") / "home"
    upscale_model(home / "models" / "a-tiny-up", (2, 4))
    cutout_model(home / "models" / "a-tiny-cut")
    settings = {"pictures.max_megapixels": "1", "paths.input_roots": str(home)}
    with Daemon(home, settings) as running:
        yield running


@pytest.fixture
async def session(daemon: Daemon) -> AsyncIterator[Session]:
    async with Session(daemon.home) as opened:
        yield opened


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A red square before green."""
    path = tmp_path / "square.png"
    red_square().save(path)
    return path


def requests(
    wish: PostProcess, data: bytes, *, path: str = "", name: str = "square.png"
) -> list[ProcessPictureRequest]:
    """What a client sends."""
    head = ProcessPictureHead(post_process=wish, path=path, display_name=name)
    parts = [data[start : start + PIECE] for start in range(0, len(data), PIECE)]
    return [ProcessPictureRequest(head=head), *(ProcessPictureRequest(chunk=part) for part in parts)]


async def ask(
    session: Session, sent: list[ProcessPictureRequest]
) -> tuple[list[str], postprocess_pb2.ProcessedPicture, bytes]:
    """Kinds of the answers in their order (repeats once), the result, and its content."""

    async def parts() -> AsyncIterator[ProcessPictureRequest]:
        for part in sent:
            yield part

    kinds: list[str] = []
    made, content = postprocess_pb2.ProcessedPicture(), b""
    async for message in session.lab.ProcessPicture(parts()):
        kinds.append(str(message.WhichOneof("body")))
        if message.HasField("picture"):
            made = message.picture
        content += message.chunk
    return list(dict.fromkeys(kinds)), made, content
