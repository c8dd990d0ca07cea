"""Pictures of the story: a little harbour by a seed, and previews of it."""

from __future__ import annotations

import colorsys
import io
import random

from PIL import Image, ImageDraw


def picture(seed: int, side: int = 128, dusk: bool = False) -> Image.Image:
    """A little harbour: sky, sea, houses. The same seed gives the same pixels."""
    dice = random.Random(seed)
    hue = 0.08 if dusk else 0.55 + dice.random() * 0.08
    image = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(image)

    def colour(h: float, s: float, v: float) -> tuple[int, int, int]:
        red, green, blue = colorsys.hsv_to_rgb(h % 1.0, s, v)
        return int(red * 255), int(green * 255), int(blue * 255)

    for y in range(side):
        share = y / side
        sky = colour(hue + 0.1 * share, 0.55 - 0.3 * share, 0.35 + 0.5 * share)
        draw.line([(0, y), (side, y)], fill=sky if share < 0.68 else colour(hue, 0.5, 0.32 + 0.2 * (1 - share)))
    for house in range(7):
        left = house * side // 7 + dice.randint(-3, 3)
        top = int(side * (0.3 + 0.28 * dice.random()))
        wall = colour(hue + 0.45 + 0.08 * dice.random(), 0.45, 0.3 + 0.35 * dice.random())
        draw.rectangle([left, top, left + side // 8, int(side * 0.7)], fill=wall)
        for row in range(top + 5, int(side * 0.66), 9):
            for column in range(left + 3, left + side // 8 - 3, 6):
                if dice.random() < 0.6:
                    draw.rectangle([column, row, column + 2, row + 3], fill=colour(0.13, 0.6, 0.98))
    radius = side // 14
    draw.ellipse([side * 3 // 4, side // 8, side * 3 // 4 + 2 * radius, side // 8 + 2 * radius], fill=(245, 238, 205))
    return image


def png(seed: int, side: int = 128, dusk: bool = False) -> bytes:
    out = io.BytesIO()
    picture(seed, side, dusk).save(out, "PNG")
    return out.getvalue()


def preview(seed: int, share: float) -> bytes:
    """An unfinished picture: noise that gives way to the picture as `share` goes to 1."""
    done = picture(seed, 64, dusk=True)
    noise = Image.frombytes("RGB", (64, 64), random.Random(seed).randbytes(64 * 64 * 3))
    out = io.BytesIO()
    Image.blend(noise, done, share).save(out, "WEBP", quality=60)
    return out.getvalue()
