"""A short life of a daemon with many jobs and dying workers: what it holds does not grow. `make soak` lives longer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench import soak
from tests.bench.soak import GROWTH, MB, Reading
from tests.bench.studio import SCRIPTED, TRIVIAL, Studio

pytestmark = pytest.mark.faults

STEADY = Reading(0, 70 * MB, 40, 9, 30, 50 * MB, 12)


@pytest.mark.parametrize("figure", GROWTH)
def test_a_leak_is_told_by_what_leaks(figure: str) -> None:
    """A figure that grows with each job is found; one that jumps once, early, is a cache that filled."""
    more = GROWTH[figure]
    leaking = [replace(STEADY, **{figure: getattr(STEADY, figure) + number * more}) for number in range(16)]
    assert list(soak.leaks(leaking)) == [figure]
    filled = [STEADY] + [replace(STEADY, **{figure: getattr(STEADY, figure) + 9 * more})] * 15
    assert soak.leaks(filled) == {}


async def test_jobs_leave_nothing_behind_in_memory() -> None:
    """Memory, open files, threads and tasks of daemon and workers are the same after more jobs."""
    async with Studio() as studio:
        readings, _ = await soak.live(studio, 96, TRIVIAL)
    assert soak.leaks(readings) == {}
    assert readings[-1].jobs == 96


async def test_workers_that_die_leave_nothing_behind() -> None:
    """Each job kills a worker once and is done by the next one: as many deaths as jobs, and nothing grows."""
    async with Studio((*SCRIPTED, "devices.use=scripted,scripted:2")) as studio:
        readings, died = await soak.live(studio, 8, soak.DYING)
    assert died == 8
    assert soak.leaks(readings) == {}
