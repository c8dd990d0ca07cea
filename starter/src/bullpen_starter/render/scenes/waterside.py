"""Places at the sea: the pier and the harbour."""

from random import Random

from bullpen_starter.render.scenes.parts import boat, lamp_post, mix, skyline, waves
from bullpen_starter.render.stage import Stage


def pier(s: Stage, r: Random) -> None:
    """Planks running to a vanishing point over the sea, a hut, posts and a boat."""
    horizon, vanish = r.uniform(0.4, 0.5), r.uniform(0.38, 0.62)
    if r.random() < 0.7:
        peak = r.uniform(0.1, 0.9)
        s.poly(
            [(peak - 0.3, horizon), (peak, horizon - r.uniform(0.07, 0.14)), (peak + 0.34, horizon)], "hill", 0.1, 0.95
        )
    s.rect(-0.02, horizon, 1.02, 1.02, "sea", 0.1, 0.7)
    waves(s, r, horizon, 0.98, 16)
    side = r.choice((-1, 1))
    boat(s, r, 0.5 - side * r.uniform(0.3, 0.36), horizon + 0.1, r.uniform(0.8, 1.05), 0.6)
    left, right = vanish - r.uniform(0.38, 0.48), vanish + r.uniform(0.38, 0.48)
    near, far = 0.1, horizon + 0.02
    s.poly([(vanish - near, far), (vanish + near, far), (right, 1.02), (left, 1.02)], "wood", 0, 0.3, top=0.9)
    for k in range(1, 8):
        t = (k / 8) ** 1.7
        y = mix(far, 1.02, t)
        s.line([(mix(vanish - near, left, t), y), (mix(vanish + near, right, t), y)], 1.0 + t, 0.8)
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
            x, y, w = mix(start, edge, t), mix(far, 1.02, t), 0.012 + 0.018 * t
            s.rect(x - w, y - 0.07 - 0.12 * t, x + w, y + 0.02, "dark_wood", 0.2, 0.3 * (1 - t), top=0.3)
    lamp_post(s, mix(vanish - side * near, left if side > 0 else right, 0.3), mix(far, 1.0, 0.3), 0.3, 0.35)


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
    skyline(s, r, water, 0.07, 0.17, 0.8)
    s.rect(-0.02, water, 1.02, 1.02, "sea", 0.1, 0.6)
    waves(s, r, water, 0.8, 12)
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
        boat(s, r, at, water + 0.11 + 0.05 * k, r.uniform(0.85, 1.15), 0.45 - 0.1 * k)
    quay = r.uniform(0.78, 0.83)
    s.rect(-0.02, quay, 1.02, 1.02, "paving", 0, 0.2, top=0.9)
    s.rect(-0.02, quay, 1.02, quay + 0.035, "stone", 0.6, 0.2)
    for k in range(-3, 4):
        s.line([(0.5 + k * 0.16, quay + 0.035), (0.5 + k * 0.26, 1.02)], 1.2, 0.6)
    for at in (r.uniform(0.04, 0.12), r.uniform(0.86, 0.95)):
        s.rect(at - 0.03, quay - 0.06, at + 0.03, quay + 0.03, "dark", 0.3, 0.1, top=0.9)
        s.rect(at - 0.042, quay - 0.075, at + 0.042, quay - 0.05, "dark", 0.0, 0.1, top=0.9)
