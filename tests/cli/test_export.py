"""`bullpen export`: what the options ask for, and a project brought out, verified and forgotten over a real daemon."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from bullpen_cli import export, exporting
from bullpen_client import Session

from tests.cli.conftest import Bullpen
from tests.exports.asking import story
from tests.support.daemon import Daemon
from tests.support.studio import Studio

NOTHING: dict[str, Any] = {
    "format": "cbz",
    "to": None,
    "stage": "",
    "scenes": (),
    "finished": False,
    "all_candidates": False,
    "layout": None,
    "page": None,
    "margin": None,
    "gutter": None,
    "right_to_left": False,
    "title": "",
    "series": "",
    "overwrite": False,
}


def test_options_become_a_wish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids become names in their order, a place becomes absolute, a margin of nothing is said."""
    monkeypatch.chdir(tmp_path)
    options = {
        **NOTHING,
        "scenes": ("b, a", "c"),
        "to": "out/p.cbz",
        "layout": (2, 3),
        "margin": 0,
        "page": (800, 1200),
    }
    spec = exporting.spec_of("noir", options)
    assert list(spec.scenes) == [f"projects/noir/scenes/{slug}" for slug in "bac"]
    assert spec.destination == str(tmp_path / "out" / "p.cbz")
    layout = spec.layout
    assert (layout.columns, layout.rows, layout.page_width, layout.page_height) == (2, 3, 800, 1200)
    assert (layout.HasField("margin"), layout.margin, layout.HasField("gutter")) == (True, 0, False)
    assert not exporting.spec_of("noir", NOTHING).HasField("layout")
    for alone in ({"page": (1, 1)}, {"gutter": 3}, {"right_to_left": True}):
        with pytest.raises(click.UsageError, match="--layout"):
            exporting.spec_of("noir", {**NOTHING, **alone})


def test_a_layout_is_two_numbers() -> None:
    """With either sign between them; all else is said in one line."""
    assert exporting.Pair().convert("2x3", None, None) == exporting.Pair().convert("2×3", None, None) == (2, 3)
    for wrong in ("2", "x3", "2x", "axb", "-1x2", "2x3x4", "1" * 20 + "x1"):
        with pytest.raises(click.BadParameter):
            exporting.Pair().convert(wrong, None, None)


def test_a_file_is_told_from_the_name_of_an_export() -> None:
    """Whole and short names are exports; whatever else is a path, also in a folder that is called like a collection."""
    for name in ("last", "e-0001", "noir/e-0012", "projects/noir/exports/e-0001"):
        assert export._is_export(name)
    for path in (
        "book.cbz",
        "/home/projects/noir/exports/noir-e-0001.cbz",
        "./e-0001",
        "exports/noir.zip",
        "e-0001.cbz",
    ):
        assert not export._is_export(path)


@pytest.fixture
def real(home: Path) -> Iterator[Daemon]:
    """A daemon of its own."""
    with Daemon(home) as serving:
        yield serving


@pytest.mark.e2e
async def test_a_project_is_brought_out_and_proved(real: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """Looked at, made, listed, verified, damaged, verified again, refused, forgotten; scripts get one object each."""
    async with Session(real.home) as session:
        project = (await story(Studio(session, tmp_path), scenes=2, candidates=1)).rpartition("/")[2]
    book = tmp_path / "book.cbz"
    line = ("export", project, "--format", "cbz", "--to", str(book))
    looked = await bullpen(*line, "--scenes", "s2", "--dry-run")
    assert looked.status == 0, looked.err
    assert "1 page, 1 picture" in looked.out
    assert not book.exists()
    made = await bullpen("--json", *line, "--layout", "2x1", "--right-to-left")
    assert made.status == 0, made.err
    assert (made.json["state"], made.json["path"], made.json["figures"]["pages"]) == ("STATE_SUCCEEDED", str(book), 1)
    with zipfile.ZipFile(book) as archive:
        assert archive.namelist() == ["ComicInfo.xml", "0001.png", "manifest.json"]
    again = await bullpen(*line)
    assert (again.status, "ALREADY_EXISTS" in again.err, "overwrite" in again.err) == (1, True, True)
    assert project in (await bullpen("export", "list", project)).out
    name = made.json["name"]
    assert (await bullpen("export", "show", "last", "--json")).json["name"] == name
    followed = await bullpen("export", "follow", f"{project}/e-0001")
    assert (followed.status, made.json["sha256"] in followed.out) == (0, True)
    for what in (str(book), "last", f"{project}/e-0001", name):
        verified = await bullpen("export", "verify", what, "--json")
        assert (verified.status, verified.json["sound"], verified.json["export"]) == (0, True, name)
    spoiled = bytearray(book.read_bytes())
    spoiled[len(spoiled) // 2] ^= 1
    book.write_bytes(spoiled)
    found = await bullpen("export", "verify", str(book))
    assert (found.status, "0001.png" in found.out) == (1, True)
    for verb in ("cancel", "restart"):
        refused = await bullpen("export", verb, "last", "--json")
        assert (refused.status, refused.error["reason"]) == (1, "STATE_CONFLICT")
    forgotten = await bullpen("export", "forget", "last")
    assert (forgotten.status, "stays" in forgotten.out, book.exists()) == (0, True, True)
    missing = await bullpen("export", "show", "last", "--json")
    assert (missing.status, missing.error["reason"]) == (1, "RESOURCE_NOT_FOUND")
    assert (await bullpen("export", "list", "--json")).json == {"exports": []}
    for wrong in (("export", project), ("export", project, "--format", "epub"), ("export",)):
        assert (await bullpen(*wrong)).status == 2
