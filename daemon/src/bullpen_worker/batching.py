"""Which candidates of an order are computed together. Pure.

A picture depends on the size of its batch and its place in it, but not on the others of it. So a batch is always whole:
where some of its pictures are there already, others stand in for them and are thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence

from bullpen_api.worker.v1 import link_pb2

# Makes what nobody asked for.
STAND_IN_SEED = 0


def units(job: link_pb2.RunJob, able: bool) -> list[tuple[list[link_pb2.CandidateTask], bool]]:
    """What is made one after the other: candidates, and whether they are computed together. `able`: the engine can."""
    found: list[tuple[list[link_pb2.CandidateTask], bool]] = []
    for batch in _batches(job):
        if able and job.batch > 1 and _alike(batch):
            found.append((batch, True))
        else:
            found += [([task], False) for task in batch]
    return found


def _batches(job: link_pb2.RunJob) -> list[list[link_pb2.CandidateTask]]:
    """The candidates that are still to be made, in their order, by the batch that each belongs to."""
    found: dict[int, list[link_pb2.CandidateTask]] = {}
    for task in job.candidates:
        found.setdefault((task.place - 1) // max(1, job.batch), []).append(task)
    return list(found.values())


def _alike(batch: Sequence[link_pb2.CandidateTask]) -> bool:
    """Whether nothing but their seeds differs: one step of all is the same work."""
    first = batch[0]
    return all(task.place and list(task.changes) == list(first.changes) and task.words == first.words for task in batch)


def place(job: link_pb2.RunJob, task: link_pb2.CandidateTask) -> int:
    """A candidate's place in its batch, counted from 0."""
    return (task.place - 1) % job.batch


def seeds(job: link_pb2.RunJob, batch: Sequence[link_pb2.CandidateTask]) -> list[int]:
    """One seed for each place of a batch."""
    known = {place(job, task): task.seed for task in batch}
    return [known.get(number, STAND_IN_SEED) for number in range(job.batch)]
