"""The command line over a real daemon: looks read from pictures, pictures brought elsewhere, work handed over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Bullpen
from tests.support.daemon import Daemon

pytestmark = pytest.mark.e2e


@pytest.fixture
def real(home: Path, tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(home, {"paths.style_roots": str(tmp_path), "agent.url": "https://agents.example.org/x"}) as serving:
        yield serving


async def test_looks_pictures_and_agents(real: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """Read, kept, compared and thrown away; synced once and then not again; handed over only where there is a token."""
    picture = tmp_path / "pier.png"
    Image.radial_gradient("L").convert("RGB").save(picture)
    assert (await bullpen("projects", "create", "noir")).status == 0
    read = await bullpen("styles", "read", "noir", str(picture), "--save", "look", "--title", "A look", "--json")
    assert read.status == 0, read.err
    assert read.json["styleGuide"]["name"] == "projects/noir/styleGuides/look"
    assert {tag["head"] for tag in read.json["reading"]["tags"]} >= {"style"}
    same = await bullpen("styles", "compare", "noir", "look", "look", "--json")
    assert same.json["differences"] == []
    assert same.json["likeness"] == pytest.approx(1.0, abs=1e-3)
    assert (await bullpen("styles", "delete", "noir", "look")).status == 0
    there = tmp_path / "backup"
    there.mkdir()
    synced = await bullpen("sync", "noir", str(there), "--json")
    assert (synced.json["copied"], synced.json["unchanged"]) == ("1", "0")
    assert (await bullpen("sync", "noir", str(there), "--json")).json["copied"] == "0"
    refused = await bullpen("sync", "noir", "/etc", "--json")
    assert (refused.status, refused.error["reason"]) == (1, "PATH_NOT_ALLOWED")
    assert (await bullpen("sync", "noir")).status == 2
    away = await bullpen("instructions", "hand-over", "noir", "Draw the map", "--json")
    assert (away.status, away.error["reason"]) == (1, "AGENT_NOT_CONFIGURED")
    for wrong in (["--inputs", "[1]"], ["--inputs", "{"], ["--constraint", "x"], ["--type", "spell"]):
        assert (await bullpen("instructions", "hand-over", "noir", "Draw", *wrong)).status == 2
