"""`bullpen projects delete`, `undelete` and `list --deleted`, against a real daemon."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_cli import main

from tests.cli.conftest import PATIENCE, Bullpen, Done
from tests.support.daemon import Daemon
from tests.support.studio import Studio, held

pytestmark = pytest.mark.e2e


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        """As one that can be asked."""
        return True


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A real one, for all tests of the module."""
    with Daemon(tmp_path_factory.mktemp("d") / "home") as running:
        yield running


@pytest.fixture
def home(daemon: Daemon) -> Path:
    return daemon.home


async def typed(monkeypatch: pytest.MonkeyPatch, words: str, *args: str) -> Done:
    """Runs one command line whose questions are answered with `words`."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdin", Terminal(words))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        async with asyncio.timeout(PATIENCE):
            status = await asyncio.to_thread(main.run, args)
    return Done(status, out.getvalue(), err.getvalue())


async def deleted(bullpen: Bullpen) -> list[str]:
    done = await bullpen("projects", "list", "--deleted", "--json")
    return [project["name"] for project in done.json["projects"]]


async def test_it_asks_with_what_the_project_holds(
    studio: Studio, bullpen: Bullpen, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A no changes nothing; a yes puts it into the trash, and says what stays where and how it comes back."""
    project = await studio.universe(2)
    slug = project.removeprefix("projects/")
    refused = await typed(monkeypatch, "n\n", "projects", "delete", slug)
    assert refused.status != 0
    assert "2 scenes, 0 characters, 0 runs and 2 pictures: " in refused.err
    assert str(home / "projects" / slug) in refused.err
    assert (await bullpen("projects", "show", slug)).status == 0

    done = await typed(monkeypatch, "y\n", "projects", "delete", slug)
    assert done.status == 0, done.err
    assert f"({slug}) is in the trash." in done.out
    assert "KiB" in done.out
    assert str(home / "projects" / slug) in done.out
    assert f"bullpen projects undelete {slug}" in done.err
    assert slug in (await bullpen("projects", "list", "--deleted")).out
    assert slug not in (await bullpen("projects", "list")).out
    assert "undelete" in (await bullpen("projects", "show", slug)).err
    again = await bullpen("projects", "delete", slug)
    assert (again.status, f"({slug}) is in the trash." in again.out) == (0, True)

    back = await bullpen("projects", "undelete", slug)
    assert (back.status, f"({slug}) is back." in back.out) == (0, True)
    assert project not in await deleted(bullpen)
    assert (await bullpen("projects", "undelete", slug, "--json")).json["name"] == project


async def test_nobody_to_ask_means_a_word_is_needed(studio: Studio, bullpen: Bullpen) -> None:
    """Without a terminal, and with --json, it wants --yes; the answer is one value then."""
    project = await studio.universe()
    slug = project.removeprefix("projects/")
    for more in ([], ["--json"]):
        done = await bullpen("projects", "delete", slug, *more)
        assert (done.status, "say --yes" in done.err) == (2, True)
    assert project not in await deleted(bullpen)
    gone = (await bullpen("projects", "delete", slug, "--yes", "--json")).json
    assert (gone["project"]["name"], gone["canceledRuns"]) == (project, [])
    assert int(gone["sizeBytes"]) > 0
    assert project in await deleted(bullpen)


async def test_unfinished_runs_want_force(studio: Studio, bullpen: Bullpen, tmp_path: Path) -> None:
    """They are named with what to do; with --force they are canceled first."""
    project = await studio.universe()
    slug = project.removeprefix("projects/")
    run = (await studio.start(project, held(tmp_path / "gate"))).name.rpartition("/")[2]
    refused = await bullpen("projects", "delete", slug, "--yes")
    assert refused.status == 1
    assert run in refused.err
    assert "--force" in refused.err
    done = await bullpen("projects", "delete", slug, "--yes", "--force")
    assert (done.status, f"Canceled: {run}." in done.out) == (0, True)


@pytest.mark.parametrize("verb", [["delete", "--yes"], ["undelete"]])
async def test_what_is_no_project_is_refused(bullpen: Bullpen, verb: list[str]) -> None:
    """One that does not exist, and a name that is none."""
    for slug, reason in (("nowhere", "PROJECT_NOT_FOUND"), ("../x", "FIELD_INVALID"), ("", "FIELD_INVALID")):
        done = await bullpen("projects", *verb, slug, "--json")
        assert (done.status, done.error["reason"]) == (1, reason)
