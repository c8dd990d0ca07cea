"""A stone bridge over a canal between two rows of houses."""

from random import Random

import numpy as np

from bullpen_starter.render.scenes.parts import facade, lamp_post, mix, skyline, waves
from bullpen_starter.render.stage import Point, Stage


def _arch(x: float, y: float, half: float, rise: float) -> list[Point]:
    """Points of a half ellipse from left foot to right foot."""
    return [
        (x - half * float(np.cos(angle)), y - rise * float(np.sin(angle))) for angle in np.linspace(0, float(np.pi), 13)
    ]


def _barge(s: Stage, r: Random, x: float, y: float, scale: float) -> None:
    w, h = 0.17 * scale, 0.05 * scale
    s.rect(x - w * 0.5, y - h * 2.3, x + w * 0.35, y - h * 0.5, r.choice(("paint", "cloth_c")), 0, 0.3)
    s.rect(x - w * 0.56, y - h * 2.7, x + w * 0.41, y - h * 2.2, "roof", 0, 0.3, top=1.0)
    for k in range(2):
        s.window(x - w * (0.4 - 0.4 * k), y - h * 1.8, x - w * (0.18 - 0.4 * k), y - h * 1.0, 0.3)
    s.poly([(x - w, y - h), (x + w * 1.05, y - h), (x + w * 0.8, y + h), (x - w * 0.85, y + h)], "hull", 0, 0.25)
    s.dark([(x - w * 0.9, y), (x + w * 0.92, y), (x + w * 0.8, y + h), (x - w * 0.85, y + h)], 0.8)
    s.line([(x - w * 0.95, y - h * 0.35), (x + w, y - h * 0.35)], 1.4)


def bridge(s: Stage, r: Random) -> None:
    """An arch from bank to bank, its reflection closing the circle, house fronts, a quay and a barge."""
    water = r.uniform(0.58, 0.64)
    middle, half = r.uniform(0.44, 0.56), r.uniform(0.2, 0.24)
    skyline(s, r, water - 0.04, 0.1, 0.22, 0.9)
    s.rect(-0.02, water - 0.05, 1.02, 1.02, "sea", 0.1, 0.6)
    for side in (-1, 1):
        a, b = sorted((middle + side * r.uniform(0.3, 0.34), 0.5 + side * 0.54))
        facade(s, r, a, b, r.uniform(0.06, 0.2), water, 0.6)
    spring, crown, deck = water + 0.02, r.uniform(0.2, 0.23), r.uniform(0.09, 0.12)
    rise = [(x, y - deck) for x, y in _arch(middle, spring, half + 0.16, crown)]
    road = [(-0.02, water - 0.1), *rise[2:-2], (1.02, water - 0.1)]
    opening = _arch(middle, spring, half, crown - 0.03)
    s.poly([*road, (1.02, spring), *reversed(opening), (-0.02, spring)], "stone", 0, 0.4, top=0.1)
    under = [(x + 0.03, y + 0.012) for x, y in opening]
    s.dark([*opening, *reversed(under)], 0.9)
    for k in range(13):
        angle = float(np.pi) * k / 12
        cx, cy = float(np.cos(angle)), float(np.sin(angle))
        s.line(
            [
                (middle - half * cx, spring - (crown - 0.03) * cy),
                (middle - (half + 0.05) * cx, spring - (crown + 0.015) * cy),
            ],
            1.4,
            0.9,
        )
    s.line(_arch(middle, spring, half + 0.05, crown + 0.015), 1.4)
    for k in range(10):
        x, y = r.choice((-1, 1)) * r.uniform(0.3, 0.5) + middle, mix(water - 0.06, spring - 0.02, k / 9)
        s.line([(x, y), (x + 0.05, y)], 1.0, 0.6)
    rail = [(x, y - 0.055) for x, y in road]
    s.poly([*rail, *reversed([(x, y - 0.025) for x, y in road])], "stone", 0.3, 0.35, top=1.0)
    for x, y in road[1:-1:2]:
        s.line([(x, y), (x, y - 0.03)], 1.6)
    s.dark([(-0.02, spring - 0.02), (middle - half, spring - 0.02), (middle - half, spring), (-0.02, spring)], 0.8)
    mirrored = [(x, 2 * spring - y * 1.0 - (spring - y) * 0.35) for x, y in opening]
    for (ax, ay), (bx, by) in zip(mirrored[:-1:2], mirrored[2::2], strict=True):
        s.line([(ax, ay), (mix(ax, bx, 0.72), mix(ay, by, 0.72))], 1.6, 0.8)
    s.dark([(-0.02, spring), (middle - half, spring), *mirrored[1:-1], (middle + half, spring), (1.02, spring),
            (1.02, spring + 0.15), (middle, spring + 0.2), (-0.02, spring + 0.15)], 0.45)  # fmt: skip
    waves(s, r, spring, 0.92, 9)
    _barge(s, r, middle + r.choice((-1, 1)) * r.uniform(0.14, 0.3), spring + r.uniform(0.12, 0.15), r.uniform(0.9, 1.1))
    quay = r.uniform(0.86, 0.89)
    s.rect(-0.02, quay, 1.02, 1.02, "paving", 0, 0.15, top=0.9)
    s.rect(-0.02, quay, 1.02, quay + 0.03, "stone", 0.5, 0.15, top=0.2)
    for k in range(-3, 4):
        s.line([(0.5 + k * 0.17, quay + 0.03), (0.5 + k * 0.24, 1.02)], 1.4, 0.6)
    lamp_post(s, r.choice((r.uniform(0.06, 0.1), r.uniform(0.9, 0.94))), quay + 0.04, 0.4, 0.15)
