"""`python -m tests.bench.crowd`: the studio on this terminal over a made-up daemon with a run of ten thousand pictures.

While it is looked at, things happen: jobs begin, move and end, as many a second as asked for, near the cursor where
somebody would see them. `tests.bench.terminal` runs it in a terminal of its own and measures from outside.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import itertools
import random
import sys
from collections.abc import AsyncIterator

from bullpen_api.v1 import event_pb2, run_pb2
from bullpen_tui.app import StudioApp
from bullpen_tui.port import Daemon, WatchItem

from tests.tui import story
from tests.tui.fake import FakeDaemon

RUN = f"{story.PROJECT}/runs/r-0009-style"
NEAR = 40
"""Things happen to that many jobs around the middle of the list."""
STEPS = 20
PAGE = 500
RUNNING, DONE = run_pb2.Job.STATE_RUNNING, run_pb2.Job.STATE_SUCCEEDED


def panel(number: int) -> str:
    """What the row of a job says."""
    return f"panel-{number:05}.png"


class Crowd(FakeDaemon):
    """A daemon with one long run, to which something happens `rate` times a second."""

    def __init__(self, rows: int, rate: float) -> None:
        super().__init__()
        self._rate = rate
        self._middle = rows // 2
        run = story.run(RUN, "style", run_pb2.Run.STATE_RUNNING, [])
        run.figures.jobs = run.figures.candidates = rows
        self._runs = {RUN: run}
        self._jobs = {RUN: [self._job(number, run_pb2.Job.STATE_QUEUED) for number in range(1, rows + 1)]}
        self._random = random.Random(7)

    @staticmethod
    def _job(number: int, state: run_pb2.Job.State.ValueType) -> run_pb2.Job:
        name = f"{RUN}/jobs/{number}"
        candidate = run_pb2.Candidate(name=f"{name}/candidates/c1", state=run_pb2.Candidate.STATE_QUEUED, revision=1)
        return run_pb2.Job(name=name, state=state, source_path=panel(number), revision=1, candidates=[candidate])

    async def jobs(self, run: str, page_token: str = "") -> run_pb2.ListJobsResponse:
        begin = int(page_token or 0)
        end = begin + PAGE
        every = self._jobs[run]
        await asyncio.sleep(0)
        return run_pb2.ListJobsResponse(
            jobs=every[begin:end], revision=self.revision, next_page_token=str(end) if end < len(every) else ""
        )

    async def watch(self, after_revision: int) -> AsyncIterator[WatchItem]:
        numbers = itertools.cycle(range(self._middle - NEAR // 2, self._middle + NEAR // 2))
        if not self._rate:
            await asyncio.Event().wait()
        while True:
            number = next(numbers)
            for item in self._life(number):
                await asyncio.sleep(self._random.expovariate(self._rate))
                yield item

    def _life(self, number: int) -> list[WatchItem]:
        """A job begins, moves, and ends."""
        begun, done = self._job(number, RUNNING), self._job(number, DONE)
        candidate = done.candidates[0]
        candidate.state = run_pb2.Candidate.STATE_SUCCEEDED
        items: list[WatchItem] = [self.event(begun.name, job=begun)]
        items += [
            event_pb2.Progress(candidate=candidate.name, step=step, steps=STEPS, phase="denoising")
            for step in range(1, STEPS, 5)
        ]
        items += [self.event(candidate.name, candidate=candidate), self.event(done.name, job=done)]
        return items


def main() -> int:
    """Opens the studio on the run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.crowd", description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=30.0, help="events a second")
    parser.add_argument("--profile", metavar="FILE", help="write a profile of the whole session")
    options = parser.parse_args()
    crowd = Crowd(options.rows, options.rate)

    async def dial() -> Daemon:
        return await crowd.dial()

    app = StudioApp(dial, now=lambda: story.NOW)
    profile = cProfile.Profile() if options.profile else None
    if profile is not None:
        profile.enable()
    app.run()
    if profile is not None:
        profile.disable()
        profile.dump_stats(options.profile)
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
