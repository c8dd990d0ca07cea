"""What several places are built from: house fronts, lamps, boats, waves."""

from random import Random

from bullpen_starter.render.stage import Stage


def mix(a: float, b: float, t: float) -> float:
    """The point at share `t` of the way from `a` to `b`."""
    return a + (b - a) * t


def skyline(s: Stage, r: Random, base: float, low: float, high: float, depth: float = 0.85) -> None:
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


def facade(s: Stage, r: Random, x0: float, x1: float, y0: float, y1: float, depth: float) -> None:
    """A house front with rows of windows, a cornice and a shadowed side."""
    material = r.choice(("brick", "plaster", "paint", "stone"))
    s.rect(x0, y0, x1, y1, material, 0.0, depth)
    s.rect(x0 - 0.012, y0 - 0.02, x1 + 0.012, y0 + 0.012, "stone", 0.1, depth, top=0.9)
    columns, rows = (2 if x1 - x0 < 0.26 else 3), max(2, int((y1 - y0) / 0.16))
    for row in range(rows):
        for column in range(columns):
            wx = mix(x0, x1, (column + 0.28) / columns)
            wy = mix(y0 + 0.03, y1, (row + 0.18) / rows)
            s.window(wx, wy, wx + (x1 - x0) / columns * 0.46, wy + (y1 - y0) / rows * 0.5, depth)
    s.dark([(x1 - 0.05, y0), (x1, y0), (x1, y1), (x1 - 0.05, y1)], 0.75)


def lamp_post(s: Stage, x: float, foot: float, height: float, depth: float) -> None:
    """A street lamp with its light, standing at `foot`."""
    s.rect(x - 0.008, foot - height, x + 0.008, foot, "dark", 0.3, depth, outline=1.2)
    s.rect(x - 0.024, foot - height - 0.055, x + 0.024, foot - height, "cloth_b", 0, depth, outline=1.6)
    s.lamp(x, foot - height - 0.028)


def boat(s: Stage, r: Random, x: float, y: float, scale: float, depth: float) -> None:
    """A boat with one mast, centred on the waterline."""
    w, h = 0.17 * scale, 0.06 * scale
    s.line([(x, y), (x, y - 0.3 * scale)], 2.0)
    s.poly([(x + 0.008, y - 0.29 * scale), (x + 0.13 * scale, y - 0.03), (x + 0.008, y - 0.03)], "sail", 0, depth)
    if r.random() < 0.6:
        s.poly([(x - 0.01, y - 0.25 * scale), (x - 0.1 * scale, y - 0.03), (x - 0.01, y - 0.03)], "cloth_a", 0.2, depth)
    s.poly([(x - w, y - h), (x + w, y - h), (x + w * 0.72, y + h), (x - w * 0.72, y + h)], "hull", 0, depth)
    s.dark([(x - w * 0.8, y + h * 0.2), (x + w * 0.85, y + h * 0.2), (x + w * 0.72, y + h), (x - w * 0.72, y + h)], 0.8)
    s.line([(x - w * 0.9, y - h * 0.4), (x + w * 0.92, y - h * 0.4)], 1.2)


def waves(s: Stage, r: Random, top: float, bottom: float, count: int) -> None:
    """Small wave marks between two heights, larger towards the reader."""
    for _ in range(count):
        t = r.random()
        y, x, w = mix(top + 0.015, bottom, t), r.random(), mix(0.02, 0.08, t)
        s.line([(x - w, y), (x - w / 2, y - 0.008), (x, y), (x + w / 2, y - 0.008), (x + w, y)], 1.2, 0.7)
