"""The pool of post workers: typed errors, several tasks in hand, and what a death does to them."""

from __future__ import annotations

import asyncio

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpend import errors

from tests.workers.scene import PATIENCE, sheet, supervised


async def test_a_task_is_done_by_a_worker_started_for_it() -> None:
    """The first task starts a worker; further ones use the same."""
    async with supervised("good") as (supervisor, heard):
        assert supervisor.posts() == []
        first = await supervisor.run_task(sheet("a"))
        second = await supervisor.run_task(sheet("b"))
        assert first.sheet_written.path == second.sheet_written.path == str(supervisor.posts()[0].pid)
        assert heard.all == []


async def test_a_failure_is_raised_as_its_typed_error() -> None:
    """The worker's reason becomes the error class; its sentence and remedy are kept."""
    async with supervised("good") as (supervisor, _):
        with pytest.raises(errors.PictureUnreadable, match=r"It is no picture\.") as caught:
            await supervisor.run_task(sheet("fail"))
        assert caught.value.remedy == "Give one."


async def test_several_tasks_are_in_hand_and_answered_in_any_order() -> None:
    """A task that takes long does not hold up the one behind it."""
    async with supervised("good") as (supervisor, _), asyncio.timeout(PATIENCE):
        slow = asyncio.ensure_future(supervisor.run_task(sheet("slow")))
        await supervisor.run_task(sheet("quick"))
        assert not slow.done()
        await supervisor.run_task(sheet("release"))
        await slow


async def test_a_killer_is_tried_twice_and_takes_nobody_with_it() -> None:
    """A task that kills workers is given up after two; tasks that were in hand beside it are done all the same."""
    async with supervised("good") as (supervisor, _), asyncio.timeout(PATIENCE):
        wishes = ["one", "two", "die", "three", "four"]
        results = await asyncio.gather(*(supervisor.run_task(sheet(wish)) for wish in wishes), return_exceptions=True)
        assert [isinstance(result, BaseException) for result in results] == [False, False, True, False, False]
        assert isinstance(results[2], errors.WorkerLost)
        assert "2 post workers were lost" in str(results[2])


async def test_a_worker_that_cannot_start_refuses_in_words() -> None:
    """After some vain starts whoever waits is told why, and does not wait for ever; eager starting says the same."""
    async with supervised("exit-at-once") as (supervisor, _), asyncio.timeout(PATIENCE):
        with pytest.raises(errors.WorkerLost, match="No module named 'engine'"):
            await supervisor.run_task(sheet("a"))
        with pytest.raises(errors.WorkerLost, match="No module named 'engine'"):
            await supervisor.start_posts()


async def test_eager_start_fills_the_pool() -> None:
    """start_posts starts as many as the settings say, and tasks are spread over them."""
    async with supervised("good", post_workers=2) as (supervisor, _), asyncio.timeout(PATIENCE):
        await supervisor.start_posts()
        assert len(supervisor.posts()) == 2
        await supervisor.start_posts()
        done = await asyncio.gather(*(supervisor.run_task(sheet(str(number))) for number in range(12)))
        pids = {int(task.sheet_written.path) for task in done}
        assert pids <= {status.pid for status in supervisor.posts()}


async def test_a_task_that_takes_too_long_costs_the_worker() -> None:
    """A task has a time; beyond it the worker is killed, and after the second time the task is refused."""
    async with supervised("good", task_seconds=3.0) as (supervisor, _), asyncio.timeout(PATIENCE):
        with pytest.raises(errors.WorkerLost, match=r"took longer than 3 s"):
            await supervisor.run_task(sheet("slow"))
        await supervisor.run_task(sheet("quick"))


async def test_closing_refuses_what_is_not_done() -> None:
    """Whoever waits at the close is told that the daemon stops; so is whoever comes later."""
    async with supervised("good") as (supervisor, _), asyncio.timeout(PATIENCE):
        slow = asyncio.ensure_future(supervisor.run_task(sheet("slow")))
        await supervisor.run_task(sheet("quick"))
        await supervisor.close()
        with pytest.raises(errors.ShuttingDown):
            await slow
        with pytest.raises(errors.ShuttingDown):
            await supervisor.run_task(sheet("late"))


async def test_a_caller_that_goes_away_disturbs_nobody() -> None:
    """A canceled wait is dropped; its answer is ignored and other tasks go on."""
    async with supervised("good") as (supervisor, _), asyncio.timeout(PATIENCE):
        slow = asyncio.ensure_future(supervisor.run_task(sheet("slow")))
        await supervisor.run_task(sheet("quick"))
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        await supervisor.run_task(sheet("release"))


async def test_a_task_too_large_for_a_frame_is_refused() -> None:
    """A task over the limit of a frame is refused before a worker sees it."""
    async with supervised("good") as (supervisor, _):
        with pytest.raises(errors.LimitExceeded):
            await supervisor.run_task(sheet("x" * 9_000_000))
        assert supervisor.posts() == []


async def test_a_long_task_runs_apart_is_followed_and_stops_when_nobody_waits_for_it() -> None:
    """Long tasks have a worker of their own; progress is told, and the next begins when the one before was stopped."""
    async with supervised("good") as (supervisor, _), asyncio.timeout(PATIENCE):
        half = asyncio.Event()
        told: list[tuple[str, float]] = []

        def follow(progress: link_pb2.TaskProgress) -> None:
            told.append((progress.step, progress.share))
            half.set()

        long = asyncio.ensure_future(supervisor.run_long_task(sheet("slow progress"), follow))
        await half.wait()
        assert told == [("half", 0.5)]
        behind = asyncio.ensure_future(supervisor.run_long_task(sheet("behind")))
        await supervisor.run_task(sheet("quick"))
        assert not behind.done()
        long.cancel()
        await behind
        assert long.cancelled()
