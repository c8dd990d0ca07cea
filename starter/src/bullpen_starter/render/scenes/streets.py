"""Places between houses: the market, the alley and the station."""

from random import Random

from bullpen_starter.render.scenes.parts import facade, lamp_post, mix, skyline
from bullpen_starter.render.stage import Stage


def market(s: Stage, r: Random) -> None:
    """Striped awnings over crates on a square, house fronts behind."""
    ground = r.uniform(0.6, 0.66)
    x = -0.03
    while x < 1.0:
        width = r.uniform(0.24, 0.36)
        facade(s, r, x, x + width, r.uniform(0.08, 0.24), ground, 0.7)
        x += width + 0.01
    s.rect(-0.02, ground, 1.02, 1.02, "paving", 0, 0.3, top=0.9)
    for k in range(1, 5):
        s.line([(-0.02, mix(ground, 1.02, (k / 5) ** 1.5)), (1.02, mix(ground, 1.02, (k / 5) ** 1.5))], 1.0, 0.5)
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
            a, b = mix(x, x + width, k / stripes), mix(x, x + width, (k + 1) / stripes)
            ua, ub = mix(x + 0.03, x + width - 0.03, k / stripes), mix(x + 0.03, x + width - 0.03, (k + 1) / stripes)
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
    lamp_post(s, r.choice((0.07, 0.93)), ground + 0.1, 0.42, 0.3)


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
        y = mix(vy + 0.08, 1.02, t)
        s.line([(mix(vx - half, 0.14, t), y), (mix(vx + half, 0.86, t), y)], 1.2, 0.6)
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
                x0, x1 = mix(outer, inner, t0), mix(outer, inner, t1)
                ta = (t0 + t1) / 2
                top, low = (
                    mix(level, vy - 0.22 + level * 0.3, ta),
                    mix(level + 0.17, vy - 0.22 + level * 0.3 + 0.05, ta),
                )
                s.window(min(x0, x1), top, max(x0, x1), low, 0.4)
        for k in range(3):
            y = mix(0.1, 0.8, (k + r.random()) / 3)
            s.line([(outer, y), (mix(outer, inner, 0.5), mix(y, vy, 0.5))], 1.0, 0.45)
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
    lamp_post(s, 0.5 - side * 0.28, 0.8, 0.36, 0.3)


def station(s: Stage, r: Random) -> None:
    """A platform under a glass roof, a train on one side, a clock, lamps to the vanishing point."""
    vx, vy = r.uniform(0.42, 0.58), r.uniform(0.46, 0.52)
    side = r.choice((-1, 1))
    skyline(s, r, vy + 0.03, 0.05, 0.14, 0.9)
    s.rect(-0.02, vy + 0.02, 1.02, 1.02, "dark", 0.3, 0.5)
    wall = 0.5 - side * 0.54
    s.poly([(wall, 0.16), (vx - side * 0.05, vy - 0.1), (vx - side * 0.05, vy + 0.03), (wall, 0.86)], "brick", 0.2, 0.4)
    for k in range(4):
        t0, t1 = 0.08 + 0.23 * k, 0.2 + 0.23 * k
        x0, x1 = mix(wall, vx - side * 0.05, t0), mix(wall, vx - side * 0.05, t1)
        top, low = mix(0.34, vy - 0.05, (t0 + t1) / 2), mix(0.6, vy + 0.01, (t0 + t1) / 2)
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
        x0, x1 = mix(far, out, t0), mix(far, out, t1)
        top, low = mix(vy - 0.045, 0.33, (t0 + t1) / 2), mix(vy - 0.005, 0.52, (t0 + t1) / 2)
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
        x = mix(wall + side * 0.16, vx - side * 0.03, t)
        s.line([(x, mix(beam + 0.08, vy - 0.13, t)), (x, mix(0.94, vy + 0.04, t))], 4.0 - 3 * t)
        s.lamp(x + side * 0.03 * (1 - t), mix(beam + 0.17, vy - 0.1, t))
    cx, cy = mix(wall, vx, 0.62), mix(beam + 0.2, vy - 0.1, 0.5)
    s.ellipse(cx, cy, 0.055, 0.055, "cloth_b", 0, 0.3)
    s.line([(cx, cy), (cx, cy - 0.04)], 1.6)
    s.line([(cx, cy), (cx + 0.028, cy + 0.012)], 1.6)
