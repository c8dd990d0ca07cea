"""Heads: face and expression, hair, the head of a robot, and what is worn on head and neck.

Coordinates are those of the head: u from -1 (back) to 1 (front), v from -1 (crown) to 1 (chin).
"""

from bullpen_starter.render.figures.frame import BRIM, Frame
from bullpen_starter.render.figures.pen import SHADE, Part, Pen, Point, Points
from bullpen_starter.render.spec import Character

EYES = (-0.2, 0.5)
EYE_V = 0.14

HAIR_BEHIND: dict[str, Points] = {
    "woman": (
        (-1.1, -0.5), (-0.6, -1.1), (0.1, -1.22), (0.8, -1.0), (1.1, -0.3), (1.12, 0.6), (1.02, 1.25),
        (0.4, 1.3), (-0.5, 1.5), (-1.3, 1.5), (-1.22, 1.0), (-1.32, 0.4),
    ),
}  # fmt: skip
HAIR_FRONT: dict[str, Points] = {
    "woman": (
        (-1.02, 1.15), (-1.2, 0.3), (-1.12, -0.5), (-0.65, -1.1), (0.1, -1.3), (0.8, -1.06), (1.14, -0.35), (1.12, 0.4),
        (1.0, 0.55), (0.94, -0.1), (0.66, -0.5), (0.36, -0.8), (0.2, -0.56), (-0.15, -0.44), (-0.56, -0.3),
        (-0.72, 0.3), (-0.8, 0.9),
    ),
    "man": (
        (-1.02, 0.4), (-1.16, -0.3), (-1.0, -0.9), (-0.5, -1.16), (0.1, -1.3), (0.7, -1.42), (1.2, -1.12),
        (1.16, -0.62), (0.92, -0.42), (0.45, -0.6), (-0.1, -0.52), (-0.55, -0.5), (-0.7, -0.1), (-0.76, 0.3),
    ),
    "child": (
        (-1.1, 0.35), (-1.32, 0.0), (-1.1, -0.25), (-1.3, -0.65), (-0.92, -0.75), (-0.8, -1.2), (-0.4, -1.0),
        (-0.05, -1.5), (0.25, -1.08), (0.7, -1.25), (0.78, -0.88), (1.18, -0.75), (1.02, -0.4), (1.12, 0.0),
        (0.86, -0.3), (0.66, -0.65), (0.42, -0.4), (0.12, -0.7), (-0.16, -0.4), (-0.4, -0.66), (-0.64, -0.15),
        (-0.8, 0.0),
    ),
}  # fmt: skip


GLOSS: dict[str, Points] = {
    "woman": ((0.3, -1.0), (0.62, -0.86), (0.86, -0.58)),
    "man": ((0.1, -1.02), (0.5, -1.12), (0.86, -1.06)),
    "child": ((-0.1, -0.98), (0.2, -0.92), (0.5, -0.98)),
}
BROWS: dict[str, Points] = {
    "calm": ((1, -0.36), (-1, -0.38)),
    "smiling": ((1, -0.4), (0, -0.56), (-1, -0.44)),
    "sad": ((1, -0.2), (-1, -0.54)),
    "angry": ((1, -0.4), (-1, 0.02)),
}


class Head:
    """A pen in head coordinates."""

    def __init__(self, pen: Pen, frame: Frame) -> None:
        self.pen = pen
        self.y, self.rx, self.ry = frame.head

    def at(self, points: Points) -> Points:
        """Head coordinates to figure units."""
        return tuple((u * self.rx, self.y + v * self.ry) for u, v in points)

    def blob(self, points: Points, part: int, axis: float | None = None, line: bool = True, pull: float = 0.32) -> None:
        """A smooth shape."""
        self.pen.blob(self.at(points), part, None if axis is None else axis * self.rx, line, pull)

    def poly(self, points: Points, part: int, axis: float | None = None, line: bool = True) -> None:
        """A shape with corners."""
        self.pen.poly(self.at(points), part, None if axis is None else axis * self.rx, line)

    def oval(self, u: float, v: float, ru: float, rv: float, part: int, line: float = 1.0) -> None:
        """An ellipse."""
        self.pen.oval(u * self.rx, self.y + v * self.ry, ru * self.rx, rv * self.ry, part, line)

    def stroke(self, points: Points, part: int, width: float) -> None:
        """A line, `width` in half widths of the head."""
        self.pen.stroke(self.at(points), part, width * self.rx)


def hair_behind(head: Head, who: Character) -> None:
    """Hair that hangs behind the neck."""
    if who.build in HAIR_BEHIND:
        head.blob(HAIR_BEHIND[who.build], Part.HAIR, -0.7, pull=0.3)


def _eyes(head: Head, expression: str, glasses: bool) -> None:
    tall = {"calm": 0.29, "smiling": 0.31, "sad": 0.28, "angry": 0.28}[expression]
    look = {"calm": 0.0, "smiling": 0.0, "sad": 0.14, "angry": 0.05}[expression]
    for side, u in zip((-1, 1), EYES, strict=True):
        head.oval(u, EYE_V, 0.25, tall, Part.WHITE, 0.6)
        head.oval(u + 0.06, EYE_V + 0.02 + look, 0.15, 0.2, Part.INK, 0)
        inner, outer = u - side * 0.34, u + side * 0.34
        if expression == "angry":
            head.poly(((outer, -0.38), (inner, -0.38), (inner, 0.1), (outer, -0.18)), Part.SKIN, line=False)
        elif expression == "sad":
            head.poly(((outer, -0.4), (inner, -0.4), (inner, -0.3), (outer, 0.0)), Part.SKIN, line=False)
    if glasses:
        _glasses(head, EYES, EYE_V)


def _brow(head: Head, u: float, expression: str) -> None:
    side = 0.37 if u > EYES[0] else -0.37
    head.stroke(tuple((u + side * at, v) for at, v in BROWS[expression]), Part.INK, 0.17)


def _glasses(head: Head, eyes: tuple[float, float], v: float) -> None:
    for u in eyes:
        head.pen.ring(u * head.rx, head.y + v * head.ry, 0.33 * head.rx, 0.38 * head.ry, Part.FRAME)
    head.stroke(((-1.0, v - 0.1), (eyes[0] - 0.45, v)), Part.FRAME, 0.16)


def _mouth(head: Head, expression: str) -> None:
    if expression == "smiling":
        for u in (-0.52, 0.84):
            head.oval(u, 0.46, 0.16, 0.11, Part.BLUSH, 0)
        head.poly(((-0.2, 0.57), (0.56, 0.57), (0.44, 0.81), (0.18, 0.9), (-0.08, 0.81)), Part.MOUTH)
        head.poly(((-0.14, 0.58), (0.5, 0.58), (0.46, 0.67), (-0.1, 0.67)), Part.WHITE, line=False)
    elif expression == "sad":
        head.stroke(((-0.08, 0.86), (0.05, 0.73), (0.18, 0.69), (0.31, 0.73), (0.44, 0.86)), Part.INK, 0.12)
        head.poly(((-0.36, 0.36), (-0.2, 0.66), (-0.28, 0.84), (-0.44, 0.84), (-0.52, 0.66)), Part.TEAR, line=False)
    elif expression == "angry":
        head.poly(((-0.26, 0.56), (0.6, 0.53), (0.68, 0.93), (-0.32, 0.95)), Part.INK, line=False)
        head.poly(((-0.12, 0.66), (0.46, 0.63), (0.5, 0.8), (-0.16, 0.82)), Part.WHITE, line=False)
        for u in (-0.0, 0.34):
            head.stroke(((u, 0.64), (u, 0.86)), Part.INK, 0.03)
    else:
        head.stroke(((0.0, 0.74), (0.38, 0.72)), Part.INK, 0.12)


def human(head: Head, who: Character, expression: str) -> None:
    """Face and front hair."""
    head.oval(-0.92, 0.16, 0.2, 0.24, Part.SKIN + SHADE)
    if who.build == "man":
        jaw: Points = (
            (-0.95, -0.2),
            (-0.6, -0.95),
            (0.2, -1.05),
            (0.9, -0.7),
            (1.04, 0.1),
            (0.92, 0.66),
            (0.55, 1.0),
            (-0.1, 1.02),
            (-0.7, 0.72),
        )
    else:
        jaw = (
            (-0.98, -0.1),
            (-0.6, -0.92),
            (0.2, -1.04),
            (0.9, -0.65),
            (1.04, 0.15),
            (0.78, 0.72),
            (0.2, 1.02),
            (-0.5, 0.8),
        )
    head.blob(jaw, Part.SKIN, -0.45)
    _eyes(head, expression, who.accessory == "glasses")
    head.stroke(((0.2, 0.42), (0.26, 0.48)), Part.SKIN + SHADE, 0.14)
    _mouth(head, expression)
    if who.accessory == "hat":
        head.blob(HAIR_FRONT[who.build], Part.HAIR)
    else:
        head.blob(HAIR_FRONT[who.build], Part.HAIR, -0.66, pull=0.1)
        head.stroke(GLOSS[who.build], Part.GLOSS, 0.13)
    for u in EYES:
        _brow(head, u, expression)


def _antenna(head: Head, foot: Point, top: Point) -> None:
    head.stroke((foot, top), Part.INK, 0.16)
    head.oval(*top, 0.3, 0.32, Part.GLOW)


def robot(head: Head, who: Character, expression: str) -> None:
    """A metal box with a visor, lit eyes and an antenna."""
    if who.accessory != "hat":
        _antenna(head, (-0.6, -0.9), (-0.74, -1.6))
    for u in (-1.08, 1.08):
        head.oval(u, 0.1, 0.2, 0.36, Part.GLOW)
    head.poly(
        ((-1, -0.86), (-0.86, -1.04), (0.86, -1.04), (1, -0.86), (1, 0.88), (0.86, 1.04), (-0.86, 1.04), (-1, 0.88)),
        Part.METAL,
        -0.45,
    )
    head.poly(((-0.72, -0.62), (0.86, -0.62), (0.86, 0.32), (-0.72, 0.32)), Part.VISOR)
    for side, u in zip((-1, 1), (-0.32, 0.46), strict=True):
        inner, outer = u - side * 0.3, u + side * 0.3
        if expression == "smiling":
            head.stroke(((outer, 0.08), (u, -0.36), (inner, 0.08)), Part.GLOW, 0.2)
        elif expression == "angry":
            head.poly(((outer, -0.52), (inner, -0.06), (inner, 0.2), (outer, 0.2)), Part.GLOW, line=False)
        elif expression == "sad":
            head.poly(((outer, -0.02), (inner, -0.44), (inner, 0.2), (outer, 0.2)), Part.GLOW, line=False)
        else:
            head.oval(u, -0.15, 0.25, 0.32, Part.GLOW, 0)
    if who.accessory == "glasses":
        _glasses(head, (-0.32, 0.46), -0.15)
    mouth: dict[str, Points] = {
        "calm": ((-0.2, 0.68), (0.4, 0.68)),
        "smiling": ((-0.36, 0.54), (-0.12, 0.76), (0.32, 0.76), (0.56, 0.54)),
        "sad": ((-0.3, 0.8), (-0.08, 0.6), (0.28, 0.6), (0.5, 0.8)),
        "angry": ((-0.36, 0.78), (-0.14, 0.58), (0.06, 0.78), (0.26, 0.58), (0.5, 0.78)),
    }
    head.stroke(mouth[expression], Part.INK, 0.14)


def worn(head: Head, who: Character) -> None:
    """A hat. A scarf lies under the chin and is drawn before the head, glasses belong to the face."""
    if who.accessory == "hat":
        low = -0.82 if who.build == "robot" else -0.52
        head.blob(
            (
                (-0.98, low),
                (-0.95, low - 0.8),
                (-0.5, low - 1.18),
                (0.1, low - 1.02),
                (0.6, low - 1.18),
                (0.98, low - 0.75),
                (1.0, low),
            ),
            Part.EXTRA,
            -0.3,
        )
        head.poly(((-0.98, low - 0.32), (1.0, low - 0.32), (1.0, low), (-0.98, low)), Part.INK, line=False)
        head.blob(
            (
                (-BRIM, low + 0.1),
                (-1.0, low - 0.1),
                (0.0, low - 0.06),
                (1.0, low - 0.1),
                (BRIM, low + 0.06),
                (1.0, low + 0.24),
                (0.0, low + 0.3),
                (-1.0, low + 0.24),
            ),
            Part.EXTRA,
            -0.5,
        )
        if who.build == "robot":
            _antenna(head, (-1.0, -0.7), (-1.16, -1.5))


def scarf(head: Head, who: Character, frame: Frame) -> None:
    """A thick wrap with a hanging end."""
    if who.accessory != "scarf":
        return
    sy, wide = frame.shoulder[1], max(frame.shoulder[0] * 0.95, head.rx * 0.72)
    pen, low = head.pen, frame.waist[1] + 0.04
    pen.poly(
        ((-wide * 0.75, sy), (-wide * 0.1, sy + 0.01), (-wide * 0.2, low), (-wide * 0.85, low)), Part.EXTRA, -wide * 0.4
    )
    pen.poly(
        (
            (-wide * 0.81, low - 0.06),
            (-wide * 0.18, low - 0.06),
            (-wide * 0.19, low - 0.03),
            (-wide * 0.83, low - 0.03),
        ),
        Part.WHITE,
        line=False,
    )
    pen.blob(
        (
            (-wide, sy - 0.03),
            (-wide * 0.4, sy - 0.075),
            (wide * 0.5, sy - 0.075),
            (wide, sy - 0.03),
            (wide * 0.9, sy + 0.035),
            (0.0, sy + 0.06),
            (-wide * 0.9, sy + 0.035),
        ),
        Part.EXTRA,
        -0.02,
    )
