"""Composition: spec in, picture and character mask out."""

from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np
from PIL import Image

from bullpen_starter.render import variation as vary
from bullpen_starter.render.figures import Standing, stand
from bullpen_starter.render.light import Lit, illuminate, wash
from bullpen_starter.render.scenes import SCENE_DRAWERS
from bullpen_starter.render.spec import SKETCH, Character, PanelSpec, Variation
from bullpen_starter.render.stage import Array, Camera, Layers, Stage
from bullpen_starter.render.styles import STYLE_FUNCTIONS, frame
from bullpen_starter.render.weather import air, drops

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Panel:
    """A rendered panel: RGB picture, and an L mask that is non-zero on exactly the pixels of the heroes.

    `masks` are those of each hero alone, in the order of `spec.characters`.
    """

    picture: Image.Image
    mask: Image.Image
    masks: tuple[Image.Image, ...] = ()


@lru_cache(maxsize=16)
def _layers(scene: str, layout: int, size: Size) -> Layers:
    look = Random(vary.stable("camera", scene, layout))
    camera = Camera(look.random() < 0.5, 1 + 0.16 * look.random(), (look.random(), look.uniform(0.3, 1.0)))
    stage = Stage(size, camera)
    SCENE_DRAWERS[scene](stage, Random(vary.stable(scene, layout)))
    return stage.layers()


@lru_cache(maxsize=8)
def _drawn(
    scene: str, layout: int, size: Size, style: str, time: str, colours: int, sky: int
) -> tuple[Layers, Lit, Array]:
    """A place in a style at an hour, before weather and heroes; the pictures of one chain share a few of these."""
    layers = _layers(scene, layout, size)
    lit = illuminate(layers, size, time, Variation(colours, sky))
    picture = STYLE_FUNCTIONS[style](lit, layers, size)
    if style != SKETCH:
        picture = wash(picture, size, colours, 0.75)
    if style != SKETCH and time != "day":
        picture = wash(picture, size, sky, 0.6)
    picture.setflags(write=False)
    return layers, lit, picture


def _image(picture: Array) -> Image.Image:
    return Image.fromarray(np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8))


def _lit_figure(who: Character, spec: PanelSpec, size: Size, lit: Lit) -> Standing:
    """A hero keeps its colours so that a reader can follow it; light and air touch it a little."""
    level = 0.62 + 0.38 * np.asarray(lit.light.lit, dtype=np.float32)
    if spec.weather == "storm":
        level = level * 0.92
    light = (float(level[0]), float(level[1]), float(level[2]))
    haze = 0.14 if spec.weather == "fog" else 0.0
    return stand(who, size, vary.fields(spec.variation.pose), spec.style, light, lit.light.tint, haze)


def render(spec: PanelSpec, size: Size = (128, 128)) -> Panel:
    """Draw one panel of `size` (width, height) pixels.

    Deterministic in `spec` and `size`. Raises `ValueError` for a size below 32 pixels.
    """
    if min(size) < 32:
        raise ValueError(f"a panel needs at least 32 by 32 pixels, not {size[0]} by {size[1]}")
    open_ends = spec.variation
    layers, lit, picture = _drawn(
        spec.scene, spec.layout, size, spec.style, spec.time, open_ends.colours, open_ends.sky
    )
    drawn = spec.style != SKETCH
    if drawn and spec.weather != "clear":
        picture = wash(picture, size, spec.variation.drops, 0.6)
        picture = air(picture, lit, layers, spec.style, spec.weather, size, spec.variation.drops)
    picture = np.array(picture, dtype=np.float32)
    masks = [np.zeros((size[1], size[0]), dtype=np.uint8) for _ in spec.characters]
    for who, alone in zip(spec.characters, masks, strict=True):
        pixels, rows, columns = _lit_figure(who, spec, size, lit).clipped(size)
        alone[rows, columns] = pixels[..., 3]
        alpha = pixels[..., 3:].astype(np.float32) / 255
        under = picture[rows, columns]
        picture[rows, columns] = under + (pixels[..., :3].astype(np.float32) / 255 - under) * alpha
    if drawn:
        picture = drops(picture, lit, spec.style, spec.weather, size, spec.variation.drops)
    picture = frame(picture.astype(np.float32), spec.style, size)
    union = np.maximum.reduce(masks) if masks else np.zeros((size[1], size[0]), dtype=np.uint8)
    return Panel(_image(picture), Image.fromarray(union), tuple(Image.fromarray(mask) for mask in masks))
