"""Six places of a harbour town. Each function draws one onto a stage; a layout seed decides where things stand.

Depth runs from 0 (at the reader) to 1 (horizon), so that fog and line weight follow perspective.
"""

from collections.abc import Callable
from random import Random

from bullpen_starter.render.stage import Stage

Scene = Callable[[Stage, Random], None]


def _mix(a: float, b: float, t: float) -> float:
    return a + (b - a) * t


def _skyline(s: Stage, r: Random, base: float, low: float, high: float, depth: float = 0.85) -> None:
    """A row of far houses from edge to edge."""
    x = -0.05
    while x < 1.02:
        width = r.uniform(0.09, 0.17)
        top = base - r.uniform(low, high)
        s.rect(x, top, x + width, base, r.choice(("plaster", "brick", "stone", "paint")), r.choice((0, 0.3)), depth)
        if r.random() < 0.6:
            s.poly([(x, top), (x + width / 2, top - 0.045), (x + width, top)], "roof", 0.1, depth, top=0.9)
        for k in range(2):
            wx = x + width * (0.22 + 0.36 * k)
            s.window(wx, top + 0.03, wx + width * 0.2, top + 0.065, depth)
        x += width


def _facade(s: Stage, r: Random, x0: float, x1: float, y0: float, y1: float, depth: float) -> None:
    """A house front with rows of windows, a cornice and a shadowed side."""
    material = r.choice(("brick", "plaster", "paint", "stone"))
    s.rect(x0, y0, x1, y1, material, 0.0, depth)
    s.rect(x0 - 0.012, y0 - 0.02, x1 + 0.012, y0 + 0.012, "stone", 0.1, depth, top=0.9)
    columns, rows = (2 if x1 - x0 < 0.26 else 3), max(2, int((y1 - y0) / 0.16))
    for row in range(rows):
        for column in range(columns):
            wx = _mix(x0, x1, (column + 0.28) / columns)
            wy = _mix(y0 + 0.03, y1, (row + 0.18) / rows)
            s.window(wx, wy, wx + (x1 - x0) / columns * 0.46, wy + (y1 - y0) / rows * 0.5, depth)
    s.dark([(x1 - 0.05, y0), (x1, y0), (x1, y1), (x1 - 0.05, y1)], 0.75)


def _lamp_post(s: Stage, x: float, foot: float, height: float, depth: float) -> None:
    s.rect(x - 0.008, foot - height, x + 0.008, foot, "dark", 0.3, depth, outline=1.2)
    s.rect(x - 0.024, foot - height - 0.055, x + 0.024, foot - height, "cloth_b", 0, depth, outline=1.6)
    s.lamp(x, foot - height - 0.028)


def _boat(s: Stage, r: Random, x: float, y: float, scale: float, depth: float) -> None:
    w, h = 0.17 * scale, 0.06 * scale
    s.line([(x, y), (x, y - 0.3 * scale)], 2.0)
    s.poly([(x + 0.008, y - 0.29 * scale), (x + 0.13 * scale, y - 0.03), (x + 0.008, y - 0.03)], "sail", 0, depth)
    if r.random() < 0.6:
        s.poly([(x - 0.01, y - 0.25 * scale), (x - 0.1 * scale, y - 0.03), (x - 0.01, y - 0.03)], "cloth_a", 0.2, depth)
    s.poly([(x - w, y - h), (x + w, y - h), (x + w * 0.72, y + h), (x - w * 0.72, y + h)], "hull", 0, depth)
    s.dark([(x - w * 0.8, y + h * 0.2), (x + w * 0.85, y + h * 0.2), (x + w * 0.72, y + h), (x - w * 0.72, y + h)], 0.8)
    s.line([(x - w * 0.9, y - h * 0.4), (x + w * 0.92, y - h * 0.4)], 1.2)


def _waves(s: Stage, r: Random, top: float, bottom: float, count: int) -> None:
    for _ in range(count):
        t = r.random()
        y, x, w = _mix(top + 0.015, bottom, t), r.random(), _mix(0.02, 0.08, t)
        s.line([(x - w, y), (x - w / 2, y - 0.008), (x, y), (x + w / 2, y - 0.008), (x + w, y)], 1.2, 0.7)


def pier(s: Stage, r: Random) -> None:
    """Planks running to a vanishing point over the sea, a hut, posts and a boat."""
    horizon, vanish = r.uniform(0.4, 0.5), r.uniform(0.38, 0.62)
    if r.random() < 0.7:
        peak = r.uniform(0.1, 0.9)
        s.poly(
            [(peak - 0.3, horizon), (peak, horizon - r.uniform(0.07, 0.14)), (peak + 0.34, horizon)], "hill", 0.1, 0.95
        )
    s.rect(-0.02, horizon, 1.02, 1.02, "sea", 0.1, 0.7)
    _waves(s, r, horizon, 0.98, 16)
    side = r.choice((-1, 1))
    _boat(s, r, 0.5 - side * r.uniform(0.3, 0.36), horizon + 0.1, r.uniform(0.8, 1.05), 0.6)
    left, right = vanish - r.uniform(0.38, 0.48), vanish + r.uniform(0.38, 0.48)
    near, far = 0.1, horizon + 0.02
    s.poly([(vanish - near, far), (vanish + near, far), (right, 1.02), (left, 1.02)], "wood", 0, 0.3, top=0.9)
    for k in range(1, 8):
        t = (k / 8) ** 1.7
        y = _mix(far, 1.02, t)
        s.line([(_mix(vanish - near, left, t), y), (_mix(vanish + near, right, t), y)], 1.0 + t, 0.8)
    s.dark([(vanish - near, far), (vanish - near * 0.3, far), (left + 0.16, 1.02), (left, 1.02)], 0.6)
    hut = vanish + side * r.uniform(0.0, 0.05)
    s.rect(hut - 0.11, far - 0.17, hut + 0.11, far + 0.03, "paint", 0, 0.5)
    s.poly([(hut - 0.14, far - 0.16), (hut, far - 0.27), (hut + 0.14, far - 0.16)], "roof", 0.1, 0.5, top=1.0)
    s.dark(
        [(hut + 0.04, far - 0.16), (hut + 0.11, far - 0.16), (hut + 0.11, far + 0.03), (hut + 0.04, far + 0.03)], 0.8
    )
    s.window(hut - 0.08, far - 0.12, hut - 0.02, far - 0.05, 0.5)
    s.rect(hut + 0.02, far - 0.11, hut + 0.07, far + 0.03, "dark_wood", 0.2, 0.5)
    for t in (0.16, 0.42, 0.85):
        for edge, start in ((left, vanish - near), (right, vanish + near)):
            x, y, w = _mix(start, edge, t), _mix(far, 1.02, t), 0.012 + 0.018 * t
            s.rect(x - w, y - 0.07 - 0.12 * t, x + w, y + 0.02, "dark_wood", 0.2, 0.3 * (1 - t), top=0.3)
    _lamp_post(s, _mix(vanish - side * near, left if side > 0 else right, 0.3), _mix(far, 1.0, 0.3), 0.3, 0.35)


def market(s: Stage, r: Random) -> None:
    """Striped awnings over crates on a square, house fronts behind."""
    ground = r.uniform(0.6, 0.66)
    x = -0.03
    while x < 1.0:
        width = r.uniform(0.24, 0.36)
        _facade(s, r, x, x + width, r.uniform(0.08, 0.24), ground, 0.7)
        x += width + 0.01
    s.rect(-0.02, ground, 1.02, 1.02, "paving", 0, 0.3, top=0.9)
    for k in range(1, 5):
        s.line([(-0.02, _mix(ground, 1.02, (k / 5) ** 1.5)), (1.02, _mix(ground, 1.02, (k / 5) ** 1.5))], 1.0, 0.5)
    vanish = r.uniform(0.4, 0.6)
    for k in range(-5, 6):
        s.line([(vanish + k * 0.09, ground), (vanish + k * 0.26, 1.02)], 1.0, 0.5)
    x = r.uniform(-0.08, 0.04)
    while x < 0.95:
        width, top = r.uniform(0.26, 0.34), ground - r.uniform(0.2, 0.24)
        s.rect(x + 0.02, top, x + width - 0.02, ground, "dark_wood", 0.9, 0.5)
        s.rect(x + 0.01, ground - 0.07, x + width - 0.01, ground + 0.05, "wood", 0.1, 0.4, top=0.2)
        goods = r.choice(("cloth_a", "cloth_c", "leaf"))
        for k in range(5):
            s.ellipse(x + 0.05 + k * (width - 0.1) / 4, ground - 0.08, 0.026, 0.024, goods, 0, 0.4)
        stripes = 6
        cloth = r.choice(("cloth_a", "cloth_c", "leaf"))
        for k in range(stripes):
            a, b = _mix(x, x + width, k / stripes), _mix(x, x + width, (k + 1) / stripes)
            ua, ub = _mix(x + 0.03, x + width - 0.03, k / stripes), _mix(x + 0.03, x + width - 0.03, (k + 1) / stripes)
            s.poly(
                [(ua, top - 0.09), (ub, top - 0.09), (b, top + 0.03), (a, top + 0.03)],
                cloth if k % 2 else "cloth_b",
                0,
                0.4,
                top=0.9,
                outline=1.4,
            )
        for foot in (x + 0.015, x + width - 0.015):
            s.line([(foot, top + 0.03), (foot, ground + 0.05)], 2.4)
        x += width + r.uniform(0.05, 0.1)
    _lamp_post(s, r.choice((0.07, 0.93)), ground + 0.1, 0.42, 0.3)


def rooftop(s: Stage, r: Random) -> None:
    """A parapet above the town, chimneys, a water tank and an aerial against a big sky."""
    _skyline(s, r, r.uniform(0.66, 0.7), 0.14, 0.34)
    roof = r.uniform(0.64, 0.7)
    s.rect(-0.02, roof, 1.02, 1.02, "stone", 0.1, 0.3, top=0.9)
    s.rect(-0.02, roof - 0.06, 1.02, roof + 0.02, "brick", 0, 0.35, top=0.8)
    for k in range(12):
        s.line([(k / 11, roof - 0.06), (k / 11, roof + 0.02)], 1.0, 0.6)
    s.dark([(-0.02, roof + 0.02), (1.02, roof + 0.02), (1.02, roof + 0.07), (-0.02, roof + 0.07)], 0.7)
    for k in range(1, 4):
        s.line([(-0.02, roof + 0.1 * k), (1.02, roof + 0.1 * k)], 1.0, 0.45)
    flip = r.random() < 0.5

    def m(x: float) -> float:
        return 1 - x if flip else x

    x = r.uniform(0.14, 0.22)
    tank = roof - 0.14
    for dx in (-0.07, 0.07):
        s.line([(m(x + dx), tank), (m(x + dx * 1.3), roof + 0.05)], 2.6)
    s.line([(m(x - 0.08), roof), (m(x + 0.07), tank)], 1.4)
    s.rect(min(m(x - 0.1), m(x + 0.1)), tank - 0.22, max(m(x - 0.1), m(x + 0.1)), tank, "wood", 0, 0.35)
    for k in range(1, 5):
        s.line([(m(x - 0.1 + 0.04 * k), tank - 0.22), (m(x - 0.1 + 0.04 * k), tank)], 1.0, 0.7)
    s.poly([(m(x - 0.12), tank - 0.21), (m(x), tank - 0.32), (m(x + 0.12), tank - 0.21)], "roof", 0.1, 0.35, top=1.0)
    right = max(m(x - 0.1), m(x + 0.1))
    s.dark([(right - 0.07, tank - 0.22), (right, tank - 0.22), (right, tank), (right - 0.07, tank)], 0.8)
    for at in (r.uniform(0.48, 0.56), r.uniform(0.78, 0.88)):
        height = r.uniform(0.14, 0.22)
        a, b = sorted((m(at - 0.055), m(at + 0.055)))
        s.rect(a, roof - height, b, roof + 0.06, "brick", 0, 0.3)
        s.dark([(b - 0.04, roof - height), (b, roof - height), (b, roof + 0.06), (b - 0.04, roof + 0.06)], 0.9)
        s.rect(a - 0.012, roof - height - 0.025, b + 0.012, roof - height + 0.012, "stone", 0, 0.3, top=1.0)
    mast = m(r.uniform(0.64, 0.7))
    s.line([(mast, roof), (mast, roof - 0.4)], 2.0)
    for k in range(3):
        s.line(
            [(mast - 0.06 + 0.012 * k, roof - 0.38 + 0.05 * k), (mast + 0.06 - 0.012 * k, roof - 0.38 + 0.05 * k)], 1.6
        )
    s.lamp(mast, roof - 0.41)


def station(s: Stage, r: Random) -> None:
    """A platform under a glass roof, a train on one side, a clock, lamps to the vanishing point."""
    vx, vy = r.uniform(0.42, 0.58), r.uniform(0.46, 0.52)
    side = r.choice((-1, 1))
    _skyline(s, r, vy + 0.03, 0.05, 0.14, 0.9)
    s.rect(-0.02, vy + 0.02, 1.02, 1.02, "dark", 0.3, 0.5)
    wall = 0.5 - side * 0.54
    s.poly([(wall, 0.16), (vx - side * 0.05, vy - 0.1), (vx - side * 0.05, vy + 0.03), (wall, 0.86)], "brick", 0.2, 0.4)
    for k in range(4):
        t0, t1 = 0.08 + 0.23 * k, 0.2 + 0.23 * k
        x0, x1 = _mix(wall, vx - side * 0.05, t0), _mix(wall, vx - side * 0.05, t1)
        top, low = _mix(0.34, vy - 0.05, (t0 + t1) / 2), _mix(0.6, vy + 0.01, (t0 + t1) / 2)
        s.window(min(x0, x1), top, max(x0, x1), low, 0.4)
    edge = vx + side * r.uniform(0.1, 0.18)
    s.poly(
        [(vx - side * 0.05, vy + 0.03), (vx + side * 0.015, vy + 0.03), (edge, 1.02), (wall, 1.02), (wall, 0.86)],
        "paving",
        0,
        0.3,
    )
    s.line([(vx + side * 0.008, vy + 0.03), (edge - side * 0.05, 1.02)], 2.0, 0.8)
    far = vx + side * 0.04
    out = 0.5 + side * 0.54
    s.poly([(far, vy - 0.07), (out, 0.2), (out, 0.98), (far, vy + 0.06)], "hull", 0, 0.35)
    s.dark([(far, vy + 0.03), (out, 0.72), (out, 0.98), (far, vy + 0.06)], 0.9)
    s.poly([(far, vy - 0.085), (out, 0.12), (out, 0.24), (far, vy - 0.06)], "metal", 0.2, 0.35, top=0.9)
    for k in range(4):
        t0, t1 = 0.14 + 0.22 * k, 0.28 + 0.22 * k
        x0, x1 = _mix(far, out, t0), _mix(far, out, t1)
        top, low = _mix(vy - 0.045, 0.33, (t0 + t1) / 2), _mix(vy - 0.005, 0.52, (t0 + t1) / 2)
        s.window(min(x0, x1), top, max(x0, x1), low, 0.35)
    s.line([(far, vy + 0.012), (out, 0.6)], 2.0)
    beam = r.uniform(0.0, 0.05)
    s.poly(
        [(wall, beam), (vx - side * 0.02, vy - 0.16), (vx - side * 0.02, vy - 0.13), (wall, beam + 0.1)],
        "metal",
        0.4,
        0.3,
        top=0.8,
    )
    for t in (0.08, 0.4, 0.66):
        x = _mix(wall + side * 0.16, vx - side * 0.03, t)
        s.line([(x, _mix(beam + 0.08, vy - 0.13, t)), (x, _mix(0.94, vy + 0.04, t))], 4.0 - 3 * t)
        s.lamp(x + side * 0.03 * (1 - t), _mix(beam + 0.17, vy - 0.1, t))
    cx, cy = _mix(wall, vx, 0.62), _mix(beam + 0.2, vy - 0.1, 0.5)
    s.ellipse(cx, cy, 0.055, 0.055, "cloth_b", 0, 0.3)
    s.line([(cx, cy), (cx, cy - 0.04)], 1.6)
    s.line([(cx, cy), (cx + 0.028, cy + 0.012)], 1.6)


def alley(s: Stage, r: Random) -> None:
    """Two tall walls in perspective, a strip of sky, washing lines, stairs and a lamp."""
    vx, vy = r.uniform(0.42, 0.58), r.uniform(0.44, 0.5)
    half = r.uniform(0.09, 0.12)
    s.rect(vx - half, vy - 0.2, vx + half, vy + 0.1, "plaster", 0.1, 0.85)
    s.poly([(vx - half - 0.02, vy - 0.19), (vx, vy - 0.28), (vx + half + 0.02, vy - 0.19)], "roof", 0, 0.85, top=1.0)
    s.window(vx - half * 0.5, vy - 0.13, vx + half * 0.5, vy - 0.04, 0.85)
    s.poly([(vx - half, vy + 0.08), (vx + half, vy + 0.08), (0.86, 1.02), (0.14, 1.02)], "paving", 0, 0.3, top=0.9)
    for k in range(1, 6):
        t = (k / 6) ** 1.5
        y = _mix(vy + 0.08, 1.02, t)
        s.line([(_mix(vx - half, 0.14, t), y), (_mix(vx + half, 0.86, t), y)], 1.2, 0.6)
    for side in (-1, 1):
        inner, shade = vx + side * half, 0.8 if side > 0 else 0.0
        outer = 0.5 + side * 0.52
        corner = 0.5 + side * 0.36
        material = r.choice(("brick", "plaster", "paint", "stone"))
        s.poly(
            [
                (outer, -0.02),
                (0.5 + side * 0.3, -0.02),
                (inner, vy - 0.3),
                (inner, vy + 0.08),
                (corner, 1.02),
                (outer, 1.02),
            ],
            material,
            shade,
            0.4,
        )
        for k in range(3):
            t0, t1 = 0.1 + 0.28 * k, 0.25 + 0.28 * k
            for level in (0.16, 0.5):
                x0, x1 = _mix(outer, inner, t0), _mix(outer, inner, t1)
                ta = (t0 + t1) / 2
                top, low = (
                    _mix(level, vy - 0.22 + level * 0.3, ta),
                    _mix(level + 0.17, vy - 0.22 + level * 0.3 + 0.05, ta),
                )
                s.window(min(x0, x1), top, max(x0, x1), low, 0.4)
        for k in range(3):
            y = _mix(0.1, 0.8, (k + r.random()) / 3)
            s.line([(outer, y), (_mix(outer, inner, 0.5), _mix(y, vy, 0.5))], 1.0, 0.45)
    rope = vy - r.uniform(0.18, 0.24)
    s.line([(0.2, rope - 0.07), (0.5, rope - 0.02), (0.8, rope - 0.07)], 1.4)
    for k in range(4):
        x = 0.29 + 0.12 * k
        s.rect(
            x, rope - 0.05, x + 0.08, rope + r.uniform(0.04, 0.09), r.choice(("cloth_a", "cloth_b", "cloth_c")), 0, 0.35
        )
    side = r.choice((-1, 1))
    foot = 0.5 + side * 0.3
    for k in range(3):
        a, b = sorted((foot + side * 0.06 * k, 0.5 + side * 0.5))
        s.rect(a, 0.86 - 0.06 * k, b, 0.94 - 0.06 * k, "stone", 0.3 * k, 0.2, top=0.9)
    _lamp_post(s, 0.5 - side * 0.28, 0.8, 0.36, 0.3)


def harbour(s: Stage, r: Random) -> None:
    """A bay with a town along it, boats at anchor, a lighthouse, a quay in front."""
    water = r.uniform(0.46, 0.53)
    peak = r.uniform(0.15, 0.85)
    s.poly(
        [(peak - 0.5, water), (peak - 0.1, water - 0.24), (peak + 0.05, water - 0.2), (peak + 0.5, water)],
        "hill",
        0.1,
        0.95,
    )
    side = r.choice((-1, 1))
    _skyline(s, r, water, 0.07, 0.17, 0.8)
    s.rect(-0.02, water, 1.02, 1.02, "sea", 0.1, 0.6)
    _waves(s, r, water, 0.8, 12)
    x = 0.5 + side * r.uniform(0.28, 0.36)
    s.poly(
        [(x - 0.14, water + 0.05), (x - 0.09, water - 0.01), (x + 0.09, water - 0.01), (x + 0.14, water + 0.05)],
        "stone",
        0.2,
        0.6,
        top=0.7,
    )
    s.poly(
        [(x - 0.055, water), (x - 0.038, water - 0.3), (x + 0.038, water - 0.3), (x + 0.055, water)], "cloth_b", 0, 0.55
    )
    for k in range(2):
        y = water - 0.07 - 0.13 * k
        s.rect(x - 0.047 + 0.006 * k, y - 0.06, x + 0.047 - 0.006 * k, y, "cloth_a", 0, 0.55, outline=1.2)
    s.dark([(x + 0.012, water - 0.3), (x + 0.038, water - 0.3), (x + 0.055, water), (x + 0.012, water)], 0.8)
    s.rect(x - 0.03, water - 0.36, x + 0.03, water - 0.3, "glass", 0, 0.55)
    s.lamp(x, water - 0.33)
    s.poly([(x - 0.05, water - 0.355), (x, water - 0.42), (x + 0.05, water - 0.355)], "roof", 0, 0.55, top=1.0)
    for k, at in enumerate((0.5 - side * r.uniform(0.26, 0.34), 0.5 - side * r.uniform(-0.04, 0.06))):
        _boat(s, r, at, water + 0.11 + 0.05 * k, r.uniform(0.85, 1.15), 0.45 - 0.1 * k)
    quay = r.uniform(0.78, 0.83)
    s.rect(-0.02, quay, 1.02, 1.02, "paving", 0, 0.2, top=0.9)
    s.rect(-0.02, quay, 1.02, quay + 0.035, "stone", 0.6, 0.2)
    for k in range(-3, 4):
        s.line([(0.5 + k * 0.16, quay + 0.035), (0.5 + k * 0.26, 1.02)], 1.2, 0.6)
    for at in (r.uniform(0.04, 0.12), r.uniform(0.86, 0.95)):
        s.rect(at - 0.03, quay - 0.06, at + 0.03, quay + 0.03, "dark", 0.3, 0.1, top=0.9)
        s.rect(at - 0.042, quay - 0.075, at + 0.042, quay - 0.05, "dark", 0.0, 0.1, top=0.9)


SCENE_DRAWERS: dict[str, Scene] = {
    "pier": pier,
    "market": market,
    "rooftop": rooftop,
    "station": station,
    "alley": alley,
    "harbour": harbour,
}
