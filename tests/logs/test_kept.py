"""What is kept of the log: numbered over restarts, bounded, and nothing that is secret."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from bullpen_api.v1 import log_pb2
from bullpend import redaction
from bullpend.errors import FieldInvalid
from bullpend.logs import writing
from bullpend.logs.entry import LEVELS, Entry, Filter, read
from bullpend.logs.kept import KeptLog
from bullpend.logs.service import pack, wanted
from hypothesis import given
from hypothesis import strategies as st


def line(event: str, **fields: object) -> str:
    return json.dumps({"event": event, "level": "info", "timestamp": "2026-11-20T10:00:00Z", **fields})


@pytest.fixture
def configured(tmp_path: Path) -> Iterator[KeptLog]:
    """Logging as in the daemon, on a folder of the test's own; afterwards as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers = []
    kept = writing.configure(tmp_path, "info")
    yield kept
    for handler in root.handlers:
        handler.close()
    root.handlers = before
    root.setLevel(level)
    structlog.reset_defaults()
    redaction.forget_all()


def test_a_line_is_numbered_kept_and_written(configured: KeptLog, tmp_path: Path) -> None:
    """File and memory have the same entry, with its component, level and fields."""
    structlog.get_logger("bullpend.workers").warning("job.failed", job="projects/p/runs/r/jobs/1", attempt=2)
    (entry,), missed = configured.after(0)
    assert (entry.number, entry.level, entry.component, entry.event) == (1, "warning", "workers", "job.failed")
    assert entry.fields == {"job": "projects/p/runs/r/jobs/1", "attempt": "2"}
    assert entry.subject == "projects/p/runs/r/jobs/1"
    assert missed == 0
    assert read((tmp_path / writing.FILE_NAME).read_text()) == entry


def test_what_libraries_log_is_in_it(configured: KeptLog) -> None:
    """The standard library's loggers go the same way, under their own names; what is too unimportant does not."""
    logging.getLogger("asyncio").error("took %d s", 3)
    logging.getLogger("asyncio").debug("nothing")
    structlog.get_logger("rpc").debug("rpc.done")
    (entry,), _ = configured.after(0)
    assert (entry.component, entry.level, entry.event) == ("asyncio", "error", "took 3 s")


def test_a_fault_has_its_places_and_no_values(configured: KeptLog) -> None:
    """The traceback names files and lines; what variables held is not in it."""
    password = "swordfish-and-more"
    try:
        raise ValueError(f"no {len(password)}")
    except ValueError as error:
        structlog.get_logger("rpc").error("rpc.fault", exc_info=error)
    (entry,), _ = configured.after(0)
    assert "test_kept.py" in entry.traceback
    assert entry.traceback.endswith("ValueError: no 18")
    assert "swordfish" not in entry.traceback


def test_secrets_are_in_neither_place(configured: KeptLog, tmp_path: Path) -> None:
    """A known value is taken out before the line is kept; one that became known later, when it is handed out."""
    redaction.remember("sk-live-0123456789", "openai")
    log = structlog.get_logger("remote")
    log.info("paid.failed", message="refused: sk-live-0123456789", api_token="abcdefgh")
    log.info("paid.waiting", note="later-known-0815")
    assert "sk-live" not in (tmp_path / writing.FILE_NAME).read_text()
    (first, second), _ = configured.after(0)
    assert "sk-live" not in str(first)
    assert first.fields["api_token"] == "•••"
    redaction.remember("later-known-0815", "own")
    assert pack(second).fields["note"] == "[secret own]"


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    """Another process goes on counting, and brings back what was written before it; once."""
    file = tmp_path / "log"
    before = KeptLog(file)
    file.write_text("".join(before.add(line(f"e{number}")) + "\n" for number in range(5)) + "half a li")
    after = KeptLog(file)
    after.add(line("new"))
    assert [entry.event for entry in after.after(0)[0]] == ["new"]
    after.seed()
    after.seed()
    entries, missed = after.after(2)
    assert [(entry.number, entry.event) for entry in entries] == [(3, "e2"), (4, "e3"), (5, "e4"), (6, "new")]
    assert missed == 0


def test_the_file_before_is_read_too(tmp_path: Path) -> None:
    """Just after the file was renamed its predecessor has what was said last."""
    before = KeptLog(tmp_path / "log")
    (tmp_path / "log.1").write_text(before.add(line("old")) + "\n")
    kept = KeptLog(tmp_path / "log")
    kept.seed()
    assert [entry.event for entry in kept.after(0)[0]] == ["old"]


def test_what_is_gone_is_counted() -> None:
    """Whoever stood before the oldest entry is told how many were lost; a number of another log begins anew."""
    kept = KeptLog(kept=3)
    for number in range(10):
        kept.add(line(str(number)))
    entries, missed = kept.after(4)
    assert [entry.number for entry in entries] == [8, 9, 10]
    assert missed == 3
    assert kept.after(10) == ([], 0)
    assert len(kept.after(99)[0]) == 3


async def test_readers_are_woken_from_any_thread() -> None:
    """A line of another thread wakes a waiting reader; one that left is not kept."""
    kept = KeptLog()
    woken = kept.subscribe()
    waiting = asyncio.ensure_future(woken.wait())
    await asyncio.to_thread(kept.add, line("x"))
    await asyncio.wait_for(waiting, 60)
    kept.unsubscribe(woken)
    woken.clear()
    kept.wake_all()
    assert not woken.is_set()


@given(
    st.text()
    | st.binary().map(lambda data: data.decode("latin-1"))
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.dictionaries(st.text(), inner),
        max_leaves=5,
    ).map(json.dumps)
)
def test_any_line_is_an_entry_or_nothing(text: str) -> None:
    """A file that somebody wrote into does no harm."""
    assert read(text) is None


def entry(level: str, component: str, **fields: str) -> Entry:
    return Entry(1, 0.0, level, component, "x", fields, "", "")


@pytest.mark.parametrize(
    ("chosen", "passes"),
    [
        (Filter(), True),
        (Filter("warning"), True),
        (Filter("error"), False),
        (Filter(components=frozenset({"rpc", "dispatch"})), True),
        (Filter(components=frozenset({"rpc"})), False),
        (Filter(parent="projects/p"), True),
        (Filter(parent="projects/p/runs/r-1"), True),
        (Filter(parent="projects/p/runs/r"), False),
        (Filter(parent="projects/q"), False),
    ],
)
def test_filters(chosen: Filter, passes: bool) -> None:
    """Level and above, any of the components, the resource and what lies below it."""
    assert chosen.passes(entry("warning", "dispatch", job="projects/p/runs/r-1/jobs/2")) is passes


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (log_pb2.WatchLogRequest(tail=1, after=1), "after"),
        (log_pb2.WatchLogRequest(tail=4001), "tail"),
        (log_pb2.WatchLogRequest(tail=-1), "tail"),
        (log_pb2.WatchLogRequest(after=-1), "after"),
        (log_pb2.WatchLogRequest(level=9), "level"),  # type: ignore[arg-type]  # a client of another version
        (log_pb2.WatchLogRequest(parent="assets/x"), "parent"),
        (log_pb2.WatchLogRequest(parent="projects/p/scenes/s"), "parent"),
        (log_pb2.WatchLogRequest(components=["x"] * 51), "components"),
        (log_pb2.WatchLogRequest(components=[""]), "components"),
    ],
)
def test_wrong_requests_name_the_field(request_: log_pb2.WatchLogRequest, field: str) -> None:
    """What cannot be meant is refused."""
    with pytest.raises(FieldInvalid) as refused:
        wanted(request_)
    assert refused.value.field == field


def test_levels_are_those_of_the_contract() -> None:
    """Each level that is written has its value on the wire."""
    assert [f"LEVEL_{name.upper()}" for name in LEVELS] == log_pb2.LogEntry.Level.keys()[1:]
