"""Pictures on this side: bytes to pixels, and a bounded store of those seen last."""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from bullpen_client.errors import PictureTooLarge, PictureUnreadable
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

PIXEL_CAP = 64_000_000
"""A picture that would decode to more is not opened."""

SIDE_CAP = 1024
"""Pixels a side that are kept: more than any terminal shows."""

KEPT = 96

Read = Callable[[str, bool], Awaitable[bytes]]


def decode(content: bytes) -> Image.Image:
    """Bytes of a PNG, JPEG or WebP as an RGB picture of at most `SIDE_CAP` pixels a side.

    Raises PictureTooLarge before anything is decoded, PictureUnreadable for what is no picture.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as opened:
            if opened.width * opened.height > PIXEL_CAP:
                raise PictureTooLarge(f"The picture has {opened.width} × {opened.height} pixels, too many to show.")
            opened.thumbnail((SIDE_CAP, SIDE_CAP))
            return opened.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise PictureUnreadable(f"The picture cannot be read: {error}.") from error


def difference(picture: Image.Image, source: Image.Image) -> Image.Image:
    """What differs from the source, brightened so that small changes show: (h, w, 3) of the first picture's size."""
    other = source.resize(picture.size, Image.Resampling.LANCZOS)
    return ImageOps.autocontrast(ImageChops.difference(picture, other), cutoff=1)


class PictureStore:
    """The pictures seen last, decoded, by asset and size. Reads each only once at a time."""

    def __init__(self, read: Read, kept: int = KEPT) -> None:
        self._read = read
        self._kept = kept
        self._have: OrderedDict[tuple[str, bool], Image.Image] = OrderedDict()
        self._locks: dict[tuple[str, bool], asyncio.Lock] = {}
        self._few = asyncio.Semaphore(4)

    def have(self, asset: str, thumbnail: bool) -> Image.Image | None:
        """The picture if it is here already."""
        found = self._have.get((asset, thumbnail))
        if found is not None:
            self._have.move_to_end((asset, thumbnail))
        return found

    async def get(self, asset: str, thumbnail: bool) -> Image.Image:
        """The picture, read from the daemon where it is not here. Raises BullpenError."""
        key = (asset, thumbnail)
        async with self._locks.setdefault(key, asyncio.Lock()), self._few:
            found = self.have(asset, thumbnail)
            if found is None:
                content = await self._read(asset, thumbnail)
                found = await asyncio.to_thread(decode, content)
                self._have[key] = found
                while len(self._have) > self._kept:
                    self._have.popitem(last=False)
        self._locks.pop(key, None)
        return found

    def __len__(self) -> int:
        return len(self._have)
