"""Models in memory: how fast one comes there from the page cache, and how soon a job begins on one that is there."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from tests.bench.effort import Effort
from tests.bench.stand_in import build
from tests.bench.steps import STAND_IN_SIDE, STARTER, STARTER_SIDE
from tests.bench.table import Row, Series

SHARE = 0.85
# Widths of the UNets whose models come back: a quarter of a gigabyte, and a gigabyte.
WIDTHS = {"small": (160, 320, 512), "large": (320, 640, 1024)}
FIRST_STEP_MS = 5.0


async def measure(effort: Effort) -> list[Row]:
    """Random models of a quarter of a gigabyte and of a gigabyte, and the starter or its stand-in."""
    with tempfile.TemporaryDirectory(prefix="bullpen-bench-") as place:
        folder = Path(place)
        starter = (STARTER / "model_index.json").is_file()
        side = STARTER_SIDE if starter else STAND_IN_SIDE
        source = folder / "source.png"
        Image.effect_noise((side, side), 80.0).convert("RGB").save(source)
        asked = {
            "large": [str(await asyncio.to_thread(build_large, folder / size, WIDTHS[size])) for size in WIDTHS],
            "small": str(STARTER if starter else await asyncio.to_thread(build, folder / "small")),
            "source": str(source),
            "side": side,
            "threads": effort.threads,
            "count": effort.count(15, 5),
        }
        told = await _child(asked)
    return [*map(_activation, told["activations"]), *_first_steps(told["first_step"])]


def build_large(folder: Path, widths: tuple[int, ...]) -> Path:
    """Writes a pipeline whose UNet has blocks of these widths, with random parameters; returns its folder."""
    import torch
    from diffusers import StableDiffusionInstructPix2PixPipeline, UNet2DConditionModel

    small = build(folder.with_name(f"{folder.name}-base"))
    pipeline = StableDiffusionInstructPix2PixPipeline.from_pretrained(small, local_files_only=True)
    torch.manual_seed(4)
    pipeline.unet = UNet2DConditionModel.from_config(pipeline.unet.config, block_out_channels=widths)
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


async def _child(asked: dict[str, Any]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", str(Path(__file__).with_name("activating.py"))),
        json.dumps(asked),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1"},
    )
    answer, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("The process that measures ended with a fault.")
    told: dict[str, Any] = json.loads(answer)
    return told


def _activation(told: dict[str, Any]) -> Row:
    copies, activations = Series.of(told["copies"]), Series.of(told["activations"])
    share = Series.of([a / b for a, b in zip(copies.values, activations.values, strict=True)])
    return Row(
        f"model of {told['bytes'] >> 20} MB comes back from the page cache, speed against a copy of its bytes",
        f"≥ {SHARE}",
        f"{share.text('').strip()}, {activations.median * 1000:.0f} ms of processor time, "
        f"the first time {told['first'] * 1000:.0f}",
        share.median >= SHARE,
        {"share": share.to_dict(), "copies": copies.to_dict(), "activations": activations.to_dict()},
    )


def _first_steps(told: dict[str, Any]) -> list[Row]:
    known, new = Series.of(told["known"]), Series.of(told["new"])
    return [
        Row(
            "resident model → first step, a scene that is known, processor time",
            f"≤ {FIRST_STEP_MS:g} ms",
            known.text("ms", 1000, 1),
            known.median * 1000 <= FIRST_STEP_MS,
            known.to_dict(),
        ),
        Row(
            "resident model → first step, a new text, processor time", "–", new.text("ms", 1000, 1), None, new.to_dict()
        ),
    ]
