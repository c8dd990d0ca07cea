"""Pictures in and out: imported by path where the daemon may read it, sent in chunks otherwise."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import asset_pb2
from bullpen_client import errors

if TYPE_CHECKING:
    from bullpen_client import Session

CHUNK = 1 << 20
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


def absolute(path: str | Path) -> str:
    """A path as the daemon needs it, which has another working folder: absolute, without `~` and `..`."""
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100 - pathlib keeps `..`


async def _parts(path: Path, head: asset_pb2.UploadHead) -> AsyncIterator[asset_pb2.UploadAssetRequest]:
    yield asset_pb2.UploadAssetRequest(head=head)
    with path.open("rb") as source:
        while chunk := await asyncio.to_thread(source.read, CHUNK):
            yield asset_pb2.UploadAssetRequest(chunk=chunk)


async def upload(session: Session, parent: str, path: Path, kind: asset_pb2.Asset.Kind.ValueType) -> asset_pb2.Asset:
    """Sends a file that lies here; works over a forwarded socket too."""
    head = asset_pb2.UploadHead(parent=parent, display_name=path.name, kind=kind)
    return await session.assets.UploadAsset(_parts(path, head))


async def take(
    session: Session, parent: str, path: Path, kind: asset_pb2.Asset.Kind.ValueType, *, force_upload: bool = False
) -> asset_pb2.Asset:
    """Makes a file an asset of a project. The daemon reads it by its path unless it may not or cannot."""
    if not force_upload:
        request = asset_pb2.ImportAssetRequest(parent=parent, path=absolute(path), kind=kind)
        try:
            return await session.assets.ImportAsset(request)
        except (errors.PathNotAllowed, errors.PathNotFound):
            pass  # it lies here and may be sent
    return await upload(session, parent, path, kind)


async def taken(session: Session, parent: str, paths: list[Path], kind: asset_pb2.Asset.Kind.ValueType) -> list[str]:
    """Makes files assets of a project, in their order; gives the assets' names."""
    return [(await take(session, parent, path, kind)).name for path in paths]


async def save(session: Session, name: str, out: Path, *, thumbnail: bool = False) -> int:
    """Writes an asset's content to a file; gives its size. The file appears whole or not at all."""
    variant = (
        asset_pb2.ReadContentRequest.VARIANT_THUMBNAIL if thumbnail else asset_pb2.ReadContentRequest.VARIANT_ORIGINAL
    )
    partial = out.with_name(out.name + ".part")
    done = 0
    try:
        with partial.open("wb") as target:
            request = asset_pb2.ReadContentRequest(name=name, variant=variant)
            async for message in session.assets.ReadContent(request):
                target.write(message.chunk)
                done += len(message.chunk)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return done


def pictures(paths: tuple[str, ...]) -> list[Path]:
    """The files named on a command line; a folder stands for the pictures in it, sorted by name."""
    found: list[Path] = []
    for text in paths:
        path = Path(text)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES)
            if not inside:
                raise click.UsageError(f"the folder {text} holds no PNG, JPEG or WebP pictures.")
            found.extend(inside)
        else:
            found.append(path)
    return found


PICTURES: Any = click.Path(exists=True, readable=True)
FILE: Any = click.Path(exists=True, readable=True, dir_okay=False)
