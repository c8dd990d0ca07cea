"""`bullpen prompts` against a real daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Bullpen
from tests.support.daemon import Daemon

pytestmark = pytest.mark.e2e


@pytest.fixture
def real(home: Path) -> Iterator[Daemon]:
    with Daemon(home) as serving:
        yield serving


async def test_prompts_from_the_shell(real: Daemon, bullpen: Bullpen, home: Path) -> None:
    """Kept, enhanced, taken back, found, expanded."""
    (home / "wildcards").mkdir()
    (home / "wildcards" / "weather.txt").write_text("rain\nsnow\n")
    assert (await bullpen("projects", "create", "noir")).status == 0
    assert "a pier" in (await bullpen("prompts", "add", "noir", "a pier")).out
    made = await bullpen("prompts", "enhance", "noir", "a pier, (rain:1.2)", "--family", "sdxl")
    assert "ignore weights" in made.out
    assert "before  bullpen prompts show noir/p-0002" in made.out
    assert (await bullpen("prompts", "revert", "noir/p-0003", "--json")).json["text"] == "a pier, (rain:1.2)"
    assert len((await bullpen("prompts", "list", "noir", "--json")).json["prompts"]) == 4
    assert "enhanced" in (await bullpen("prompts", "list", "noir", "--search", "pier")).out
    once, twice = [await bullpen("prompts", "expand", "{a|b} __weather__", "--seed", "7", "--json") for _ in "12"]
    assert once.json == twice.json
    assert "__weather__" in (await bullpen("prompts", "wildcards")).out
    line = ["generate", "scripted: steps=1 {64|48} __weather__", "--dynamic", "--count", "2", "--seed", "7"]
    made = await bullpen(*line, "--model", "scripted", "-o", str(home / "boat.png"), "--json")
    assert made.status == 0, made.err
    assert len(made.json["pictures"]) == 2
    with Image.open(made.json["pictures"][0]["file"]) as picture:
        words = json.loads(picture.info["bullpen"])["prompt"]
    assert words == (await bullpen("prompts", "expand", line[1], "--seed", "7")).out.strip()
    refused = await bullpen("prompts", "expand", "{a|b", "--json")
    assert (refused.status, refused.error["reason"]) == (1, "FIELD_INVALID")
    assert (await bullpen("prompts", "show", "noir")).status == 2
