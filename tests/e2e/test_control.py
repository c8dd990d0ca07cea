"""M6: a picture is changed while it is made, over one stream; what took effect is in the recipe and is replayed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from bullpen_api.v1 import control_pb2, queue_pb2, run_pb2
from bullpen_cli import main
from bullpen_client import errors

from tests.support.daemon import Daemon
from tests.support.studio import PATIENCE, Studio, held

pytestmark = pytest.mark.e2e

Request = control_pb2.ControlRequest
Response = control_pb2.ControlResponse


class Stream:
    """A person at the controls of one job. Use it as `async with`."""

    def __init__(self, studio: Studio, job: str) -> None:
        self._requests: asyncio.Queue[Request | None] = asyncio.Queue()
        self._requests.put_nowait(Request(name=job))
        self._items: AsyncIterator[Response] = aiter(studio.session.control.Control(self._send()))
        self.seen: list[Response] = []

    async def _send(self) -> AsyncIterator[Request]:
        while (request := await self._requests.get()) is not None:
            yield request

    async def __aenter__(self) -> Self:
        assert (await self.until("attached")).attached.name
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._items.aclose()  # type: ignore[attr-defined]  # a generator

    def say(self, **fields: object) -> None:
        """Asks for a change."""
        self._requests.put_nowait(Request(**fields))  # type: ignore[arg-type]  # fields by name

    def enough(self) -> None:
        """Nothing more will be asked for."""
        self._requests.put_nowait(None)

    async def until(self, kind: str) -> Response:
        """The next item of a kind."""
        async with asyncio.timeout(PATIENCE):
            async for item in self._items:
                self.seen.append(item)
                if item.WhichOneof("item") == kind:
                    return item
        raise AssertionError(f"the stream ended without {kind}")

    async def rest(self) -> list[str]:
        """The kinds of what follows, to the end of the stream."""
        async with asyncio.timeout(PATIENCE):
            return [str(item.WhichOneof("item")) async for item in self._items]


async def begun(studio: Studio, words: str, candidates: int = 1) -> tuple[run_pb2.Run, str]:
    """A run whose picture is being made, and its job."""
    run = await studio.start(await studio.universe(1), words, candidates)
    await studio.progress(run, lambda progress: progress.step >= 1)
    return run, f"{run.name}/jobs/j-001"


async def test_m6_changes_take_effect_between_two_steps_and_are_replayed(studio: Studio) -> None:
    """Guidance and the number of steps change on the way; each change is answered with the step before which it acts,
    the recipe has them, and a replay gives the same picture.
    """
    gate = studio.folder / "go"
    run, job = await begun(studio, held(gate, steps=30, step_ms=150))
    async with Stream(studio, job) as stream:
        stream.say(change_id="a", guidance_scale=3.5)
        taken = (await stream.until("taken")).taken
        assert (taken.change_id, taken.candidate) == ("a", f"{job}/candidates/c-1")
        assert 1 < taken.step <= 30
        stream.say(change_id="b", steps=45, image_guidance_scale=1.25)
        later = (await stream.until("taken")).taken
        assert (later.change_id, later.step > taken.step) == ("b", True)
        assert (await stream.until("progress")).progress.steps in (30, 45)
        ended = (await stream.until("ended")).ended
        assert ended.state == run_pb2.Job.STATE_SUCCEEDED
        assert await stream.rest() == []
    assert max(item.progress.step for item in stream.seen if item.HasField("progress")) > 30
    (made,) = (await studio.session.runs.GetJob(run_pb2.GetJobRequest(name=job))).candidates
    assert json.loads(made.recipe_json)["changes"] == [
        {"step": taken.step, "guidance_scale": 3.5},
        {"step": later.step, "image_guidance_scale": 1.25, "steps": 45},
    ]
    gate.touch()  # the replay need not take its time
    log = Path((await studio.logged(run)).log_path).read_text()
    again = await studio.logged(await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    (copy,) = await studio.candidates(again)
    assert copy.asset == made.asset, "the same file, to the byte"


async def test_m6_strength_waits_for_the_next_candidate(studio: Studio) -> None:
    """What counts from the first step only is taken for the candidates that have not begun."""
    gate = studio.folder / "go"
    _, job = await begun(studio, f"candidate=1 {held(gate)}", candidates=2)
    async with Stream(studio, job) as stream:
        stream.say(change_id="s", strength=0.5)
        taken = (await stream.until("taken")).taken
        assert (taken.change_id, taken.step, taken.candidate) == ("s", 0, "")
        gate.touch()
        await stream.until("ended")
    first, second = (await studio.session.runs.GetJob(run_pb2.GetJobRequest(name=job))).candidates
    assert json.loads(first.recipe_json)["changes"] == []
    assert json.loads(second.recipe_json)["changes"] == [{"step": 1, "strength": 0.5}]


async def test_m6_refusals_do_not_end_the_stream(studio: Studio) -> None:
    """Out of bounds, empty, a second name, too late: each is refused by its id with reason and remedy, and the picture
    goes on; a cancel ends it within a step.
    """
    _, job = await begun(studio, "steps=3000 step_ms=20")
    async with Stream(studio, job) as stream:
        wrong: list[dict[str, object]] = [
            {"guidance_scale": -1.0},
            {"guidance_scale": float("nan")},
            {"steps": 0},
            {"strength": 2.0},
            {},
            {"name": job, "steps": 5},
        ]
        for number, fields in enumerate(wrong):
            stream.say(change_id=str(number), **fields)
            refused = (await stream.until("refused")).refused
            assert (refused.change_id, refused.reason) == (str(number), "FIELD_INVALID")
            assert refused.message
            assert refused.remedy
        stream.say(change_id="late", strength=0.5)
        refused = (await stream.until("refused")).refused
        assert (refused.change_id, refused.reason) == ("late", "STATE_CONFLICT")
        stream.say(change_id="stop", cancel=True)
        assert (await stream.until("ended")).ended.state == run_pb2.Job.STATE_CANCELED
    with pytest.raises(errors.StateConflict) as ended:
        async with Stream(studio, job):
            pass
    assert ended.value.remedy


async def test_m6_a_job_that_waits_is_told_from_one_that_is_paused(studio: Studio) -> None:
    """Neither can be changed on its way; each refusal says how it stands and what to do."""
    await studio.session.queue.PauseQueue(queue_pb2.PauseQueueRequest())
    try:
        run = await studio.start(await studio.universe(1))
        job = f"{run.name}/jobs/j-001"
        async with Stream(studio, job) as stream:
            stream.say(change_id="1", guidance_scale=2.0)
            refused = (await stream.until("refused")).refused
            assert (refused.reason, "waits for its turn" in refused.message) == ("STATE_CONFLICT", True)
            await studio.session.queue.PauseJob(queue_pb2.PauseJobRequest(name=job))
            stream.say(change_id="2", guidance_scale=2.0)
            refused = (await stream.until("refused")).refused
            assert "is paused" in refused.message
            assert "bullpen runs resume" in refused.remedy
        await studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))
    finally:
        await studio.session.queue.ResumeQueue(queue_pb2.ResumeQueueRequest())


async def test_m6_stream_of_who_asks_no_more_ends(studio: Studio) -> None:
    """When the client has sent its last change the stream ends with the last answer; the job goes on."""
    run, job = await begun(studio, "steps=3000 step_ms=20")
    async with Stream(studio, job) as stream:
        stream.say(change_id="x", guidance_scale=2.0)
        stream.enough()
        await stream.until("taken")
        assert "ended" not in await stream.rest()
    (row,) = await studio.jobs(run)
    assert row.state == run_pb2.Job.STATE_RUNNING
    await studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))


async def test_m6_control_of_what_is_not_there_is_named(studio: Studio) -> None:
    """An unknown job, no name, no message at all: typed."""
    project = await studio.project()
    for name, kind in (
        (f"{project}/runs/r-1/jobs/j-001", errors.ResourceNotFound),
        ("nonsense", errors.FieldInvalid),
        ("", errors.FieldInvalid),
    ):
        with pytest.raises(kind):
            async with Stream(studio, name):
                pass

    async def nothing() -> AsyncIterator[Request]:
        for request in list[Request]():
            yield request

    with pytest.raises(errors.FieldInvalid):
        await anext(aiter(studio.session.control.Control(nothing())))


async def test_m6_tune_on_the_command_line_says_when(
    studio: Studio, daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    """`bullpen tune` waits for the answer of the worker: the step, or the refusal."""
    run, job = await begun(studio, "steps=3000 step_ms=20")
    home = ["--home", str(daemon.home)]
    assert await asyncio.to_thread(main.run, ["tune", job, "--steps", "150", "--guidance", "4", *home]) == 0
    assert "changed before step" in capsys.readouterr().out
    assert await asyncio.to_thread(main.run, ["tune", job, "--strength", "0.5", *home]) == 1
    assert "last one" in capsys.readouterr().err
    await studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))
