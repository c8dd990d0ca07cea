"""What the table says must follow from what was measured."""

from __future__ import annotations

import json
from itertools import pairwise, product
from pathlib import Path

import pytest
from bullpen_api.v1 import run_pb2

from tests.bench import __main__ as command
from tests.bench import device, fsyncs
from tests.bench.bare_grpc import BURST, Bare
from tests.bench.deaths import Diary, every_pair
from tests.bench.effort import Effort
from tests.bench.startup import packages
from tests.bench.table import Row, Series, render
from tests.faults.lives import Person


def test_percentiles_are_of_the_nearest_rank() -> None:
    """The p-th percentile is a measured value, the smallest that p percent do not exceed."""
    series = Series.of([5.0, 1.0, 4.0, 2.0, 3.0])
    assert [series.percentile(percent) for percent in (1, 20, 21, 50, 99, 100)] == [1.0, 1.0, 2.0, 3.0, 5.0, 5.0]
    assert series.median == 3.0


def test_a_series_shows_median_and_extremes() -> None:
    """Median first, then least and most, in the unit that was asked for."""
    assert Series.of([0.001, 0.003, 0.002]).text("ms", 1000, 1) == "2.0 (1.0–3.0) ms"


def test_the_table_is_aligned_and_names_what_missed() -> None:
    """Columns begin at the same place in every line, and a missed target stands out."""
    lines = render([Row("short", "≤ 1", "2", False), Row("a longer name", "", "3")]).splitlines()
    assert lines[0].index("target") == lines[2].index("≤ 1")
    assert lines[0].index("measured") == lines[2].index("2") == lines[3].index("3")
    assert lines[2].endswith("MISSED")
    assert lines[3].endswith("–")


def test_imports_are_read_from_the_profile(tmp_path: Path) -> None:
    """Every top-level package of the profile counts once, other lines do not."""
    said = tmp_path / "stderr"
    said.write_text(
        "import time:       12 |         30 |   PIL.Image\nimport time: self [us] | cumulative | x\nnumpy\n"
    )
    assert packages(said) == {"PIL"}


def test_bare_fsyncs_leave_what_a_job_leaves(tmp_path: Path) -> None:
    """The yardstick writes two files in a folder of their own, and takes a time."""
    bare = fsyncs.Bare(tmp_path / "bare")
    assert bare.job() > 0
    assert len(list((tmp_path / "bare").glob("??/*/*"))) == 2


async def test_the_bare_server_answers_and_streams(tmp_path: Path) -> None:
    """The measure of the wire gives a time for each call, and for each message of its bursts."""
    async with Bare(tmp_path / "bare") as wire:
        assert await wire.echo(b"hello") > 0
        for durable in (True, False):
            seen = await wire.latencies(2, 0.0, durable=durable)
            assert len(seen) == 2 * BURST
            assert min(seen) > 0


@pytest.mark.parametrize(("ok", "status"), [(True, 0), (None, 0), (False, 1)])
def test_the_command_ends_as_its_rows_do(
    ok: bool | None, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missed target gives status 1; the report is printed and kept as JSON."""

    async def measured(effort: Effort) -> list[Row]:
        return [Row("what", "≤ 1", "1", ok, {"quick": effort.quick})]

    monkeypatch.setitem(command.ROWS, "startup", measured)
    monkeypatch.setattr(command, "ROOT", tmp_path)
    assert command.main(["--only", "startup", "--quick", "--json"]) == status
    said = json.loads(capsys.readouterr().out)
    assert said["rows"] == [{"what": "what", "target": "≤ 1", "measured": "1", "ok": ok, "values": {"quick": True}}]
    (kept,) = (tmp_path / "var" / "bench").glob("*.json")
    assert json.loads(kept.read_text(encoding="utf-8")) == said


def test_the_walk_over_deaths_has_every_pair_once() -> None:
    """Each point follows each point, itself too, exactly once."""
    walk = every_pair("abcd")
    assert len(walk) == 17
    assert set(pairwise(walk)) == set(product("abcd", repeat=2))


def test_a_walk_that_was_cut_goes_on_with_the_death_before(tmp_path: Path) -> None:
    """What was answered in any life is known again; the last death counts when it was died anew, after the cut."""
    person, diary = Person(tmp_path), Diary(tmp_path / "walk.jsonl")
    for number, point in enumerate("abc"):
        person.lives = number
        person.runs[f"life-{number}"] = run_pb2.Run(name=f"projects/life-{number}/runs/r", revision=number)
        diary.write(point, point != "a", 2.0, person, [f"life-{number}"])
    again, read = Person(tmp_path), Diary(tmp_path / "walk.jsonl")
    read.read(again)
    assert (read.lived, read.met, read.seconds) == (2, 1, 4.0)
    assert (again.lives, again.runs) == (2, person.runs)


@pytest.mark.parametrize("family", ["sdxl", "flux"])
def test_the_harness_for_gpus_runs_on_the_processor(family: str, tmp_path: Path) -> None:
    """With tiny shapes of the same parts: every row is measured, and the model stays where it was built."""
    rows = device.measure(Effort(quick=True), "cpu", family, True, tmp_path)
    assert [row.what.startswith(family) for row in rows] == [True, True, True]
    assert rows[0].values["share"]["median"] > 0
    assert rows[1].values["ratio"]["median"] > 0
    assert rows[2].values["weights"] > 0
    assert (tmp_path / f"{family}-tiny" / "model_index.json").is_file()


def test_a_device_needs_a_family(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong command line is refused with what is missing."""
    with pytest.raises(SystemExit) as ended:
        command.main(["--device", "cuda"])
    assert ended.value.code == 2
    assert "go together" in capsys.readouterr().err
