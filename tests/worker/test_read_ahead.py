"""The next model's files are brought into the page cache, without ever being in anybody's way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.engines.base import FileSpec, Mark, ModelSpec
from bullpen_worker.read_ahead import ReadAhead

from tests.worker.driver import job, scripted, worker


def spec(folder: Path, name: str, size: int = 3 << 20) -> ModelSpec:
    """A model of one file."""
    folder.mkdir(exist_ok=True)
    path = folder / "weights.safetensors"
    path.write_bytes(os.urandom(size))
    return ModelSpec(name, "f", str(folder), files=(FileSpec(path.name, "", Mark.of(path.stat())),))


def test_the_whole_of_each_file_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first byte to the last, in pieces, as a hint that nobody waits for."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda fd, begin, count, _: asked.append((begin, count)), raising=False)
    monkeypatch.setattr(os, "POSIX_FADV_WILLNEED", 3, raising=False)
    ahead = ReadAhead()
    ahead.ask(spec(tmp_path / "m", "models/m", size=(20 << 20) + 5))
    assert ahead.idle(60)
    assert ahead.done == ["models/m"]
    assert asked[0][0] == 0
    assert [begin for begin, _ in asked[1:]] == [begin + count for begin, count in asked[:-1]]
    assert sum(count for _, count in asked) == (20 << 20) + 5


def test_a_model_that_would_fill_the_cache_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than half of what is free would drive out what is needed now."""
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("was opened"))
    ahead = ReadAhead(free=lambda: 4 << 20)
    ahead.ask(spec(tmp_path / "m", "models/m"))
    assert ahead.idle(60)


def test_a_file_that_is_gone_is_no_fault(tmp_path: Path) -> None:
    """Whoever loads the model says what is wrong with it."""
    wanted = spec(tmp_path / "m", "models/m")
    (tmp_path / "m" / "weights.safetensors").unlink()
    ahead = ReadAhead()
    ahead.ask(wanted)
    assert ahead.idle(60)


async def test_a_worker_reads_ahead_while_a_step_runs(tmp_path: Path) -> None:
    """The request is not answered and does not wait for the job; the worker goes on with both."""
    model = spec(tmp_path / "m", "models/m")
    ref = link_pb2.ModelRef(name=model.name, path=model.path)
    ref.files.add(path=model.files[0].path, size_bytes=model.files[0].mark.size)
    async with worker(**scripted()) as started:
        started.send(run_job=job(tmp_path, "scripted: steps=3 step_ms=1"))
        started.send(read_ahead=link_pb2.ReadAhead(model=ref))
        ended = await started.until("job_ended")
        assert ended.outcome == link_pb2.JobEnded.OUTCOME_SUCCEEDED
        started.send(run_job=job(tmp_path, "scripted: steps=1", name="next"))
        await started.until("job_ended", job="next")
        assert not [frame for frame in started.heard if frame.WhichOneof("body") == "log"]
