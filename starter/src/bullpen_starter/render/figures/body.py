"""Bodies: legs, outfits, arms and hands of a figure, in the order in which they cover each other."""

from bullpen_starter.render.figures.frame import FLARE, Frame, Stance
from bullpen_starter.render.figures.pen import Part, Pen, Points
from bullpen_starter.render.spec import Character


def _leg(pen: Pen, who: Character, frame: Frame, joints: Points) -> None:
    metal = who.build == "robot"
    bare = who.outfit == "dress"
    part = Part.METAL if metal else Part.SKIN if bare else Part.TROUSERS
    pen.limb(joints, part, frame.leg * (0.8 if bare and not metal else 1.0))
    x, y = joints[-1]
    if metal:
        pen.oval(*joints[-2], frame.leg * 0.62, frame.leg * 0.62, Part.METAL) if len(joints) > 2 else None
        pen.poly(((x - 0.055, 0.995), (x - 0.035, y - 0.02), (x + 0.045, y - 0.02), (x + 0.075, 0.995)), Part.METAL, x)
        return
    toe = frame.leg * 0.75
    pen.limb(((x, y + 0.015), (x + toe, y + 0.02)), Part.SHOE, frame.leg * 0.62)


def _sleeve(pen: Pen, who: Character, frame: Frame, joints: Points) -> None:
    shoulder, elbow, hand = joints
    metal = who.build == "robot"
    own = Part.METAL if metal else Part.SKIN
    if who.outfit == "dress" or metal:
        pen.limb(joints, own, frame.arm * 0.8)
        short = (shoulder, (shoulder[0] * 0.45 + elbow[0] * 0.55, shoulder[1] * 0.45 + elbow[1] * 0.55))
        pen.limb(short, Part.CLOTH, frame.arm * 1.1)
        if metal:
            pen.oval(*elbow, frame.arm * 0.6, frame.arm * 0.6, Part.METAL)
    else:
        pen.limb(
            (shoulder, elbow, (hand[0] * 0.85 + elbow[0] * 0.15, hand[1] * 0.85 + elbow[1] * 0.15)),
            Part.CLOTH,
            frame.arm,
        )


def _hand(pen: Pen, who: Character, frame: Frame, joints: Points, pose: str) -> None:
    part = Part.METAL if who.build == "robot" else Part.SKIN
    (ex, ey), (x, y) = joints[1], joints[2]
    size = frame.hand
    long = max(0.01, ((x - ex) ** 2 + (y - ey) ** 2) ** 0.5)
    dx, dy = (x - ex) / long * size, (y - ey) / long * size
    hx, hy = x + dx * 0.7, y + dy * 0.7
    if pose == "waving":
        fingers = tuple((hx + dx * 1.5 - dy * side, hy + dy * 1.5 + dx * side) for side in (-0.95, 0.0, 0.95))
        for tip in fingers:
            pen.limb(((hx, hy), tip), part, size * 0.62)
        pen.oval(hx, hy, size * 1.05, size * 1.05, part)
        for tip in fingers:
            pen.stroke(((hx, hy), tip), part, size * 0.5)
        return
    if pose == "pointing":
        pen.limb(((hx, hy), (hx + dx * 1.6, hy + dy * 1.6)), part, size * 0.6)
    pen.oval(hx, hy, size, size, part)


def arm(pen: Pen, who: Character, frame: Frame, joints: Points, pose: str) -> None:
    """One arm with its hand."""
    _sleeve(pen, who, frame, joints)
    _hand(pen, who, frame, joints, pose)


def legs(pen: Pen, who: Character, frame: Frame, where: Stance) -> None:
    """Both legs with shoes."""
    _leg(pen, who, frame, where.back_leg)
    _leg(pen, who, frame, where.front_leg)


def outfit(pen: Pen, who: Character, frame: Frame, walking: bool) -> None:
    """Coat, jacket or dress over the trunk."""
    (s, sy), (w, wy), (h, hy) = frame.shoulder, frame.waist, frame.hip
    hem = frame.hem
    neck = frame.arm * 0.55
    swing = 0.02 if walking else 0.0
    top: Points = ((-s, sy + 0.015), (-neck, sy - 0.025), (neck, sy - 0.025), (s, sy + 0.015))
    chest = sy + (wy - sy) * 0.45
    if who.outfit == "jacket":
        low = hy + 0.03
        pen.poly((*top, (w * 1.12, low), (-w * 1.12, low)), Part.CLOTH, 0.0)
        pen.poly(
            ((-neck * 0.9, sy - 0.03), (neck * 1.2, sy - 0.03), (0.035, low - 0.01), (-0.005, low - 0.01)), Part.TRIM
        )
        pen.poly(
            ((-w * 1.12, low - 0.035), (w * 1.12, low - 0.035), (w * 1.12, low), (-w * 1.12, low)), Part.CLOTH + 32
        )
    elif who.outfit == "coat":
        wide = h * 1.75
        pen.poly((*top, (w * 1.1, wy), (wide, hem), (-wide - swing, hem), (-w * 1.1, wy)), Part.CLOTH, -0.01)
        pen.stroke(((0.02, sy + 0.02), (0.03, hem - 0.01)), Part.INK, 0.014)
        pen.poly(((-neck * 1.6, sy - 0.04), (0.018, chest), (-neck * 2.1, chest - 0.01)), Part.CLOTH)
        pen.poly(((neck * 1.9, sy - 0.04), (0.018, chest), (neck * 2.3, chest - 0.01)), Part.CLOTH)
        pen.poly(
            ((-w * 1.14, wy - 0.022), (w * 1.14, wy - 0.022), (w * 1.14, wy + 0.022), (-w * 1.14, wy + 0.022)),
            Part.SHOE,
        )
        pen.oval(0.02, wy, 0.026, 0.026, Part.TRIM)
    else:
        wide = h * FLARE
        curve = (wy + hem) / 2
        skirt: Points = ((w, wy), (wide * 0.72, curve), (wide, hem), (wide * 0.5, hem + 0.02), (0.0, hem + 0.028))
        pen.poly(
            (*top, *skirt, (-wide * 0.5, hem + 0.02), (-wide - swing, hem), (-wide * 0.72, curve), (-w, wy)),
            Part.CLOTH,
            -0.01,
        )
        for x in (-0.45, 0.1, 0.55):
            pen.stroke(((x * w, wy + 0.05), (x * wide * 0.9, hem - 0.02)), Part.INK, 0.01)
        pen.stroke(((-w, wy), (w, wy)), Part.TRIM, 0.03)
        pen.blob(
            ((-neck * 1.4, sy - 0.04), (neck * 1.5, sy - 0.04), (neck * 0.9, sy + 0.03), (-neck * 0.7, sy + 0.03)),
            Part.TRIM,
        )
    if who.build == "robot":
        pen.oval(w * 0.52, chest + 0.02, 0.03, 0.03, Part.GLOW)


def neck(pen: Pen, who: Character, frame: Frame) -> None:
    """What holds the head."""
    part = Part.METAL if who.build == "robot" else Part.SKIN
    pen.limb(((0.0, frame.head[0]), (0.0, frame.shoulder[1] + 0.02)), part, frame.arm * 0.9)
