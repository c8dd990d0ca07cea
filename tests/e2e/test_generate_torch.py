"""U01 on the real engine: the command line makes the picture that the stock pipeline makes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from bullpen_api.v1 import lab_pb2, model_pb2, run_pb2
from bullpen_client import Session, errors
from PIL import Image

from tests.support.daemon import Daemon
from tests.support.tiny_lora import build_tiny_lora
from tests.support.tiny_pipeline import SIZE, TEXT_FAMILY, build_tiny_pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a tiny model from text, a LoRA for it, and a tiny editing one."""
    home = tmp_path_factory.mktemp("d") / "home"
    text = build_tiny_pipeline(home / "models" / "tiny-text", family=TEXT_FAMILY)
    files = {WEIGHTS: sha256((text / WEIGHTS).read_bytes()).hexdigest()}
    files |= {
        path.relative_to(text).as_posix(): sha256(path.read_bytes()).hexdigest() for path in text.rglob("*.safetensors")
    }
    (text / "bullpen-manifest.json").write_text(json.dumps({"schema_version": 1, "files": files}))
    build_tiny_lora(home / "models" / "mara", text)
    build_tiny_pipeline(home / "models" / "tiny-edit")
    settings = {
        "devices.use": "cpu",
        "devices.threads": "1",
        "testing.scripted": "false",
        "paths.model_folders": "{home}/models",
    }
    with Daemon(home, settings) as running:
        yield running


async def bullpen(daemon: Daemon, *line: str) -> tuple[int, str, str]:
    """One command line; its status and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bullpen_cli",
        *line,
        "--home",
        str(daemon.home),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_u01_command_makes_the_stock_pipelines_picture(daemon: Daemon, tmp_path: Path) -> None:
    """One command from an empty folder to a PNG with its recipe; only a model that can is taken for it."""
    import torch
    from diffusers import StableDiffusionPipeline

    out = tmp_path / "pier.png"
    line = ["generate", "a pier at night", "-o", str(out), "--seed", "5", "--steps", "4", "--guidance", "3", "--json"]
    status, said, err = await bullpen(daemon, *line, "--model", "tiny-text")
    assert status == 0, err
    answer = json.loads(said)
    assert answer["model"] == "models/tiny-text"
    assert [(entry["file"], entry["seed"]) for entry in answer["pictures"]] == [(str(out), 5)]
    stock = StableDiffusionPipeline.from_pretrained(daemon.home / "models" / "tiny-text", local_files_only=True)
    stock.set_progress_bar_config(disable=True)
    # As many threads as the daemon's device has: sums in another order may end in another last bit.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    expected = stock(
        "a pier at night",
        num_inference_steps=4,
        guidance_scale=3.0,
        width=SIZE,
        height=SIZE,
        generator=torch.Generator("cpu").manual_seed(5),
    ).images[0]
    torch.set_num_threads(threads)
    with Image.open(out) as image:
        assert image.tobytes() == expected.tobytes()
        assert json.loads(image.info["bullpen"])["model"]["family"] == "stable-diffusion"
    status, _, err = await bullpen(daemon, *line)
    assert status == 2, "a file that exists is not written over"
    assert "--force" in err
    status, said, err = await bullpen(daemon, *line, "--force")
    assert status == 0, err
    assert json.loads(said)["model"] == "models/tiny-text", "an embedded model comes last, an editing one cannot"


async def test_u01_model_that_cannot_is_refused(daemon: Daemon) -> None:
    """An editing model, and one that is damaged, by their reasons; a LoRA acts here too."""
    sampling = run_pb2.SamplingParameters(steps=4)

    async def make(session: Session, **fields: object) -> str:
        wish = lab_pb2.GenerateRequest(prompt="a pier", seed=1, sampling=sampling, **fields)  # type: ignore[arg-type]  # fields of the message
        heads = [m.picture async for m in session.lab.Generate(wish) if m.HasField("picture")]
        return json.dumps([head.sha256 for head in heads])

    async with Session(daemon.home) as session:
        with pytest.raises(errors.ModelUnsupported, match="text_to_image"):
            await make(session, model="tiny-edit")
        plain = await make(session, model="tiny-text")
        mara = model_pb2.LoraUse(model="mara", scale=1.5)
        assert await make(session, model="tiny-text", loras=[mara]) != plain
        weights = daemon.home / "models" / "tiny-text" / WEIGHTS
        sound = weights.read_bytes()
        weights.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
        with pytest.raises(errors.ModelCorrupt, match=WEIGHTS):
            await make(session, model="tiny-text")
        assert await make(session) != plain, "another model that can is taken where none is named"
        weights.write_bytes(sound)
        assert await make(session, model="tiny-text") == plain
