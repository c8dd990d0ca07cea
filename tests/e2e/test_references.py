"""J02: pictures are taken in: by path and by upload, unchanged, known again, and refused where they are none."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2
from bullpen_client import errors
from PIL import Image

from tests.support.daemon import Daemon
from tests.support.pictures import picture, write_bomb, write_picture
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e


def stored_files(daemon: Daemon, project: str) -> list[str]:
    """Every file of the project's store, temporary ones too."""
    folder = daemon.home / "projects" / project.removeprefix("projects/")
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def take(studio: Studio, project: str, path: Path | str, **more: object) -> asset_pb2.Asset:
    """Imports the picture at a path."""
    request = asset_pb2.ImportAssetRequest(parent=project, path=str(path), **more)  # type: ignore[arg-type]  # its fields
    return await studio.session.assets.ImportAsset(request)


async def send(studio: Studio, project: str, data: bytes, chunk: int = 1 << 20) -> asset_pb2.Asset:
    """Uploads bytes in chunks."""

    async def parts() -> AsyncIterator[asset_pb2.UploadAssetRequest]:
        head = asset_pb2.UploadHead(parent=project, display_name="sent.png", tags=["sent"])
        yield asset_pb2.UploadAssetRequest(head=head)
        for start in range(0, len(data), chunk):
            yield asset_pb2.UploadAssetRequest(chunk=data[start : start + chunk])

    return await studio.session.assets.UploadAsset(parts())


async def test_j02_import_keeps_the_bytes(studio: Studio, daemon: Daemon, tmp_path: Path) -> None:
    """The source asset is the original file, byte for byte, with its hash, sidecar and thumbnail."""
    project = await studio.project()
    path = write_picture(tmp_path / "Anchor.jpg", 3, 333, 217)
    asset = await take(studio, project, path, licence="CC-BY-4.0", tags=["ink", "ink", "anchor"])
    data = path.read_bytes()
    assert await studio.content(asset.name) == data
    assert asset.sha256 == hashlib.sha256(data).hexdigest()
    assert (asset.width, asset.height, asset.mime_type) == (333, 217, "image/jpeg")
    assert (asset.display_name, asset.licence, list(asset.tags)) == ("Anchor.jpg", "CC-BY-4.0", ["ink", "anchor"])
    sidecar = json.loads(Path(asset.path).with_suffix(".json").read_text())
    assert sidecar["sha256"] == asset.sha256
    assert sidecar["display_name"] == "Anchor.jpg"
    with Image.open(io.BytesIO(await studio.content(asset.name, thumbnail=True))) as thumbnail:
        assert thumbnail.format == "WEBP"
        assert max(thumbnail.size) <= 256
    assert asset.path.startswith(str(daemon.home))


async def test_j02_content_is_read_from_an_offset(studio: Studio, tmp_path: Path) -> None:
    """A broken transfer goes on where it ended; an offset past the end gives nothing, a negative one is refused."""
    project = await studio.project()
    asset = await studio.picture(project, 1)
    data = await studio.content(asset.name)
    assert await studio.content(asset.name, offset=100) == data[100:]
    assert await studio.content(asset.name, offset=len(data) + 5) == b""
    with pytest.raises(errors.FieldInvalid):
        await studio.content(asset.name, offset=-1)


async def test_j02_same_content_is_recognised(studio: Studio, daemon: Daemon, tmp_path: Path) -> None:
    """The same picture under another name, and uploaded, is the same asset; another project has its own."""
    project, other = await studio.project(), await studio.project()
    first = await take(studio, project, write_picture(tmp_path / "a.png", 5))
    before = stored_files(daemon, project)
    second = await take(studio, project, write_picture(tmp_path / "b.png", 5))
    third = await send(studio, project, (tmp_path / "a.png").read_bytes(), chunk=64)
    assert first.name == second.name == third.name
    assert second.create_time == first.create_time
    assert stored_files(daemon, project) == before
    foreign = await take(studio, other, tmp_path / "a.png")
    assert foreign.sha256 == first.sha256
    assert foreign.path != first.path


async def test_j02_exif_orientation_is_honoured(studio: Studio, tmp_path: Path) -> None:
    """A photograph that was taken upright has its upright size, while its bytes stay as they are."""
    project = await studio.project()
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "phone.jpg"
    picture(4, 120, 80).save(path, exif=exif)
    asset = await take(studio, project, path)
    assert (asset.width, asset.height) == (80, 120)
    with Image.open(io.BytesIO(await studio.content(asset.name, thumbnail=True))) as thumbnail:
        assert thumbnail.width < thumbnail.height
    assert await studio.content(asset.name) == path.read_bytes()


async def test_j02_upload_is_taken_in_chunks(studio: Studio, daemon: Daemon) -> None:
    """An upload in many chunks is the picture that was sent, and leaves no temporary file."""
    project = await studio.project()
    buffer = io.BytesIO()
    picture(9, 640, 480).save(buffer, "WEBP", lossless=True)
    asset = await send(studio, project, buffer.getvalue(), chunk=1000)
    assert await studio.content(asset.name) == buffer.getvalue()
    assert (asset.display_name, asset.mime_type, list(asset.tags)) == ("sent.png", "image/webp", ["sent"])
    assert list((daemon.home / "tmp").iterdir()) == []


async def test_j02_path_outside_the_roots_is_refused(studio: Studio) -> None:
    """A file outside the allowed folders is not opened, whether it is a picture or not."""
    project = await studio.project()
    for path in ("/etc/passwd", "/usr/share/none.png", "/proc/self/environ"):
        with pytest.raises(errors.PathNotAllowed) as refused:
            await take(studio, project, path)
        assert refused.value.field == "path"
        assert refused.value.remedy


async def test_j02_path_with_dots_or_links_cannot_escape(studio: Studio, tmp_path: Path) -> None:
    """`..` is refused before anything is looked at; a link that leads outside counts as outside."""
    project = await studio.project()
    with pytest.raises(errors.PathNotAllowed):
        await take(studio, project, f"{tmp_path}/../../../../etc/passwd")
    link = tmp_path / "innocent.png"
    link.symlink_to("/etc/passwd")
    with pytest.raises(errors.PathNotAllowed):
        await take(studio, project, link)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("", errors.FieldInvalid),
        ("relative.png", errors.FieldInvalid),
        ("{tmp}/nothing.png", errors.PathNotFound),
        ("{tmp}", errors.FieldInvalid),
        ("{tmp}/fifo.png", errors.FieldInvalid),
        ("{tmp}/" + "x" * 5000, errors.PathNotFound),
        ("{tmp}/a\0b.png", errors.FieldInvalid),
    ],
)
async def test_j02_path_that_is_no_file_is_refused(
    studio: Studio, tmp_path: Path, path: str, error: type[errors.BullpenError]
) -> None:
    """What is empty, relative, missing, a folder or a pipe is refused by its field, and nothing hangs."""
    os.mkfifo(tmp_path / "fifo.png")
    project = await studio.project()
    with pytest.raises(error) as refused:
        await take(studio, project, path.replace("{tmp}", str(tmp_path)))
    assert refused.value.field == "path"


async def test_j02_file_that_is_no_picture_is_refused(studio: Studio, daemon: Daemon, tmp_path: Path) -> None:
    """A text called .png, an empty file and a cut-off picture are refused, and nothing of them is kept."""
    project = await studio.project()
    text, empty, cut = tmp_path / "notes.png", tmp_path / "empty.png", tmp_path / "cut.png"
    text.write_text("This is no picture.\n" * 50)
    empty.write_bytes(b"")
    cut.write_bytes(write_picture(tmp_path / "whole.png", 2, 400, 300).read_bytes()[:1500])
    for path in (text, empty, cut):
        with pytest.raises(errors.PictureUnreadable) as refused:
            await take(studio, project, path)
        assert refused.value.field == "path"
        assert refused.value.remedy
        assert path.name in refused.value.message
        with pytest.raises(errors.PictureUnreadable) as unread:
            await send(studio, project, path.read_bytes())
        assert unread.value.field == "chunk"
    assert stored_files(daemon, project) == []
    assert list((daemon.home / "tmp").iterdir()) == []


async def test_j02_small_file_of_many_pixels_is_refused_before_decoding(
    studio: Studio, daemon: Daemon, tmp_path: Path
) -> None:
    """Twenty kilobytes that would decode to 169 megapixels are refused unopened, and the worker stays small."""
    project = await studio.project()
    bomb = write_bomb(tmp_path / "bomb.png")
    assert bomb.stat().st_size < 40_000
    with pytest.raises(errors.PictureTooLarge) as refused:
        await take(studio, project, bomb)
    assert refused.value.remedy
    with pytest.raises(errors.PictureTooLarge):
        await send(studio, project, bomb.read_bytes())
    assert stored_files(daemon, project) == []
    assert all(worker.memory_info().rss < 300 << 20 for worker in daemon.workers())


async def test_j02_upload_out_of_order_is_refused(studio: Studio, daemon: Daemon) -> None:
    """An upload without a head, with two, or with none of it is refused and leaves nothing."""
    project = await studio.project()
    head = asset_pb2.UploadAssetRequest(head=asset_pb2.UploadHead(parent=project, display_name="x.png"))
    chunk = asset_pb2.UploadAssetRequest(chunk=b"abc")
    for parts in ([], [chunk], [head, head], [asset_pb2.UploadAssetRequest()]):

        async def stream(items: list[asset_pb2.UploadAssetRequest] = parts) -> AsyncIterator[object]:
            for item in items:
                yield item

        with pytest.raises(errors.FieldInvalid):
            await studio.session.assets.UploadAsset(stream())  # type: ignore[arg-type]  # an iterator of requests
    assert list((daemon.home / "tmp").iterdir()) == []


async def test_j02_lost_content_is_said(studio: Studio) -> None:
    """Reading an asset whose file is gone says CONTENT_LOST instead of giving nothing."""
    project = await studio.project()
    asset = await studio.picture(project, 77)
    Path(asset.path).unlink()
    with pytest.raises(errors.ContentLost):
        await studio.content(asset.name)
