"""Packs of random panels on disk: rendered once, mapped into memory, drawn again when the renderer has changed."""

import json
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bullpen_starter.render import PanelSpec, render
from bullpen_starter.train.anypanel import any_panel
from bullpen_starter.train.say import say

Pixels = NDArray[np.uint8]


def _signature(name: str, size: int, count: int) -> dict[str, object]:
    """What a pack was made of; the renderer is known by a few of its pictures."""
    seen = 0
    for layout in range(6):
        seen = zlib.crc32(render(any_panel("signature", layout), (96, 96)).picture.tobytes(), seen)
    return {"name": name, "size": size, "count": count, "renderer": seen}


def panel_pack(cache: Path, name: str, size: int, count: int) -> tuple[Pixels, Pixels, list[PanelSpec]]:
    """Pictures (count, size, size, 3), masks (count, size, size) and specs of training layouts 0 to `count`.

    `name` seeds the choice and names the files under `cache`.
    """
    cache.mkdir(parents=True, exist_ok=True)
    about, pictures, masks = (cache / f"{name}-{part}" for part in ("about.json", "pictures.npy", "masks.npy"))
    specs = [any_panel(name, layout) for layout in range(count)]
    signature = _signature(name, size, count)
    if not about.exists() or json.loads(about.read_text()) != signature:
        shape = (count, size, size)
        drawn = np.lib.format.open_memmap(pictures, mode="w+", dtype=np.uint8, shape=(*shape, 3))
        marked = np.lib.format.open_memmap(masks, mode="w+", dtype=np.uint8, shape=shape)
        for number, spec in enumerate(specs):
            panel = render(spec, (size, size))
            drawn[number], marked[number] = np.asarray(panel.picture), np.asarray(panel.mask)
            if number % 400 == 0:
                say(f"{name}: rendered {number} of {count} panels of {size} pixels")
        drawn.flush()
        marked.flush()
        about.write_text(json.dumps(signature))
    return np.load(pictures, mmap_mode="r"), np.load(masks, mmap_mode="r"), specs
