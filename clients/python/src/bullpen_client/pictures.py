"""Pictures of this machine as assets of a project: read by the daemon where it may, sent in chunks otherwise."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bullpen_api.v1 import asset_pb2

from bullpen_client.errors import PathNotAllowed, PathNotFound

if TYPE_CHECKING:
    from bullpen_client.connect import Session

CHUNK = 1 << 20
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


def absolute(path: str | Path) -> str:
    """A path as the daemon needs it, which has another working folder: absolute, without `~` and `..`."""
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100 - pathlib keeps `..`


def inside(path: Path) -> list[Path]:
    """The file itself, or the pictures in a folder and below it, sorted by name. Raises OSError."""
    if not path.is_dir():
        return [path]
    return sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES)


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
        except (PathNotAllowed, PathNotFound):
            pass  # it lies here and may be sent
    return await upload(session, parent, path, kind)


async def taken(
    session: Session, parent: str, paths: Iterable[Path], kind: asset_pb2.Asset.Kind.ValueType
) -> list[str]:
    """Makes files assets of a project, in their order; gives the assets' names."""
    return [(await take(session, parent, path, kind)).name for path in paths]
