"""Composition: spec in, picture and character mask out."""

from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np
from PIL import Image

from bullpen_starter.render import variation as vary
from bullpen_starter.render.figures import figure
from bullpen_starter.render.light import Lit, illuminate, rgb
from bullpen_starter.render.scenes import SCENE_DRAWERS
from bullpen_starter.render.spec import SKETCH, Character, PanelSpec
from bullpen_starter.render.stage import Array, Camera, Layers, Stage
from bullpen_starter.render.styles import STYLE_FUNCTIONS, frame
from bullpen_starter.render.weather import air, drops

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Panel:
    """A rendered panel: RGB picture, and an L mask that is non-zero on exactly the pixels of the heroes."""

    picture: Image.Image
    mask: Image.Image


@lru_cache(maxsize=16)
def _layers(scene: str, layout: int, size: Size) -> Layers:
    look = Random(vary.stable("camera", scene, layout))
    camera = Camera(look.random() < 0.5, 1 + 0.16 * look.random(), (look.random(), look.uniform(0.3, 1.0)))
    stage = Stage(size, camera)
    SCENE_DRAWERS[scene](stage, Random(vary.stable(scene, layout)))
    return stage.layers()


def _image(picture: Array) -> Image.Image:
    return Image.fromarray(np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8))


def _lit_figure(layer: Array, lit: Lit, style: str, weather: str) -> Array:
    """A hero keeps its colours so that a reader can follow it; light and air touch it a little."""
    if style == SKETCH:
        grey = layer.min(axis=-1, keepdims=True)
        lines = np.clip((0.3 - grey) * 5, 0, 1)
        drawn: Array = rgb((252, 252, 250)) * (1 - lines) + rgb((52, 54, 62)) * lines
        return drawn
    level = 0.62 + 0.38 * np.asarray(lit.light.lit, dtype=np.float32)
    out = layer * level
    if style == "watercolour":
        out = out * 0.86 + rgb((253, 249, 240)) * 0.14
    if weather == "fog":
        out = out * 0.86 + rgb(lit.light.tint) * 0.14
    return np.asarray(out, dtype=np.float32)


def render(spec: PanelSpec, size: Size = (128, 128)) -> Panel:
    """Draw one panel of `size` (width, height) pixels.

    Deterministic in `spec` and `size`. Raises `ValueError` for a size below 32 pixels.
    """
    if min(size) < 32:
        raise ValueError(f"a panel needs at least 32 by 32 pixels, not {size[0]} by {size[1]}")
    layers = _layers(spec.scene, spec.layout, size)
    lit = illuminate(layers, size, spec.time, spec.variation)
    picture = STYLE_FUNCTIONS[spec.style](lit, layers, size)
    drawn = spec.style != SKETCH
    if drawn:
        picture = air(picture, lit, layers, spec.weather, size, spec.variation.drops)
    mask = np.zeros((size[1], size[0]), dtype=np.float32)
    for who in spec.characters:
        layer = np.asarray(figure(who, size, vary.fields(spec.variation.pose)), dtype=np.float32) / 255
        alpha = layer[..., 3]
        shown = _lit_figure(layer[..., :3], lit, spec.style, spec.weather)
        picture = picture * (1 - alpha[..., None]) + shown * alpha[..., None]
        mask = np.maximum(mask, alpha)
    if drawn:
        picture = drops(picture, lit, spec.style, spec.weather, size, spec.variation.drops)
    picture = frame(picture.astype(np.float32), spec.style, size)
    return Panel(_image(picture), _image(mask))


def portrait(who: Character, size: Size = (128, 128)) -> Image.Image:
    """A reference picture of one hero on plain paper."""
    layer = figure(who.at("centre"), size, vary.fields(vary.stable("portrait")))
    paper = Image.new("RGB", size, (236, 234, 226))
    paper.paste(layer.convert("RGB"), (0, 0), layer.getchannel("A"))
    return paper
