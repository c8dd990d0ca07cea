"""Pictures in and out: imported by path where the daemon may read it, sent in chunks otherwise."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import grpc
from bullpen_api.v1 import asset_pb2
from bullpen_client import errors
from bullpen_client.pictures import CHUNK, absolute, inside, take, taken, upload

if TYPE_CHECKING:
    from bullpen_client import Session

__all__ = ["CHUNK", "FILE", "PICTURES", "absolute", "pictures", "probe", "save", "take", "taken", "upload", "writing"]


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Errors of the file system, while a file is written, in words: DISK_FULL, or PATH_NOT_ALLOWED for all others."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise errors.make(
            "DISK_FULL" if full else "PATH_NOT_ALLOWED",
            f"{target} cannot be written: {error.strerror or error}.",
            code=grpc.StatusCode.RESOURCE_EXHAUSTED if full else grpc.StatusCode.PERMISSION_DENIED,
            metadata={
                "field": "out",
                "path": str(target),
                "remedy": "Free space on its disk." if full else "Name a file in a folder that you may write to.",
            },
        ) from error


def probe(target: Path) -> None:
    """Whether a file can be written at a place, before it is paid for. Raises those of `writing`."""
    with writing(target):
        trial = target.with_name(f".{target.name}.part")
        trial.write_bytes(b"")
        trial.unlink()


async def save(session: Session, name: str, out: Path, *, thumbnail: bool = False) -> int:
    """Writes an asset's content to a file; gives its size. The file appears whole or not at all."""
    variant = (
        asset_pb2.ReadContentRequest.VARIANT_THUMBNAIL if thumbnail else asset_pb2.ReadContentRequest.VARIANT_ORIGINAL
    )
    partial = out.with_name(out.name + ".part")
    done = 0
    try:
        with writing(out):
            with partial.open("wb") as target:
                request = asset_pb2.ReadContentRequest(name=name, variant=variant)
                async for message in session.assets.ReadContent(request):
                    target.write(message.chunk)
                    done += len(message.chunk)
            partial.replace(out)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return done


def pictures(paths: tuple[str, ...]) -> list[Path]:
    """The files named on a command line; a folder stands for the pictures in it, sorted by name."""
    found: list[Path] = []
    for text in paths:
        path = Path(text)
        if path.is_dir():
            held = inside(path)
            if not held:
                raise click.UsageError(f"the folder {text} holds no PNG, JPEG or WebP pictures.")
            found.extend(held)
        else:
            found.append(path)
    return found


PICTURES: Any = click.Path(exists=True, readable=True)
FILE: Any = click.Path(exists=True, readable=True, dir_okay=False)
