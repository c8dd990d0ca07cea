"""U01: a person removes a background, upscales, colours or generates once, without a project, in one command."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from bullpen_api.v1 import project_pb2
from PIL import Image

from tests.acceptance.conftest import SAMPLE, Desk
from tests.support.daemon import Daemon
from tests.support.tiny_pipeline import TEXT_FAMILY, build_tiny_pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


async def bullpen(daemon: Daemon, *line: str) -> str:
    """One command line; what it wrote on standard output."""
    command = [sys.executable, "-m", "bullpen_cli", *line, "--home", str(daemon.home)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_u01_one_command_each_without_a_project(desk: Desk, daemon: Daemon, tmp_path: Path) -> None:
    """A file goes in, a file comes out, and no project was made for it."""
    before = len((await desk.session.projects.ListProjects(project_pb2.ListProjectsRequest())).projects)
    picture = str(SAMPLE / "characters" / "mara.png")
    out = {name: tmp_path / f"{name}.png" for name in ("cutout", "upscale", "color", "generate")}
    await bullpen(daemon, "cutout", picture, "-o", str(out["cutout"]))
    await bullpen(daemon, "upscale", picture, "-o", str(out["upscale"]), "--scale", "2")
    await bullpen(daemon, "color", picture, "-o", str(out["color"]), "--profile", "cinematic_warm")
    # Any local model from text will do; this one is tiny.
    build_tiny_pipeline(daemon.home / "models" / "tiny-text", family=TEXT_FAMILY)
    line = ("generate", "a pier at night", "-o", str(out["generate"]), "--model", "tiny-text", "--steps", "1")
    await bullpen(daemon, *line)
    with Image.open(picture) as source, Image.open(out["upscale"]) as larger:
        assert larger.size == (source.width * 2, source.height * 2)
    with Image.open(out["cutout"]) as cut:
        assert cut.mode == "RGBA"
    with Image.open(out["generate"]) as generated:
        assert json.loads(generated.info["bullpen"])["prompt"] == "a pier at night"
    assert out["color"].stat().st_size > 0
    assert len((await desk.session.projects.ListProjects(project_pb2.ListProjectsRequest())).projects) == before
