"""The frame of each build and what a pose does to it: joints of arms and legs in figure units."""

from dataclasses import dataclass

from bullpen_starter.render.figures.pen import Point, Points

BRIM = 1.42  # half width of a hat, in half widths of the head
FLARE = 1.85  # half width of a dress at its hem, in those of the hip


@dataclass(frozen=True, slots=True)
class Frame:
    """Measures of a build. `tall` is a share of the panel's shorter side, everything else a share of `tall`."""

    tall: float
    head: tuple[float, float, float]  # centre y, half width, half height
    shoulder: Point  # half width, y
    waist: Point
    hip: Point
    hem: float  # of a coat or dress
    arm: float  # width
    leg: float
    hand: float
    reach: float  # length of an arm

    @property
    def half_width(self) -> float:
        """Room to each side of the spine: what three figures in a row leave to each other."""
        return 0.1645 / self.tall

    @property
    def headroom(self) -> float:
        """Room above the crown for a hat or an antenna."""
        return 0.15


FRAMES: dict[str, Frame] = {
    "man": Frame(
        0.68, (0.162, 0.132, 0.146), (0.12, 0.365), (0.107, 0.535), (0.1, 0.6), 0.84, 0.072, 0.085, 0.036, 0.27
    ),
    "woman": Frame(
        0.655, (0.165, 0.134, 0.142), (0.092, 0.36), (0.072, 0.515), (0.1, 0.6), 0.83, 0.058, 0.07, 0.033, 0.26
    ),
    "child": Frame(0.49, (0.23, 0.185, 0.19), (0.115, 0.47), (0.11, 0.63), (0.125, 0.7), 0.84, 0.085, 0.1, 0.046, 0.25),
    "robot": Frame(
        0.67, (0.16, 0.134, 0.125), (0.125, 0.36), (0.102, 0.53), (0.1, 0.6), 0.83, 0.056, 0.064, 0.04, 0.26
    ),
}


@dataclass(frozen=True, slots=True)
class Stance:
    """Joints: each arm from shoulder to hand, each leg from hip to ankle; `shift` moves the body off its place."""

    front_arm: Points
    back_arm: Points
    front_leg: Points
    back_leg: Points
    shift: float


def stance(frame: Frame, pose: str, hat: bool, dress: bool) -> Stance:
    """Where the joints of a build are in one of the four poses."""
    s, y = frame.shoulder[0] - frame.arm * 0.3, frame.shoulder[1] + frame.arm * 0.55
    r = frame.reach
    room = 0.156 / frame.tall - 0.01
    hip, hip_y, ankle = frame.hip[0] * 0.55, frame.hip[1], 0.95
    knee = (hip_y + ankle) / 2
    down = ((s, y), (s + 0.14 * r, y + 0.5 * r), (s + 0.1 * r, y + 0.95 * r))
    back = ((-s, y), (-s - 0.14 * r, y + 0.5 * r), (-s - 0.1 * r, y + 0.95 * r))
    close = ((-s, y), (-s - 0.06 * r, y + 0.5 * r), (-s + 0.04 * r, y + 0.93 * r))
    legs = (((hip, hip_y), (hip, ankle)), ((-hip, hip_y), (-hip, ankle)))
    behind = max(s + 0.06 * r + frame.arm * 0.5, frame.head[1] * (BRIM if hat else 1.34)) + 0.008
    behind = max(behind, frame.hip[0] * FLARE + 0.008 if dress else 0.0)
    lean = -max(0.0, min(0.06, room - behind))
    if pose == "waving":
        far = min(s + 0.55 * r, room - lean - frame.hand * 1.5)
        up = ((s, y), (max(far - 0.02, s + 0.28 * r), y + 0.12 * r), (far, y - 0.62 * r))
        return Stance(up, close, *legs, lean)
    if pose == "pointing":
        far = min(s + 0.7 * r, room - lean - frame.hand * 2.6)
        out = ((s, y), ((s + far) / 2, y - 0.02 * r), (far, y - 0.06 * r))
        return Stance(out, close, ((hip, hip_y), (hip * 1.6, ankle)), ((-hip, hip_y), (-hip * 1.3, ankle)), lean)
    if pose == "walking":
        far = min(s + 0.42 * r, room - frame.hand * 1.4)
        forward = ((s, y), (s + 0.16 * r, y + 0.5 * r), (far, y + 0.74 * r))
        swung = ((-s, y), (-s - 0.2 * r, y + 0.42 * r), (-far, y + 0.78 * r))
        stride = ((hip * 0.6, hip_y), (hip * 1.9, knee), (hip * 2.3, ankle))
        trail = ((-hip * 0.6, hip_y), (-hip * 0.9, knee), (-hip * 2.5, ankle - 0.035))
        return Stance(forward, swung, stride, trail, 0.0)
    return Stance(down, back, *legs, 0.0)
