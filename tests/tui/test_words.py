"""How figures and states are written."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import event_pb2, model_pb2, project_pb2, run_pb2
from bullpen_tui import words
from bullpen_tui.machine.rows import resident_line
from bullpen_tui.screens.projects import cost_words
from bullpen_tui.screens.settings import way_to_change
from google.protobuf import timestamp_pb2

from tests.tui import story

JOB = f"{story.TIME_RUN}/jobs/1"


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0:00"), (42, "0:42"), (72.4, "1:12"), (7390, "2:03:10"), (-3, "0:00")]
)
def test_clock(seconds: float, written: str) -> None:
    """Times have no more parts than they need."""
    assert words.clock(seconds) == written


@pytest.mark.parametrize(
    ("count", "written"), [(0, "–"), (999, "999 B"), (2048, "2.0 K"), (36_000_000, "34 M"), (8 << 30, "8.0 G")]
)
def test_size(count: int, written: str) -> None:
    """Bytes have one unit; an unknown size is a dash."""
    assert words.size(count) == written


@pytest.mark.parametrize(
    ("past", "written"), [(1, "now"), (42, "42 s ago"), (74, "1 min ago"), (7300, "2 h ago"), (200_000, "2 d ago")]
)
def test_ago(past: float, written: str) -> None:
    """The largest whole unit is enough."""
    assert words.ago(story.at(past), story.NOW) == written
    assert words.ago(timestamp_pb2.Timestamp(), story.NOW) == words.DASH


def test_a_bar_is_full_only_at_the_end() -> None:
    """99 of 100 is not done, and does not look so."""
    assert words.bar(99, 100, 10).plain == "▰▰▰▰▰▰▰▰▰▱"
    assert words.bar(100, 100, 10).plain == "▰" * 10
    assert words.bar(0, 0, 4).plain == "▱▱▱▱"


def test_spark_keeps_the_newest_values() -> None:
    """The line ends with the newest value and never leaves its height."""
    assert words.spark([0, 1, 2, 4], 2, 4) == "▅█"
    assert words.spark([9], 4, 3) == "█"
    assert words.spark([], 4) == ""


def test_cells_of_candidates() -> None:
    """Each state has a shape of its own, readable without colour."""
    mark = event_pb2.Progress(step=4, steps=8, phase="denoising")
    queued, running = story.candidate(JOB, 1), story.candidate(JOB, 1, run_pb2.Candidate.STATE_RUNNING)
    failed = story.candidate(JOB, 1, run_pb2.Candidate.STATE_FAILED)
    canceled = story.candidate(JOB, 1, run_pb2.Candidate.STATE_CANCELED)
    assert words.candidate_cell(story.finished(JOB, 1, 0.91, accepted=True), None).plain == "✓ 0.91 ★"
    assert words.candidate_cell(story.refused(JOB, 3), None).plain == "✗ chroma"
    assert words.candidate_cell(running, mark).plain == "▰▰▱▱ 4/8"
    assert words.candidate_cell(queued, None).plain == "◌"
    assert words.candidate_cell(failed, None).plain == "✗ failed"
    assert words.candidate_cell(canceled, None).plain == "⊘"
    assert words.candidate_cell(queued, event_pb2.Progress(phase="loading")).plain == "● loading"


def test_a_candidate_without_measures_shows_no_score() -> None:
    """What was not measured is absent, never low."""
    done = story.finished(JOB, 1, 0.91)
    del done.quality.measures["structure_f1"]
    assert words.candidate_cell(done, None).plain == "✓"


def test_every_state_has_its_own_mark() -> None:
    """No state of the contract is without a mark, and no two states of a kind share sign and word."""
    for marks, enum in (
        (words.RUN_MARKS, run_pb2.Run.State),
        (words.JOB_MARKS, run_pb2.Job.State),
        (words.DEVICE_MARKS, model_pb2.Device.State),
        (words.MODEL_MARKS, model_pb2.Model.State),
    ):
        table = dict(marks)
        assert set(table) == set(enum.values())
        assert len({(sign, word) for sign, _, word in table.values()}) == len(table)


def test_stages_on_one_line() -> None:
    """Complete, begun and untouched stages look different."""
    line = words.stage_line([("style", 6, 6), ("time", 2, 6), ("weather", 0, 6)]).plain
    assert line == "style ✓ 6/6  time ◐ 2/6  weather ◌"
    assert words.stage_line([("style", 6, 6), ("time", 2, 6)], 20).plain == "style ✓  time ◐ 2/6"


def test_a_cost_is_money_and_time_and_says_when_it_is_not_sure() -> None:
    """What was charged and how long devices worked; a sum that may be larger has its sign; nothing is a dash."""
    figures = project_pb2.ProjectFigures(device_seconds=1860)
    figures.money.add(currency_code="USD", charged_micros=4_200_000, unknown_micros=40_000)
    assert cost_words(figures).plain == "$4.20?  31 m"
    assert cost_words(project_pb2.ProjectFigures()).plain == "–"


def test_what_is_in_memory_says_until_when_and_why() -> None:
    """The device, the time that is left, the reason; a pinned model does not go."""
    one = story.residents().residents[0]
    assert "in memory on cpu   69 M   goes in 4:31   used by r-0002-time" in resident_line(one, story.NOW).plain
    one.pinned = True
    assert "pinned" in resident_line(one, story.NOW).plain


def test_a_setting_says_where_another_value_is_written() -> None:
    """The line of the file, the variable, and from when on it counts."""
    line = way_to_change("models.keep_alive", "/home/ada/studio").plain
    for part in ("[models] keep_alive = …", "/home/ada/studio/daemon.toml", "BULLPEN_MODELS_KEEP_ALIVE", "next start"):
        assert part in line


def test_a_stage_is_never_left_out_of_the_line() -> None:
    """What does not fit goes on in the next line, and no line is wider than its room."""
    stages = [("style", 6, 12), ("time", 6, 12), ("weather", 6, 12), ("characters", 6, 12)]
    told = words.stage_line(stages, 48).plain
    assert told == "style ◐ 6/12  time ◐ 6/12  weather ◐ 6/12\ncharacters ◐ 6/12"
    assert words.stage_line(stages, 60).plain.count("\n") == 0


def test_a_plot_of_several_lines() -> None:
    """From the uppermost line down; the largest value fills all, the least is seen, and every line is as long."""
    assert words.plot([0.0, 0.5, 1.0], 8, 1.0, 2) == ["  █", "▁██"]
    assert words.plot([0.75], 8, 1.0, 2) == ["▄", "█"]
    assert words.plot([3.0], 8, 0.0, 2) == [" ", "▁"]
