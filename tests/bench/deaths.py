"""Every pair of deaths: at each failpoint, while the daemon recovers from a death at each other, or the same.

One home, one life after the other, armed in an order in which each point follows each other point once: so each life is
the recovery from the one before. After the last life all that was ever answered is there, once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bullpen_client import Session
from bullpend import failpoints

from tests.bench.effort import Effort
from tests.bench.table import Row
from tests.faults.lives import Person, armed, die, nothing_lost_or_doubled
from tests.support.daemon import Daemon
from tests.support.studio import Studio

# Those of paid requests and of the agent need a server at the other end; they have tests of their own.
POINTS = tuple(name for name in failpoints.POINTS if name not in (*failpoints.PAID, *failpoints.AGENT))


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


async def measure(effort: Effort) -> list[Row]:
    """All pairs, or the beginning of the walk."""
    walk = every_pair(POINTS)
    walk = walk[: effort.count(len(walk), 24)]
    met, began = 0, time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bullpen-bench-") as place:
        home, person = Path(place) / "home", Person(Path(place))
        for point in walk:
            met += await die(armed(home, point), person)
        with Daemon(home):
            await person.live(home)
            async with Session(home) as session:
                # Raises where something is lost, doubled, or left behind.
                await nothing_lost_or_doubled(Studio(session, Path(place)), home, person)
    return [
        Row(
            f"deaths, each while the daemon recovers from the one before: {len(walk) - 1} pairs",
            f"{len(walk)} met; lost 0, doubled 0",
            f"{met} met in {time.perf_counter() - began:.0f} s; {len(person.runs)} runs, lost 0, doubled 0",
            met == len(walk),
        )
    ]
