"""Above the town: the rooftop."""

from random import Random

from bullpen_starter.render.scenes.parts import skyline
from bullpen_starter.render.stage import Stage


def rooftop(s: Stage, r: Random) -> None:
    """A parapet above the town, chimneys, a water tank and an aerial against a big sky."""
    skyline(s, r, r.uniform(0.66, 0.7), 0.14, 0.34)
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
