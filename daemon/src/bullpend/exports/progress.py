"""How far exports are. Nothing of it is durable: the newest value counts, and goes to whoever watches events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bullpen_api.v1 import event_pb2
from bullpen_api.v1 import export_pb2 as pb

from bullpend.clock import Clock
from bullpend.events.bus import Bus
from bullpend.rpc.wire import duration

# Seconds between two words about one export.
EVERY = 0.1
# Before this share of the whole nothing is said of the time that is left.
KNOWN = 0.03
# What each step takes of the whole, roughly: an archive is copied and read again, pages are drawn.
ARCHIVE: Mapping[str, float] = {"reading": 0.02, "writing": 0.58, "checking": 0.4}
DRAWN_ARCHIVE: Mapping[str, float] = {"reading": 0.02, "drawing": 0.78, "writing": 0.1, "checking": 0.1}
DRAWN: Mapping[str, float] = {"reading": 0.02, "drawing": 0.88, "checking": 0.1}


@dataclass(slots=True)
class Standing:
    """How far one export is. Used on the event loop."""

    name: str
    begun: float
    weights: Mapping[str, float]
    step: str = "waiting"
    share: float = 0.0
    files: int = 0
    said: float = -1.0

    @property
    def overall(self) -> float:
        """The share of the whole that is done, 0–1."""
        done = 0.0
        for step, weight in self.weights.items():
            if step == self.step:
                return done + weight * self.share
            done += weight
        return 0.0

    @property
    def files_done(self) -> int:
        """Files or pages of the present step."""
        return min(self.files, int(self.files * self.share + 1e-9))

    def pack(self, now: float) -> pb.ExportProgress:
        """The wire form."""
        return pb.ExportProgress(
            step=self.step, files_done=self.files_done, files=self.files, time_left=duration(self.left(now))
        )

    def left(self, now: float) -> float | None:
        """Seconds that are left if all goes on as it went; None while too little is known."""
        overall = self.overall
        return (now - self.begun) / overall * (1 - overall) if overall >= KNOWN else None


class Board:
    """All exports that are being made, and the bus that is told of them."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._standing: dict[str, Standing] = {}

    def begin(self, name: str, weights: Mapping[str, float]) -> Standing:
        """From now on this export is being made."""
        standing = self._standing[name] = Standing(name, self._clock.monotonic(), weights)
        return standing

    def end(self, name: str) -> None:
        """It is not being made any more."""
        self._standing.pop(name, None)
        self._bus.idle(name)

    def of(self, name: str) -> pb.ExportProgress | None:
        """How far it is; None where it is not being made."""
        standing = self._standing.get(name)
        return None if standing is None else standing.pack(self._clock.monotonic())

    def move(self, standing: Standing, step: str, share: float, files: int) -> None:
        """It is at this share of a step; those who watch are told, though not of every file."""
        now = self._clock.monotonic()
        fresh = step != standing.step
        standing.step, standing.share, standing.files = step, share, files
        if standing.name not in self._standing or (not fresh and share < 1 and now - standing.said < EVERY):
            return
        standing.said = now
        self._bus.progress(standing.name, self._made(standing))

    def _made(self, standing: Standing) -> Callable[[], event_pb2.Progress]:
        def make() -> event_pb2.Progress:
            return event_pb2.Progress(
                candidate=standing.name,
                step=standing.files_done,
                steps=standing.files,
                time_left=duration(standing.left(self._clock.monotonic())),
                phase=standing.step,
            )

        return make
