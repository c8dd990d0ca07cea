"""U01: a picture from a text in one call, without a project: streamed, stoppable, typed where it fails."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncIterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import lab_pb2, model_pb2, project_pb2, run_pb2
from bullpen_client import Session, errors
from PIL import Image

from tests.support.daemon import Daemon
from tests.support.studio import Studio, held

pytestmark = pytest.mark.e2e

Made = list[tuple[lab_pb2.GeneratedPicture, bytes]]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the scripted model only."""
    with Daemon(tmp_path_factory.mktemp("d") / "home", {"paths.model_folders": "{home}/models"}) as running:
        yield running


def request(words: str = "", **fields: Any) -> lab_pb2.GenerateRequest:
    """A wish that the scripted engine follows."""
    return lab_pb2.GenerateRequest(**{"prompt": f"a pier scripted: {words}", "seed": 7, **fields})


async def collect(stream: AsyncIterable[lab_pb2.GenerateResponse]) -> tuple[list[lab_pb2.GenerateResponse], Made]:
    """Every message, and the pictures put together."""
    messages, made = [], []
    async for message in stream:
        messages.append(message)
        if message.HasField("picture"):
            made.append((message.picture, b""))
        elif message.HasField("chunk"):
            head, content = made.pop()
            made.append((head, content + message.chunk))
    return messages, made


async def nothing_left(daemon: Daemon, session: Session) -> None:
    """No file of the lab lies about, no project was made, and the device is free."""
    assert list((daemon.home / "tmp").iterdir()) == []
    assert not (await session.projects.ListProjects(project_pb2.ListProjectsRequest())).projects


async def test_u01_pictures_come_with_their_recipe(session: Session, daemon: Daemon) -> None:
    """First what will be done, then progress, then each picture whole; the same wish gives the same pictures."""
    messages, made = await collect(session.lab.Generate(request("steps=3", count=2, negative_prompt="rain")))
    started = messages[0].started
    assert (started.model, list(started.seeds)) == ("models/scripted", [7, 8])
    assert any(message.HasField("progress") for message in messages)
    assert [(head.picture, head.seed) for head, _ in made] == [(1, 7), (2, 8)]
    for head, content in made:
        assert (head.size_bytes, head.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (head.width, head.height) == (64, 64)
            recipe = json.loads(image.info["bullpen"])
            assert "Negative prompt: rain" in image.info["parameters"]
        assert recipe == json.loads(head.recipe_json)
        assert (recipe["seed"], recipe["negative_prompt"], recipe["project"]) == (head.seed, "rain", "")
        assert recipe["model"]["digest"] == "scripted"
    assert made[0][1] != made[1][1]
    _, again = await collect(session.lab.Generate(request("steps=3", seed=8, negative_prompt="rain")))
    with Image.open(io.BytesIO(again[0][1])) as one, Image.open(io.BytesIO(made[1][1])) as other:
        assert one.tobytes() == other.tobytes()
    await nothing_left(daemon, session)


async def test_u01_a_wish_without_a_seed_repeats(session: Session) -> None:
    """The seed follows from the content, so another text has another one."""
    seeds = []
    for words in ("", "", "size=16x16"):
        wish = request(words)
        wish.ClearField("seed")
        messages, _ = await collect(session.lab.Generate(wish))
        seeds.append(messages[0].started.seeds[0])
    assert seeds[0] == seeds[1] != seeds[2]


async def test_u01_leaving_frees_the_device(session: Session, daemon: Daemon) -> None:
    """A client that ends its call stops the work within a step; whoever waits behind it is served."""
    endless = aiter(session.lab.Generate(request("steps=100000 step_ms=5")))
    async for message in endless:
        if message.progress.step > 1:
            break
    stream = aiter(session.lab.Generate(request("steps=2")))
    first = await anext(stream)
    assert first.started.position == 1, "one device does one thing after the other"
    await endless.aclose()  # type: ignore[attr-defined]  # a generator, which ends its call
    async with asyncio.timeout(60):
        _, made = await collect(stream)
    assert len(made) == 1
    await nothing_left(daemon, session)


async def test_u01_runs_and_single_pictures_share_the_queue(studio: Studio, session: Session) -> None:
    """A single picture goes before the jobs that wait, not before the one that runs; the run loses nothing."""
    project = await studio.universe(3)
    gate = studio.folder / "go"
    run = await studio.start(project, held(gate, steps=20, step_ms=250))
    await studio.progress(run, lambda progress: progress.step > 0)
    _, made = await collect(session.lab.Generate(request("steps=2")))
    assert len(made) == 1
    jobs = await studio.jobs(run)
    assert any(job.state == run_pb2.Job.STATE_QUEUED for job in jobs), "it did not wait for the whole run"
    gate.touch()
    assert (await studio.logged(run)).state == run_pb2.Run.STATE_SUCCEEDED


async def test_u01_a_lost_worker_costs_no_picture(session: Session) -> None:
    """The order is made again by the next worker, what was finished stays; three deaths end it with the reason."""
    _, made = await collect(session.lab.Generate(request("candidate=2 crash_at=2 faults_until=1", count=3)))
    assert [head.picture for head, _ in made] == [1, 2, 3]
    with pytest.raises(errors.WorkerLost):
        await collect(session.lab.Generate(request("crash_at=1")))
    _, made = await collect(session.lab.Generate(request()))
    assert len(made) == 1


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({"prompt": " "}, errors.FieldInvalid, "prompt"),
        ({"prompt": "x" * 4001}, errors.FieldInvalid, "prompt"),
        ({"count": -1}, errors.FieldInvalid, "count"),
        ({"count": 7}, errors.LimitExceeded, "count"),
        ({"seed": -1}, errors.FieldInvalid, "seed"),
        ({"sampling": run_pb2.SamplingParameters(steps=0)}, errors.FieldInvalid, "sampling.steps"),
        ({"sampling": run_pb2.SamplingParameters(width=65)}, errors.FieldInvalid, "sampling.width"),
        ({"model": "models/nobody"}, errors.ModelNotFound, "model"),
        ({"loras": [model_pb2.LoraUse(model="scripted")]}, errors.ModelUnsupported, "loras[0].model"),
    ],
)
async def test_u01_a_wish_that_cannot_be_is_refused_by_its_field(
    session: Session, fields: dict[str, Any], error: type[errors.BullpenError], field: str
) -> None:
    """Before anything is queued, with something to do about it."""
    with pytest.raises(error) as refused:
        await collect(session.lab.Generate(request(**fields)))
    assert refused.value.field == field
    assert refused.value.remedy


async def test_u01_a_failure_of_the_engine_is_typed(session: Session) -> None:
    """What the engine met reaches the one who asked, in the words of a failed job."""
    with pytest.raises(errors.EngineFailed, match="scripted failure"):
        await collect(session.lab.Generate(request("fail_at=1")))


async def test_u01_a_daemon_that_stops_says_so(tmp_path: Path) -> None:
    """Nothing of the lab is taken up again, so whoever waits is told at once."""
    with Daemon(tmp_path / "home") as daemon:
        async with Session(daemon.home) as session:
            stream = aiter(session.lab.Generate(request("steps=100000 step_ms=5")))
            await anext(stream)
            stopped = asyncio.create_task(asyncio.to_thread(daemon.stop))
            with pytest.raises(errors.ShuttingDown):
                await collect(stream)
            assert await stopped == 0
