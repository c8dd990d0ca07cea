"""R02, every durable step: the daemon dies at each of them, one after the other on one home, and nothing is lost.

Each life of the daemon is armed with the next point, so each recovery runs into another death: where the point lies on
its way, that is the second of two nested ones. Calls that were not answered are made again with the same request_id.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from bullpen_client import Session
from bullpend import failpoints

from tests.faults.lives import Person, armed, die, die_alone, nothing_lost_or_doubled
from tests.support.daemon import Daemon, DaemonEnded
from tests.support.studio import Studio

pytestmark = pytest.mark.faults

# Those of paid requests have tests of their own, with a provider; those of exports lie with the exports.
POINTS = tuple(name for name in failpoints.POINTS if name not in failpoints.APART)
# Any commit of a life may be its last.
COMMITS = tuple(f"{name}@{times}" for name in failpoints.DATABASE for times in (3, 8))
# The second time something is stored, and what a recovery meets.
NESTED = ("picture.stored@2", "job.leased@2", "store.published@2", "start.recovered")
# A death, one while the next daemon recovers from it, and one while the next recovers from both. From the second on
# nobody asks for anything: what is met then lies on the way of recovery itself.
CHAINS = (
    ("picture.stored", "start.recovered", "job.leased"),
    ("store.content_named", "database.committing", "picture.stored"),
    ("job.leased", "database.committed", "database.committing@2"),
    ("store.published", "picture.registered", "log.drafted"),
)


async def test_r02_death_at_every_durable_step_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """All points are met, and after the last life every run that was ever answered is complete, each picture once."""
    home, person = tmp_path / "home", Person(tmp_path)
    points = [*POINTS, *COMMITS, *NESTED]
    random.Random(5).shuffle(points)
    met = {}
    for point in points:
        met[point] = await die(armed(home, point), person)
    missed = [point for point in POINTS if not met[point]]
    assert missed == [], "a point that is never passed says nothing"
    with Daemon(home):
        await person.live(home)
        async with Session(home) as session:
            await nothing_lost_or_doubled(Studio(session, tmp_path), home, person)


async def test_r02_deaths_in_recovery_from_deaths_lose_and_double_nothing(tmp_path: Path) -> None:
    """Killed, killed again while it recovers, and once more while it recovers from that; then all is complete, once."""
    home, person = tmp_path / "home", Person(tmp_path)
    for first, second, third in CHAINS:
        assert await die(armed(home, first), person), first
        await die_alone(armed(home, second))
        await die_alone(armed(home, third))
    with Daemon(home):
        await person.live(home)
        async with Session(home) as session:
            await nothing_lost_or_doubled(Studio(session, tmp_path), home, person)


def test_an_unknown_failpoint_is_refused(tmp_path: Path) -> None:
    """A point that does not exist would never be met, and its test say nothing."""
    with pytest.raises(DaemonEnded, match="failpoint"):
        Daemon(tmp_path / "home", {"testing.failpoint": "no.such"}).start()
