"""Who may import whom, and what a serving daemon has in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.daemon import Daemon

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "numpy", "PIL", "diffusers", "transformers", "textual", "rich", "click"}


def test_import_contracts_hold() -> None:
    """The rules of pyproject.toml about rooms and packages are kept."""
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(tool)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        # structlog loads rich where it is installed.
        ("bullpend.app", HEAVY - {"rich"} | {"bullpen_worker", "bullpen_client", "bullpen_cli", "bullpen_tui"}),
        ("bullpend.cli", HEAVY | {"grpc", "apsw", "pydantic"}),
        ("bullpen_client", HEAVY | {"bullpend", "bullpen_worker"}),
        ("bullpen_worker.process", {"torch", "diffusers", "transformers", "grpc", "bullpend"}),
    ],
)
def test_import_stays_small(module: str, forbidden: set[str]) -> None:
    """Importing a part loads nothing that it must do without, not even by way of others."""
    code = f"import sys, json, {module}; print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert forbidden.isdisjoint(json.loads(done.stdout))


def test_serving_daemon_has_no_model_library_in_memory(daemon: Daemon) -> None:
    """What the serving process has mapped holds no library of models or pictures, and it is small."""
    process = psutil.Process(daemon.pid)
    mapped = {Path(region.path).parts for region in process.memory_maps() if region.path.startswith("/")}
    folders = {part for parts in mapped for part in parts}
    assert folders.isdisjoint({"torch", "numpy", "PIL"})
    assert "grpc" in folders, "the look at the process saw its libraries"
    assert process.memory_info().rss < 100 << 20
