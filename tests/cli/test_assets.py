"""`bullpen assets` against a real daemon: searching, rating, tags, the trash, descent, saved searches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bullpen_cli import assets
from bullpen_cli.main import bullpen as command

from tests.cli.conftest import Bullpen
from tests.support.daemon import Daemon
from tests.support.pictures import write_picture

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("d") / "home") as running:
        yield running


@pytest.fixture
def home(real: Daemon) -> Path:
    return real.home


@pytest.fixture
async def three(bullpen: Bullpen, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[str, list[str]]:
    """A project with three pictures: `pier`, `market`, `alley`, the last one the newest."""
    project = f"p-{abs(hash(request.node.name)) % 10**8}"
    await bullpen("projects", "create", project, "--title", "Harbour", "--json")
    names = []
    for number, title in enumerate(("pier", "market", "alley")):
        path = write_picture(tmp_path / f"{title}.png", number)
        parent = f'{{"parent":"projects/{project}","path":"{path}"}}'
        made = await bullpen("call", "bullpen.v1.AssetService/ImportAsset", parent)
        assert made.status == 0, made.err
        names.append(made.json["name"])
    return project, names


def listed(found: Any) -> list[str]:
    return [one["name"] for one in found.json["assets"]]


async def test_pictures_are_rated_tagged_and_found(bullpen: Bullpen, three: tuple[str, list[str]]) -> None:
    """What is said of pictures is shown, and they are found by it; a count and facets tell how many."""
    project, (pier, market, alley) = three
    assert "★★★★  pier.png" in (await bullpen("assets", "rate", "4", pier)).out
    tagged = await bullpen("assets", "tag", pier, market, "--add", "Cover", "--add", "wet street")
    assert tagged.out.count("Cover, wet street") == 2
    assert "no tags" in (await bullpen("assets", "tag", market, "--clear")).out
    assert (await bullpen("assets", "tag", pier, "--remove", "cover", "--json")).json["assets"][0]["tags"] == [
        "wet street"
    ]
    await bullpen("assets", "note", "for the second issue", alley)
    search = ("assets", "search", project)
    assert listed(await bullpen(*search, "rating:>3", "--json")) == [pier]
    assert listed(await bullpen(*search, 'tag:"wet street"', "--json")) == [pier]
    assert listed(await bullpen(*search, "-pier", "-night", "--json")) == [alley, market]
    assert listed(await bullpen(*search, "second", "--json")) == [alley]
    assert (await bullpen(*search, "--count")).out == "3\n"
    assert (await bullpen(*search, "is:rated", "--count", "--json")).json == {"totalSize": "1"}
    assert "source 3" in (await bullpen(*search, "--facets")).out
    page = await bullpen(*search, "--skip", "1", "--limit", "1")
    assert "market.png" in page.out
    assert page.err == "2–2 of 3\n"
    assert "pier.png" in (await bullpen(*search, "--end", "--limit", "1")).out
    shown = await bullpen("assets", "show", pier)
    assert "★★★★" in shown.out
    assert "wet street" in shown.out


async def test_a_slip_is_shown_under_its_column(bullpen: Bullpen, three: tuple[str, list[str]]) -> None:
    """For a person a line with marks under the slip; for a program the column in the error."""
    done = await bullpen("assets", "search", three[0], "pier", "stge:time")
    assert done.status == 1
    assert done.err.splitlines()[:2] == ["  pier stge:time", "       ^^^^"]
    assert "Did you mean stage:?" in done.err
    as_json = await bullpen("assets", "search", three[0], "pier", "stge:time", "--json")
    assert (as_json.error["reason"], as_json.error["metadata"]["column"]) == ("SEARCH_INVALID", "6")
    for line in (["--skip", "1", "--end"], ["@nothing"], ["--limit", "501", "--end"]):
        wrong = await bullpen("assets", "search", three[0], *line)
        assert (wrong.status, len(wrong.err.splitlines())) == (2, 1)


async def test_the_trash_is_undone_and_purged(bullpen: Bullpen, three: tuple[str, list[str]]) -> None:
    """Trash says how to undo; purging asks."""
    project, (pier, _, _) = three
    gone = await bullpen("assets", "trash", pier)
    assert "pier.png" in gone.out
    assert f"bullpen assets restore {pier}" in gone.err
    assert listed(await bullpen("assets", "list", project, "--trash", "--json")) == [pier]
    assert "is back" in (await bullpen("assets", "restore", pier)).out
    await bullpen("assets", "trash", pier)
    assert (await bullpen("assets", "purge", pier, stdin="n\n")).status != 0
    assert (await bullpen("assets", "purge", pier, "--json")).status == 2
    assert "are gone" in (await bullpen("assets", "purge", pier, "--yes")).out
    assert "The trash is empty." in (await bullpen("assets", "list", project, "--trash")).out
    refused = await bullpen("assets", "restore", pier, "--json")
    assert (refused.status, refused.error["reason"]) == (1, "STATE_CONFLICT")


async def test_searches_are_kept(bullpen: Bullpen, three: tuple[str, list[str]]) -> None:
    """--save keeps one, @ID uses it with more words; it is listed, changed and forgotten."""
    project, (pier, market, _) = three
    kept = await bullpen("assets", "search", project, "-alley", "--save", "no_alley", "--json")
    assert listed(kept) == [market, pier]
    assert listed(await bullpen("assets", "search", project, "@no_alley", "pier", "--json")) == [pier]
    assert "@no_alley" in (await bullpen("assets", "searches", "list", project)).out
    edited = await bullpen("assets", "searches", "edit", project, "no_alley", "--search", "market", "--title", "M")
    assert edited.out == "@no_alley  M: market\n"
    wrong = await bullpen("assets", "searches", "edit", project, "no_alley", "--search", "rating:x")
    assert wrong.err.splitlines()[:2] == ["  rating:x", "         ^"]
    assert "is forgotten" in (await bullpen("assets", "searches", "delete", project, "no_alley")).out
    assert "No search is saved yet" in (await bullpen("assets", "searches", "list", project)).out


async def test_descent_is_drawn(bullpen: Bullpen, three: tuple[str, list[str]]) -> None:
    """A source alone is a tree of one."""
    done = await bullpen("assets", "lineage", three[1][0])
    assert done.out.startswith("▸ source  pier.png")
    assert (await bullpen("assets", "lineage", three[1][0], "--json")).json["nodes"][0]["asked"]


def test_the_shell_completes_fields() -> None:
    """Parts of a search are completed, with the sign that leaves out."""
    words = next(one for one in command.get_command(None, "assets").commands["search"].params if one.name == "words")  # type: ignore[union-attr, arg-type]
    complete = words._custom_shell_complete
    assert complete is not None
    assert complete(None, words, "st") == ["stage:"]
    assert complete(None, words, "-r") == ["-rating:", "-run:"]
    assert complete(None, words, "-is:a") == ["-is:accepted"]
    assert len(assets.FIELDS) == 16
