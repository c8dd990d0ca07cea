"""The main job of `make demo`: all stages of the sample universe on the starter, from an empty home."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench.effort import Effort
from tests.bench.studio import ROOT
from tests.bench.table import Row

STARTER = ROOT / "starter/src/bullpen_starter/models/starter-edit"
SECONDS, CANDIDATES = 240.0, 48


async def measure(_: Effort) -> list[Row]:
    """Runs the demo once; nothing where the starter's weights are not there."""
    if not (STARTER / "model_index.json").is_file():
        return [Row("make demo", f"< {SECONDS:.0f} s", "no starter model is installed")]
    home = Path(tempfile.mkdtemp(prefix="bullpen-bench-")) / "home"
    said = await _command("demo", "--headless", "--json", "--home", str(home))
    await _command("daemon", "stop", "--home", str(home))
    outcome = json.loads(said.splitlines()[-1])
    shutil.rmtree(home.parent)
    return [
        Row(
            f"make demo after installation, {outcome['candidates']} candidates",
            f"{CANDIDATES} in < {SECONDS:.0f} s",
            f"{outcome['seconds']:.0f} s",
            outcome["seconds"] < SECONDS and outcome["candidates"] == CANDIDATES,
            outcome,
        )
    ]


async def _command(*words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bullpen_cli", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"bullpen {' '.join(words)}: {err.decode()[-2000:]}")
    return out.decode()
