"""Comparing a stored picture: whatever happens to it, the picture stays and the report says what happened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpend import errors
from bullpend.assets.files import Files
from bullpend.db import Database
from bullpend.dispatch.judging import Judging
from bullpend.dispatch.lease import Lease
from bullpend.models.loading import Loading
from bullpend.quality.model import Checks, Measured

ANCHOR = link_pb2.ReferencePicture(subject="style", name="projects/p/assets/a", path="/a.png", sha256="a")
CHECKS = Checks(judges={"style": "models/style", "identity": "models/identity"}, edit_share=0.4)


class Shelf:
    """A database that has the given references, and models of which some fail."""

    def __init__(self, *references: link_pb2.ReferencePicture, failing: errors.BullpenError | None = None) -> None:
        self.references = list(references)
        self.failing = failing

    async def read(self, work: Callable[[Any], Any]) -> Any:
        return self.references

    def judge(self, name: str) -> link_pb2.ModelRef:
        if self.failing is not None:
            raise self.failing
        return link_pb2.ModelRef(name=name)


async def measured(
    tmp_path: Path, shelf: Shelf, answer: link_pb2.PictureMeasured | errors.BullpenError
) -> tuple[Measured, list[link_pb2.Task]]:
    """What came of it, and the tasks that a post worker got."""
    tasks: list[link_pb2.Task] = []

    async def run_task(task: link_pb2.Task) -> link_pb2.TaskDone:
        tasks.append(task)
        if isinstance(answer, errors.BullpenError):
            raise answer
        return link_pb2.TaskDone(picture_measured=answer)

    lease = Lease(
        {"project": "p"},
        {"name": "j", "source_sha256": "s", "inputs": '{"boxes": [[0, 0, 1, 0.5]]}', "uses": "[]"},
        Path("/s.png"),
        (8, 8),
        "d",
        "cpu",
    )
    judging = Judging(cast(Database, shelf), Files(tmp_path), cast(Loading, shelf), run_task)
    return await judging.measure(lease, "/c.png", CHECKS), tasks


async def test_a_picture_is_measured_against_what_there_is(tmp_path: Path) -> None:
    """References and judges of their subject go to the worker; what lacks references is not applicable."""
    answer = link_pb2.PictureMeasured(
        measures={"style_drift": 0.25}, failed_measures={"copy_rate": "x"}, nearest={"style_drift": ANCHOR.name}
    )
    found, (task,) = await measured(tmp_path, Shelf(ANCHOR), answer)
    assert found.values == {"style_drift": 0.25}
    assert found.failed == {"copy_rate": "x"}
    assert set(found.not_applicable) == {"identity_drift"}
    assert found.nearest == {"style_drift": ANCHOR.name}
    sent = task.measure_picture
    assert [(box.left, box.right, box.bottom) for box in sent.boxes] == [(0, 1, 0.5)]
    assert (sent.path, sent.source_path, sent.source_sha256, sent.edit_share) == ("/c.png", "/s.png", "s", 0.4)
    assert [judge.model.name for judge in sent.judges] == ["models/style"]


async def test_without_references_no_worker_is_asked(tmp_path: Path) -> None:
    """There is nothing to compare with; the reasons are known at once."""
    found, tasks = await measured(tmp_path, Shelf(), link_pb2.PictureMeasured())
    assert (set(found.not_applicable), tasks) == ({"style_drift", "identity_drift"}, [])


@pytest.mark.parametrize("error", [errors.WorkerLost("It died."), errors.ContentLost("Gone."), errors.Internal("Oh.")])
async def test_a_worker_that_dies_over_it_costs_the_values_only(tmp_path: Path, error: errors.BullpenError) -> None:
    """The failure is told under the name of the whole."""
    found, _ = await measured(tmp_path, Shelf(ANCHOR), error)
    assert found == Measured(failed={"likeness": error.message})


async def test_a_judge_that_is_missing_does_not_apply_and_a_damaged_one_fails(tmp_path: Path) -> None:
    """The references are compared all the same."""
    missing, tasks = await measured(
        tmp_path, Shelf(ANCHOR, failing=errors.ModelNotFound("No.")), link_pb2.PictureMeasured()
    )
    assert missing.not_applicable["style_drift"] == "models/style is not installed."
    assert len(tasks) == 1
    damaged, _ = await measured(
        tmp_path, Shelf(ANCHOR, failing=errors.ModelCorrupt("Bad.")), link_pb2.PictureMeasured()
    )
    assert damaged.failed == {"style_drift": "Bad."}


async def test_a_stopping_daemon_is_no_failed_measure(tmp_path: Path) -> None:
    """The candidate is made again after the next start."""
    with pytest.raises(errors.ShuttingDown):
        await measured(tmp_path, Shelf(ANCHOR), errors.ShuttingDown("Bye."))
