"""The town garden: a path between lawns to a pavilion or a fountain."""

from random import Random

import numpy as np

from bullpen_starter.render.scenes.parts import lamp_post, mix, skyline
from bullpen_starter.render.stage import Point, Stage


def _cloud_of_leaves(s: Stage, r: Random, x: float, y: float, size: float, depth: float) -> None:
    """A crown with a scalloped edge, its lower right side in shadow."""
    points: list[Point] = []
    for k in range(24):
        angle = 2 * float(np.pi) * k / 24
        reach = size * (1.0 if k % 3 else 0.86) * r.uniform(0.95, 1.05)
        points.append((x + reach * float(np.cos(angle)), y + reach * 0.92 * float(np.sin(angle))))
    s.poly(points, "leaf", 0, depth, top=0.35)
    shadow = [(mix(x + size * 0.3, px, 0.97), mix(y + size * 0.3, py, 0.97)) for px, py in points[:9]]
    s.dark([*shadow, (x - size * 0.1, y + size * 0.35), (x + size * 0.3, y)], 0.8)
    for dx, dy in ((-0.35, -0.25), (0.1, -0.5), (-0.1, 0.15)):
        cx, cy = x + dx * size, y + dy * size
        s.line([(cx, cy), (cx + size * 0.12, cy + size * 0.1), (cx + size * 0.26, cy + size * 0.02)], 1.2, 0.8)


def _tree(s: Stage, r: Random, x: float, foot: float, height: float, depth: float) -> None:
    w = height * 0.055
    s.poly(
        [(x - w * 1.6, foot), (x - w, foot - height * 0.5), (x + w, foot - height * 0.5), (x + w * 1.6, foot)],
        "dark_wood",
        0.2,
        depth,
    )
    size = height * r.uniform(0.28, 0.33)
    _cloud_of_leaves(s, r, x, foot - height * 0.68, size, depth)


def _pavilion(s: Stage, x: float, foot: float) -> None:
    s.rect(x - 0.13, foot - 0.16, x + 0.13, foot, "dark", 0.5, 0.6)
    for k in range(4):
        at = x - 0.12 + 0.08 * k
        s.rect(at - 0.012, foot - 0.17, at + 0.012, foot, "cloth_b", 0.1, 0.55)
    s.poly([(x - 0.17, foot - 0.16), (x, foot - 0.31), (x + 0.17, foot - 0.16)], "roof", 0, 0.55, top=1.0)
    s.dark([(x, foot - 0.31), (x + 0.17, foot - 0.16), (x + 0.03, foot - 0.16)], 0.7)
    s.rect(x - 0.16, foot - 0.01, x + 0.16, foot + 0.025, "stone", 0, 0.5, top=0.9)
    s.line([(x, foot - 0.31), (x, foot - 0.36)], 1.6)
    s.lamp(x, foot - 0.12)


def _fountain(s: Stage, x: float, foot: float) -> None:
    for side in (-1, 1):
        for reach in (0.05, 0.1):
            top = foot - 0.26 + reach * 0.4
            s.line([(x, top), (x + side * reach, top + 0.02), (x + side * reach * 1.4, foot - 0.05)], 1.4, 0.8)
    s.rect(x - 0.018, foot - 0.22, x + 0.018, foot, "stone", 0.2, 0.5)
    s.poly([(x - 0.07, foot - 0.15), (x + 0.07, foot - 0.15), (x + 0.03, foot - 0.11), (x - 0.03, foot - 0.11)],
           "stone", 0.1, 0.5, top=0.6)  # fmt: skip
    s.ellipse(x, foot, 0.15, 0.04, "sea", 0, 0.5)
    s.poly([(x - 0.15, foot), (x + 0.15, foot), (x + 0.12, foot + 0.055), (x - 0.12, foot + 0.055)], "stone", 0, 0.45)
    s.dark([(x + 0.03, foot), (x + 0.15, foot), (x + 0.12, foot + 0.055), (x + 0.03, foot + 0.055)], 0.8)


def _bench(s: Stage, x: float, foot: float) -> None:
    for dx in (-0.09, 0.09):
        s.line([(x + dx, foot), (x + dx, foot - 0.14)], 2.6)
    for k in range(2):
        s.rect(x - 0.12, foot - 0.16 + 0.035 * k, x + 0.12, foot - 0.135 + 0.035 * k, "wood", 0, 0.2, top=0.5)
    s.poly([(x - 0.12, foot - 0.075), (x + 0.12, foot - 0.075), (x + 0.14, foot - 0.045), (x - 0.14, foot - 0.045)],
           "wood", 0.1, 0.2, top=0.9)  # fmt: skip


def garden(s: Stage, r: Random) -> None:
    """A path winding between lawns, a hedge and a fence behind, trees at the sides, a bench."""
    horizon = r.uniform(0.5, 0.56)
    skyline(s, r, horizon, 0.1, 0.2, 0.92)
    s.rect(-0.02, horizon, 1.02, 1.02, "leaf", 0, 0.5, top=0.9)
    x = -0.06
    while x < 1.02:
        width = r.uniform(0.12, 0.18)
        _cloud_of_leaves(s, r, x + width / 2, horizon - r.uniform(0.0, 0.03), width * 0.6, 0.75)
        x += width * 0.8
    s.rect(-0.02, horizon + 0.015, 1.02, horizon + 0.075, "leaf", 0.5, 0.65, top=0.9)
    for k in range(26):
        s.line([(k / 25, horizon - 0.03), (k / 25, horizon + 0.02)], 1.0, 0.8)
    s.line([(-0.02, horizon - 0.015), (1.02, horizon - 0.015)], 1.0, 0.9)
    centre, bend = r.uniform(0.42, 0.58), r.uniform(-0.12, 0.12)
    far = horizon + 0.08
    left: list[Point] = []
    right: list[Point] = []
    for k in range(9):
        t = k / 8
        y, w = mix(far, 1.02, t), mix(0.05, 0.34, t**1.3)
        x = centre + bend * float(np.sin(np.pi * t))
        left.append((x - w, y))
        right.append((x + w, y))
    s.poly([*left, *reversed(right)], "paving", 0, 0.35, top=0.85)
    for _ in range(12):
        t = r.random()
        x, y = centre + bend * float(np.sin(np.pi * t)) + r.uniform(-0.7, 0.7) * mix(0.05, 0.3, t), mix(far, 1.0, t)
        s.line([(x - 0.02 * (0.4 + t), y), (x + 0.02 * (0.4 + t), y)], 1.0, 0.6)
    for k in range(16):
        side = -1 if k % 2 else 1
        t = r.random()
        x, y = centre + side * mix(0.16, 0.48, r.random()), mix(far + 0.03, 0.98, t)
        s.line([(x - 0.012, y - 0.018), (x, y), (x + 0.012, y - 0.02)], 1.2, 0.7)
    (_pavilion if r.random() < 0.5 else _fountain)(s, centre, far + 0.02)
    side = r.choice((-1, 1))
    lamp_post(s, 0.5 - side * r.uniform(0.24, 0.28), 0.74, 0.3, 0.35)
    _tree(s, r, 0.5 + side * r.uniform(0.27, 0.32), 0.72, r.uniform(0.5, 0.56), 0.4)
    _tree(s, r, 0.5 - side * r.uniform(0.4, 0.45), 0.82, r.uniform(0.7, 0.78), 0.2)
    _bench(s, 0.5 + side * r.uniform(0.27, 0.33), 0.88)
