"""The post worker as a real process."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.post import PostLoop

from tests.worker.conftest import drawing
from tests.worker.driver import Worker, post, worker
from tests.worker.test_pictures import bomb


def _import(path: Path, root: Path) -> link_pb2.ImportPicture:
    return link_pb2.ImportPicture(
        path=str(path), assets_folder=str(root / "assets"), thumbnails_folder=str(root / "thumbnails")
    )


async def _answers(started: Worker, count: int) -> dict[int, link_pb2.FromWorker]:
    answers: dict[int, link_pb2.FromWorker] = {}
    while len(answers) < count:
        frame = await started.next()
        body = frame.WhichOneof("body")
        if body in {"task_done", "task_failed"}:
            answers[frame.task_done.id or frame.task_failed.id] = frame
    return answers


async def test_every_task_is_answered_by_its_id(tmp_path: Path) -> None:
    """Good and bad tasks of each kind, many at once: each has one answer, and a failed one has a reason."""
    picture, raw = tmp_path / "picture.png", tmp_path / "raw.rgb"
    drawing(16, 16).save(picture)
    raw.write_bytes(drawing(16, 16).tobytes())
    finish = link_pb2.FinishPicture(
        raw_path=str(raw),
        width=16,
        height=16,
        assets_folder=str(tmp_path / "assets"),
        thumbnails_folder=str(tmp_path / "thumbnails"),
        source_path=str(picture),
    )
    sheet = link_pb2.ContactSheet(
        out_path=str(tmp_path / "sheet.png"),
        title="Sheet",
        rows=[link_pb2.SheetRow(label="row", cells=[link_pb2.SheetCell(path=str(picture), label="cell")])],
    )
    async with worker(**post()) as started:
        tasks = [
            link_pb2.Task(id=1, finish_picture=finish),
            link_pb2.Task(id=2, import_picture=_import(picture, tmp_path)),
            link_pb2.Task(id=3, contact_sheet=sheet),
            link_pb2.Task(id=4, inspect_pictures=link_pb2.InspectPictures(paths=[str(picture)])),
            link_pb2.Task(id=5, import_picture=_import(tmp_path / "gone.png", tmp_path)),
            link_pb2.Task(id=6, import_picture=_import(bomb(tmp_path / "bomb.png"), tmp_path)),
            link_pb2.Task(id=7),
        ]
        for task in tasks:
            started.send(task=task)
        answers = await _answers(started, len(tasks))
    assert answers[1].task_done.stored_picture.measures["structure_f1"] == 1.0
    assert answers[2].task_done.stored_picture.width == 16
    assert answers[3].task_done.sheet_written.path == str(tmp_path / "sheet.png")
    assert answers[4].task_done.pictures_inspected.pictures[0].height == 16
    reasons = [answers[number].task_failed.failure.reason for number in (5, 6, 7)]
    assert reasons == ["PATH_NOT_FOUND", "PICTURE_TOO_LARGE", "INTERNAL"]


def test_memory_of_large_work_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a sheet needed is asked back from the C library once its answer is sent, whatever became of it; small tasks
    do not pay for that.
    """
    steps: list[str] = []
    monkeypatch.setattr("bullpen_worker.post.give_back_memory", lambda: steps.append("given back"))
    reports = Mock(send=lambda frame: steps.append(frame.WhichOneof("body")))
    reports.failure.return_value.to_link.return_value = link_pb2.Failure(reason="INTERNAL")
    loop = PostLoop(reports, Mock(), 1 << 20)
    picture = tmp_path / "picture.png"
    drawing(16, 16).save(picture)
    row = link_pb2.SheetRow(label="row", cells=[link_pb2.SheetCell(path=str(picture), label="cell")])
    for path in (tmp_path / "sheet.png", picture / "sheet.png"):
        sheet = link_pb2.ContactSheet(out_path=str(path), title="Sheet", rows=[row])
        loop.handle(link_pb2.ToWorker(task=link_pb2.Task(id=1, contact_sheet=sheet)))
    inspect = link_pb2.InspectPictures(paths=[str(picture)])
    loop.handle(link_pb2.ToWorker(task=link_pb2.Task(id=2, inspect_pictures=inspect)))
    assert steps == ["task_done", "given back", "task_failed", "given back", "task_done"]


async def test_equal_pictures_at_once_become_one_asset(tmp_path: Path) -> None:
    """Several threads that store the same content do not disturb each other."""
    picture = tmp_path / "picture.png"
    drawing(40, 40).save(picture)
    async with worker(**post()) as started:
        for number in range(1, 25):
            started.send(task=link_pb2.Task(id=number, import_picture=_import(picture, tmp_path)))
        answers = await _answers(started, 24)
    paths = {answer.task_done.stored_picture.path for answer in answers.values()}
    assert len(paths) == 1
    assert Path(paths.pop()).read_bytes() == picture.read_bytes()
    assert not list((tmp_path / "assets" / ".tmp").iterdir())
