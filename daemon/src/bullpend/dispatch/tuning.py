"""Changes on their way to a running job, until its worker says what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count

from bullpen_api.worker.v1 import link_pb2

Answer = asyncio.Future[link_pb2.ChangeHeard]
Send = Callable[[str, link_pb2.ToWorker], bool]


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants to be different; None stays as it is."""

    guidance_scale: float | None = None
    image_guidance_scale: float | None = None
    steps: int | None = None
    strength: float | None = None


class Tuning:
    """Sends changes, and matches the answers. Used on the dispatcher's loop."""

    def __init__(self) -> None:
        self._numbers = count(1)
        # By job, then by the id of the change.
        self._waiting: dict[str, dict[str, Answer]] = {}

    def send(self, send: Send, device: str, job: str, attempt: int, change: Change) -> Answer:
        """Hands a change to the worker of a job that runs. The future always gets an answer: when the job ends first,
        one that says so.
        """
        future: Answer = asyncio.get_running_loop().create_future()
        number = str(next(self._numbers))
        self._waiting.setdefault(job, {})[number] = future
        given = {name: value for name, value in asdict(change).items() if value is not None}
        frame = link_pb2.TuneJob(job=job, attempt=attempt, change_id=number, **given)
        if not send(device, link_pb2.ToWorker(tune_job=frame)):
            self.ended(job)
        return future

    def heard(self, frame: link_pb2.ChangeHeard) -> None:
        """The worker's answer; a second one, or one that nobody waits for, changes nothing."""
        waiting = self._waiting.get(frame.job, {})
        future = waiting.pop(frame.change_id, None)
        if not waiting:
            self._waiting.pop(frame.job, None)
        if future is not None and not future.done():
            future.set_result(frame)

    def ended(self, job: str) -> None:
        """The attempt is over: what was not answered will not be."""
        for number in list(self._waiting.get(job, {})):
            words = "the job ended before the change was looked at"
            self.heard(link_pb2.ChangeHeard(job=job, change_id=number, refused=words))
