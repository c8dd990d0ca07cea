"""Every pair of deaths: at each failpoint, while the daemon recovers from a death at each other, or the same.

One home, one life after the other, armed in an order in which each point follows each other point once: so each life is
the recovery from the one before. After the last life all that was ever answered is there, once. Each life is written
down when it has ended, so that a walk that was cut goes on where it was (`--folder`).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from bullpen_api.v1 import run_pb2
from bullpen_client import Session, read_endpoint
from bullpend import failpoints
from google.protobuf import json_format

from tests.bench.effort import Effort
from tests.bench.table import Row
from tests.faults.lives import Person, armed, die, nothing_lost_or_doubled
from tests.support.daemon import Daemon
from tests.support.studio import Studio

# Those that a run passes. Others need a server at the other end, or something else to be asked for; they have tests of
# their own.
POINTS = (*failpoints.DATABASE, *failpoints.DAEMON, *failpoints.WORKER)


def every_pair(points: Sequence[str]) -> list[str]:
    """A walk in which each point follows each point exactly once, itself too: n² + 1 long (Hierholzer, 1873)."""
    left = {point: list(reversed(points)) for point in points}
    walk: list[str] = []
    path = [points[0]]
    while path:
        if left[path[-1]]:
            path.append(left[path[-1]].pop())
        else:
            walk.append(path.pop())
    return walk[::-1]


@dataclass
class Diary:
    """The lives so far, one line each: the armed point, whether it was met, how long it took, what was answered."""

    path: Path
    lived: int = 0
    met: int = 0
    seconds: float = 0.0

    def read(self, person: Person) -> None:
        """Takes up what an earlier process wrote down."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        lives = [json.loads(line) for line in lines]
        for life in lives:
            person.lives = life["lives"]
            person.runs |= {slug: json_format.ParseDict(run, run_pb2.Run()) for slug, run in life["runs"].items()}
        # The life that was cut came between the last death and the next: the last one is died again.
        for life in lives[:-1]:
            self._count(life["met"], life["seconds"])

    def write(self, point: str, met: bool, seconds: float, person: Person, new: Sequence[str]) -> None:
        """One life has ended."""
        self._count(met, seconds)
        runs = {slug: json_format.MessageToDict(person.runs[slug]) for slug in new}
        life = {"point": point, "met": met, "seconds": round(seconds, 2), "lives": person.lives, "runs": runs}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(life) + "\n")
        sys.stderr.write(f"{self.lived} {point}: {'met' if met else 'NOT MET'} in {seconds:.1f} s\n")

    def _count(self, met: bool, seconds: float) -> None:
        self.lived += 1
        self.met += met
        self.seconds += seconds


async def measure(effort: Effort) -> list[Row]:
    """All pairs, or the beginning of the walk."""
    walk = every_pair(POINTS)
    walk = walk[: effort.count(len(walk), 24)]
    # Pictures to import lie where the daemon may read them, wherever the walk is kept.
    with _place(effort.folder) as place, tempfile.TemporaryDirectory(prefix="bullpen-bench-") as pictures:
        home, person, diary = place / "home", Person(Path(pictures)), Diary(place / "deaths.jsonl")
        diary.read(person)
        _bury(home)
        for point in walk[diary.lived :]:
            before, began = set(person.runs), time.perf_counter()
            met = await die(armed(home, point), person)
            diary.write(point, met, time.perf_counter() - began, person, sorted(person.runs.keys() - before))
        with Daemon(home):
            await person.live(home)
            async with Session(home) as session:
                # Raises where something is lost, doubled, or left behind.
                await nothing_lost_or_doubled(Studio(session, place), home, person)
    return [
        Row(
            f"deaths, each while the daemon recovers from the one before: {len(walk) - 1} pairs",
            f"{len(walk)} met; lost 0, doubled 0",
            f"{diary.met} met in {diary.seconds:.0f} s; {len(person.runs)} runs, lost 0, doubled 0",
            diary.met == len(walk),
        )
    ]


@contextmanager
def _place(kept: Path | None) -> Iterator[Path]:
    """The folder of the walk: the one that was named, which stays, or one that goes."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="bullpen-bench-") as place:
            yield Path(place)
    else:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept


def _bury(home: Path) -> None:
    """Ends the daemon that a cut walk left behind, if any."""
    endpoint = read_endpoint(home)
    if endpoint is None:
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(endpoint.pid)
        # A daemon that died left its number behind, which may be that of another program by now.
        if str(home) in process.cmdline():
            process.kill()
            process.wait()
