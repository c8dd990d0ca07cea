"""The contact sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops import sheet
from bullpen_worker.ops.sheet import write_sheet
from PIL import Image

from tests.worker.conftest import drawing

LIMIT = 1_000_000
ACCENT = np.array([214, 106, 40])


def _sheet(folder: Path, *, accepted: int = -1, rows: int = 2, columns: int = 3) -> link_pb2.ContactSheet:
    picture = folder / "cell.png"
    drawing(96, 64).save(picture)
    cells = [
        link_pb2.SheetCell(path=str(picture), label=f"seed {number}", accepted=number == accepted)
        for number in range(columns)
    ]
    return link_pb2.ContactSheet(
        out_path=str(folder / "runs" / "run-1" / "contact-sheet.png"),
        title="Harbour at night – style",
        rows=[
            link_pb2.SheetRow(label=f"Scene {number} with a rather long name", cells=cells) for number in range(rows)
        ],
    )


def _pixels(path: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_a_sheet_shows_every_cell(tmp_path: Path) -> None:
    """Its size follows from rows and columns; the reported one is the file's; no draft stays beside it."""
    task = _sheet(tmp_path)
    written = write_sheet(task, LIMIT)
    pixels = _pixels(task.out_path)
    assert pixels.shape == (written.height, written.width, 3)
    assert written.width > 3 * 192
    assert written.height > 2 * 192
    assert [path.name for path in Path(task.out_path).parent.iterdir()] == ["contact-sheet.png"]


def test_accepted_cells_are_framed(tmp_path: Path) -> None:
    """The accent colour appears with the accepted cell and only then."""
    plain, marked = _sheet(tmp_path), _sheet(tmp_path, accepted=1)
    counts = []
    for task in (plain, marked):
        write_sheet(task, LIMIT)
        counts.append(int((_pixels(task.out_path) == ACCENT).all(axis=-1).sum()))
    assert counts[0] == 0
    assert counts[1] > 2 * 3 * (192 + 128)


def test_a_missing_picture_leaves_a_gap(tmp_path: Path) -> None:
    """One lost file does not cost the sheet."""
    task = _sheet(tmp_path)
    task.rows[0].cells[0].path = str(tmp_path / "gone.png")
    assert write_sheet(task, LIMIT).width > 0


def test_an_empty_sheet_can_be_drawn(tmp_path: Path) -> None:
    """A run in which nothing succeeded has a sheet with a title."""
    task = link_pb2.ContactSheet(out_path=str(tmp_path / "empty.png"), title="Nothing")
    assert write_sheet(task, LIMIT).height > 0


def test_large_sheets_get_smaller_cells_and_huge_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sheet's size is bounded, by words where nothing else helps."""
    monkeypatch.setattr(sheet, "_MAX_SHEET_PIXELS", 1_000_000)
    written = write_sheet(_sheet(tmp_path, rows=8, columns=4), LIMIT)
    assert written.width * written.height <= 1_000_000
    with pytest.raises(WorkerError) as caught:
        write_sheet(_sheet(tmp_path, rows=200, columns=30), LIMIT)
    assert caught.value.reason == "LIMIT_EXCEEDED"
