"""Seconds of devices that brought no picture: attempts that failed, were stopped, or died with their worker.

A candidate is under way from the frame that announces it until its picture is ready, which tells its own seconds. What
is under way when its job ends, or when its device is lost, was spent in vain. Time comes from the daemon's clock, since
a worker that dies or hangs tells none.
"""

from __future__ import annotations

from dataclasses import dataclass

from bullpen_api.worker.v1 import link_pb2

from bullpend.clock import Clock


@dataclass(frozen=True, slots=True)
class InVain:
    """A candidate that was begun and not finished, with the seconds that its device worked on it."""

    job: str
    attempt: int
    candidate: str
    device: str
    seconds: float


class Spent:
    """What is under way, by job. Used on one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # By (job, attempt): the device, and when each candidate was begun.
        self._under_way: dict[tuple[str, int], tuple[str, dict[str, float]]] = {}

    def stepped(self, device: str, frame: link_pb2.StepDone) -> None:
        """A step of a candidate; the first one begins it. Loading a model is no candidate's."""
        if frame.phase == "loading" or not frame.candidate:
            return
        _, begun = self._under_way.setdefault((frame.job, frame.attempt), (device, {}))
        begun.setdefault(frame.candidate, self._clock.monotonic())

    def made(self, frame: link_pb2.CandidateReady) -> None:
        """A candidate's picture is ready."""
        _, begun = self._under_way.get((frame.job, frame.attempt), ("", {}))
        begun.pop(frame.candidate, None)

    def ended(self, job: str, attempt: int) -> list[InVain]:
        """What was spent in vain on an attempt that has ended; it is forgotten."""
        device, begun = self._under_way.pop((job, attempt), ("", {}))
        now = self._clock.monotonic()
        return [InVain(job, attempt, name, device, max(0.0, now - at)) for name, at in begun.items()]

    def lost(self, device: str) -> list[InVain]:
        """The same of everything on a device whose worker is gone."""
        keys = [key for key, (place, _) in self._under_way.items() if place == device]
        return [spent for key in keys for spent in self.ended(*key)]
