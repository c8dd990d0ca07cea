"""J00: from an empty home to finished pictures, with the embedded starter and the command that a new user types."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def bullpen(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line on a home, as a shell does."""
    command = [sys.executable, "-m", "bullpen_cli", *words, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def test_j00_demo_takes_the_sample_universe_through_all_stages(tmp_path: Path) -> None:
    """Six of twelve scenes, four stages, one JSON object at the end; every picture accepted, every named file there, a
    comic book of them at last.
    """
    home = tmp_path / "home"
    try:
        demo = bullpen(home, "demo", "--headless", "--json", "--candidates", "1")
        assert demo.returncode == 0, demo.stderr
        told = json.loads(demo.stdout)
        assert (told["project"], told["runs"], told["jobs"], told["candidates"]) == ("harbor_lights", 4, 24, 24)
        assert told["accepted"] == 24
        assert told["qa_pass_rate"] == 1.0
        assert len(told["exports"]) == 9
        book = json.loads(bullpen(home, "export", "verify", told["exports"][-1], "--json").stdout)
        # Six pages, what readers show of them, and the list of both.
        assert (book["sound"], book["files"]) == (True, 8)
        assert all(Path(path).stat().st_size for path in told["exports"])
        scenes = json.loads(bullpen(home, "scenes", "list", "harbor_lights", "--json").stdout)["scenes"]
        assert [len(scene.get("accepted", ())) for scene in scenes] == [4] * 6 + [0] * 6
        shared = [scene["variables"] for scene in scenes if len(scene["characters"]) == 2]
        assert shared
        assert all(" on the left and " in variables["character"] for variables in shared)
    finally:
        bullpen(home, "daemon", "stop")
