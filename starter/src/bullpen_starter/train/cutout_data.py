"""Training pictures of the cutout network: parts of rendered panels, roughened, each with its exact alpha.

One picture in four is put together anew: the characters of one panel before an empty panel or before plain colours,
so that the network learns people and not the places in which they usually stand.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bullpen_starter.networks.matting import DEVIATION, MEAN, SIDE
from bullpen_starter.render import PanelSpec
from bullpen_starter.train import roughen
from bullpen_starter.train.panelpack import Pixels, panel_pack

Box = tuple[float, float, float, float]
FloatArray = NDArray[np.float32]


def normalised(picture: Image.Image) -> FloatArray:
    """(3, height, width) as rembg's session makes it: divided by the brightest value, then by ImageNet's figures."""
    values = np.asarray(picture, dtype=np.float32)
    values = values / max(float(values.max()), 1e-6)
    scaled = (values - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


class _Pack:
    """Panels of one size, and the numbers of those without characters."""

    def __init__(self, pictures: Pixels, masks: Pixels, specs: list[PanelSpec]) -> None:
        self.pictures, self.masks = pictures, masks
        self.empty = [number for number, spec in enumerate(specs) if not spec.characters]


class Pictures:
    """Endless training pictures from packs under `cache`; the same seed gives the same pictures.

    `count` panels are of `size` pixels, a third as many of half that, which have their own width of lines.
    """

    def __init__(self, cache: Path, count: int, size: int, seed: int) -> None:
        self._packs = [
            _Pack(*panel_pack(cache, "cutout", size, count)),
            _Pack(*panel_pack(cache, "cutout-small", size // 2, count // 3)),
        ]
        self._rng = np.random.default_rng(seed)

    def _backdrop(self, panels: _Pack) -> Pixels:
        rng, size = self._rng, panels.pictures.shape[1]
        if panels.empty and rng.random() < 0.6:
            backdrop: Pixels = panels.pictures[panels.empty[int(rng.integers(len(panels.empty)))]]
            return backdrop if rng.random() < 0.5 else np.ascontiguousarray(backdrop[:, ::-1])
        one, two = rng.integers(0, 256, (2, 3))
        ramp = np.linspace(0, 1, size)[:, None, None] * (rng.random() < 0.5)
        return np.broadcast_to(one + (two - one) * ramp, (size, size, 3)).astype(np.uint8)

    def _panel(self) -> tuple[Image.Image, Image.Image]:
        panels = self._packs[int(self._rng.random() < 0.35)]
        number = int(self._rng.integers(len(panels.pictures)))
        picture, mask = panels.pictures[number], panels.masks[number]
        if self._rng.random() < 0.25:
            share = mask[..., None].astype(np.float32) / 255
            mixed = picture * share + self._backdrop(panels) * (1 - share)
            picture = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
        pair = Image.fromarray(np.ascontiguousarray(picture)), Image.fromarray(np.ascontiguousarray(mask))
        if self._rng.random() < 0.5:
            return tuple(part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for part in pair)  # type: ignore[return-value]
        return pair

    def _box(self, mask: Image.Image, side: int) -> Box:
        """Where to cut: a part as large as `side` pixels are of a whole picture of 320, give or take a third."""
        rng, size = self._rng, mask.width
        wide, high = (min(1.0, side / SIDE * rng.uniform(0.75, 1.35)) * size for _ in range(2))
        x, y = rng.uniform(0, size - wide), rng.uniform(0, size - high)
        rows, columns = np.nonzero(np.asarray(mask.reduce(8)) > 100)
        if len(rows) and rng.random() < 0.7:
            pick = int(rng.integers(len(rows)))
            x = float(np.clip(columns[pick] * 8 - wide * rng.uniform(0.2, 0.8), 0, size - wide))
            y = float(np.clip(rows[pick] * 8 - high * rng.uniform(0.2, 0.8), 0, size - high))
        return (x, y, x + wide, y + high)

    def _rough(self, picture: Image.Image) -> Image.Image:
        rng = self._rng
        for chance, change in (
            (0.35, roughen.coarse),
            (0.15, roughen.blurred),
            (0.3, roughen.relit),
            (0.25, roughen.noisy),
            (0.25, roughen.jpeg),
        ):
            if rng.random() < chance:
                picture = change(picture, rng)
        return picture

    def batch(self, number: int, side: int) -> tuple[FloatArray, FloatArray]:
        """`number` pictures (n, 3, side, side), normalised, and their alpha (n, 1, side, side) in 0..1.

        At the full 320 pixels most pictures are whole panels.
        """
        pictures, alphas = [], []
        for _ in range(number):
            picture, mask = self._panel()
            whole = side == SIDE and self._rng.random() < 0.7
            box = (0.0, 0.0, float(mask.width), float(mask.height)) if whole else self._box(mask, side)
            filters = Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR
            chosen = filters[int(self._rng.integers(3))]
            pictures.append(normalised(self._rough(picture.resize((side, side), chosen, box))))
            alpha = np.asarray(mask.resize((side, side), Image.Resampling.BILINEAR, box), dtype=np.float32) / 255
            alphas.append(alpha[None])
        return np.stack(pictures), np.stack(alphas)
