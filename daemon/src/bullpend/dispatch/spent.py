"""Seconds of devices that brought no picture: attempts that failed, were stopped, or died with their worker.

A candidate is under way from the frame that announces it until its picture is ready, which tells its own seconds. What
is under way when its job ends, or when its device is lost, was spent in vain. Time comes from the daemon's clock, since
a worker that dies or hangs tells none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bullpen_api.worker.v1 import link_pb2

from bullpend.clock import Clock


@dataclass(frozen=True, slots=True)
class InVain:
    """A candidate that was begun and not finished, with the seconds that its device worked on it. `model` is set for
    what is not of a run.
    """

    job: str
    attempt: int
    candidate: str
    device: str
    seconds: float
    model: str = ""


@dataclass(slots=True)
class _Attempt:
    """What an attempt has under way, with the seconds so far, and when these were brought up to date."""

    device: str
    at: float
    begun: dict[str, float] = field(default_factory=dict)

    def advance(self, now: float) -> None:
        """Candidates that are made together share the time."""
        for name in self.begun:
            self.begun[name] += max(0.0, now - self.at) / len(self.begun)
        self.at = now


class Spent:
    """What is under way, by job. Used on one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # By (job, attempt).
        self._under_way: dict[tuple[str, int], _Attempt] = {}

    def stepped(self, device: str, frame: link_pb2.StepDone) -> None:
        """A step of a candidate; the first one begins it. Loading a model is no candidate's."""
        if frame.phase == "loading" or not frame.candidate:
            return
        now, key = self._clock.monotonic(), (frame.job, frame.attempt)
        attempt = self._under_way.get(key) or self._under_way.setdefault(key, _Attempt(device, now))
        if frame.candidate not in attempt.begun:
            attempt.advance(now)
            attempt.begun[frame.candidate] = 0.0

    def made(self, frame: link_pb2.CandidateReady) -> None:
        """A candidate's picture is ready."""
        attempt = self._under_way.get((frame.job, frame.attempt))
        if attempt is not None:
            attempt.advance(self._clock.monotonic())
            attempt.begun.pop(frame.candidate, None)

    def ended(self, job: str, attempt: int) -> list[InVain]:
        """What was spent in vain on an attempt that has ended; it is forgotten."""
        found = self._under_way.pop((job, attempt), None)
        if found is None:
            return []
        return self._so_far(job, attempt, found)

    def under_way(self) -> list[InVain]:
        """What would be spent in vain if all of it ended now."""
        return [one for key, found in self._under_way.items() for one in self._so_far(*key, found)]

    def _so_far(self, job: str, attempt: int, found: _Attempt) -> list[InVain]:
        found.advance(self._clock.monotonic())
        return [InVain(job, attempt, name, found.device, seconds) for name, seconds in found.begun.items()]

    def lost(self, device: str) -> list[InVain]:
        """The same of everything on a device whose worker is gone."""
        keys = [key for key, attempt in self._under_way.items() if attempt.device == device]
        return [spent for key in keys for spent in self.ended(*key)]
