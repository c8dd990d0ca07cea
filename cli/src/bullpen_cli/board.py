"""What is known of one run while it is followed. Takes facts in, gives lines and figures out; no I/O, no clock.

A fact is an item of `bullpen_client.watch`. Facts about other runs are ignored. Events carry whole resources, so a
fact that arrives twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bullpen_api.v1 import event_pb2, queue_pb2, run_pb2
from bullpen_client import names
from bullpen_client.watch import Item, Reconnected, Reconnecting

from bullpen_cli.standing import PLACE, standing

ENDED = {
    run_pb2.Run.STATE_SUCCEEDED,
    run_pb2.Run.STATE_PARTIAL,
    run_pb2.Run.STATE_FAILED,
    run_pb2.Run.STATE_CANCELED,
}
JOB_ENDED = {
    run_pb2.Job.STATE_SUCCEEDED,
    run_pb2.Job.STATE_FAILED,
    run_pb2.Job.STATE_CANCELED,
    run_pb2.Job.STATE_HELD,
}
_CANDIDATE_ENDED = {
    run_pb2.Candidate.STATE_SUCCEEDED,
    run_pb2.Candidate.STATE_FAILED,
    run_pb2.Candidate.STATE_CANCELED,
}
# Attempt after which a person is told what to do.
_LONG = 6


def label(job: run_pb2.Job) -> str:
    """What a person calls the job: its scene, its file, or its id."""
    return names.ident(job.scene) or job.source_path or names.ident(job.name)


@dataclass
class Board:
    """A run, its jobs in their order, and where each running candidate stands."""

    run: run_pb2.Run
    jobs: dict[str, run_pb2.Job] = field(default_factory=dict)
    progress: dict[str, event_pb2.Progress] = field(default_factory=dict)
    reconnecting: bool = False
    # Why nothing of it is made now; empty while something is.
    standing: str = ""

    @classmethod
    def of(cls, run: run_pb2.Run, jobs: Iterable[run_pb2.Job]) -> Board:
        """The board of a run as it was listed."""
        return cls(run, {job.name: job for job in jobs})

    @property
    def ended(self) -> bool:
        """Whether all jobs have ended."""
        return self.run.state in ENDED

    @property
    def complete(self) -> bool:
        """Whether nothing more will come: the run has ended, and its log and contact sheet are written."""
        return self.ended and bool(self.run.log_path)

    @property
    def candidates(self) -> int:
        """Candidates that the run makes."""
        return self.run.figures.candidates or sum(len(job.candidates) for job in self.jobs.values())

    @property
    def candidates_done(self) -> int:
        """Candidates that are finished, well or not."""
        return sum(c.state in _CANDIDATE_ENDED for job in self.jobs.values() for c in job.candidates)

    def apply(self, item: Item) -> list[str]:
        """Takes one fact in; gives the lines that are worth telling."""
        if isinstance(item, Reconnecting):
            told, self.reconnecting = self.reconnecting, True
            if item.attempt == _LONG:
                return ["Still no daemon. Start it in another terminal with: bullpen daemon start"]
            return [] if told else ["The daemon does not answer; waiting for it. Finished pictures are safe."]
        if isinstance(item, Reconnected):
            self.reconnecting = False
            return ["Connected again."]
        if isinstance(item, event_pb2.Progress):
            if names.is_inside(item.candidate, self.run.name):
                self.progress[item.candidate] = item
            return []
        if isinstance(item, queue_pb2.Queue):
            return self._queue(item)
        if isinstance(item, event_pb2.Event) and names.is_inside(item.subject, self.run.name):
            return self._event(item)
        return []

    def _queue(self, queue: queue_pb2.Queue) -> list[str]:
        """A pause is told when it comes; a place only once, and not between two turns of a run that has begun."""
        busy = any(job.state == run_pb2.Job.STATE_RUNNING for job in self.jobs.values())
        told, self.standing = self.standing, "" if busy else standing(self.run, self.jobs.values(), queue)
        known = self.standing == told
        if self.standing.startswith(PLACE):
            known = told.startswith(PLACE) or bool(self.candidates_done)
        return [self.standing] if self.standing and not known else []

    def _event(self, event: event_pb2.Event) -> list[str]:
        kind = event.WhichOneof("payload")
        if kind == "run":
            self.run = event.run
            return []
        if kind == "job":
            return self._job(event.job)
        if kind == "candidate":
            return self._candidate(event.candidate)
        return []

    def _job(self, job: run_pb2.Job) -> list[str]:
        before = self.jobs.get(job.name)
        if before is not None and not job.candidates:
            job.candidates.extend(before.candidates)
        self.jobs[job.name] = job
        if job.state not in JOB_ENDED or (before is not None and before.state == job.state):
            return []
        for candidate in job.candidates:
            self.progress.pop(candidate.name, None)
        if job.state == run_pb2.Job.STATE_SUCCEEDED:
            return []
        word = run_pb2.Job.State.Name(job.state).removeprefix("STATE_").lower()
        why = f": {job.error.message}" if job.error.message else ""
        return [f"{label(job)} {word}{why}"]

    def _candidate(self, candidate: run_pb2.Candidate) -> list[str]:
        job = self.jobs.get(names.parse(candidate.name).parent)
        if job is None:
            return []
        number, before = len(job.candidates) + 1, None
        for index, known in enumerate(job.candidates):
            if known.name == candidate.name:
                number, before = index + 1, known.state
                known.CopyFrom(candidate)
                break
        else:
            job.candidates.add().CopyFrom(candidate)
        if candidate.state not in _CANDIDATE_ENDED:
            return []
        self.progress.pop(candidate.name, None)
        if before == candidate.state:
            return []
        word = "done" if candidate.state == run_pb2.Candidate.STATE_SUCCEEDED else "failed"
        if candidate.state == run_pb2.Candidate.STATE_CANCELED:
            word = "canceled"
        return [f"{label(job)} candidate {number} {word} ({self.candidates_done}/{self.candidates})"]
