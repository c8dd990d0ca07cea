"""`bullpen models convert`: pickled weights as safetensors, once and by hand.

A pickle can run any program when it is loaded, so no run ever loads one. Here it is read by a process that admits
numbers only, and that has no network, no files and no privileges while it reads (`bullpen_worker/convert`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from bullpen_client.errors import BY_REASON, BullpenError

from bullpen_cli import output
from bullpen_cli.command import Command, State, pass_state
from bullpen_cli.transfer import probe

PICKLED = (".pth", ".pt", ".ckpt", ".bin", ".pkl")
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH")


@click.command(
    "convert",
    cls=Command,
    examples=[
        "bullpen models convert ~/downloads/4x_foolhardy_Remacri.pth",
        "bullpen models convert old.ckpt -o models/old.safetensors",
    ],
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("-o", "--out", metavar="FILE", type=click.Path(path_type=Path), help="Default: beside it, .safetensors.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@pass_state
def convert(state: State, file: Path, out: Path | None, force: bool) -> None:
    """Make safetensors of pickled weights (.pth, .ckpt, .bin) in a process that can do nothing else."""
    if file.suffix.lower() not in PICKLED:
        raise click.UsageError(f"FILE is one of {', '.join(PICKLED)}; {file.name} is not.")
    target = out or file.with_suffix(".safetensors")
    if file.is_dir():
        raise click.UsageError(f"FILE is a file of weights; {file} is a folder.")
    if target.suffix.lower() != ".safetensors":
        raise click.UsageError("--out ends in .safetensors.")
    if target.exists() and not force:
        raise click.UsageError(f"{target} is there already; --force replaces it.")
    probe(target)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    done = subprocess.run(
        [sys.executable, "-m", "bullpen_worker.convert", str(file), str(part)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
    )
    try:
        answer = _answer(done)
        if done.returncode:
            refusal = BY_REASON.get(answer["reason"], BullpenError)
            raise refusal(answer["message"], reason=answer["reason"], field="FILE", remedy=answer["remedy"])
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    if state.json:
        output.emit({"path": str(target), **answer})
        return
    output.say(f"{target}: {output.count(answer['tensors'], 'tensor')}, {output.size(answer['size_bytes'])}")
    if answer["left_out"]:
        output.say(f"{output.count(answer['left_out'], 'thing')} that is no tensor was left out.", style="dim")
    output.say(f"While it was read: {', '.join(answer['held']) or 'numbers only'}.", style="dim")


def _answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    try:
        found = json.loads(done.stdout.strip().splitlines()[-1])
        assert isinstance(found, dict)
        return found
    except (ValueError, IndexError, AssertionError):
        # Killed by a limit, or without the libraries.
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        install, other = "Install what is missing: pip install 'bullpen[starter]'.", "Get the model as safetensors."
        return {
            "reason": "ENGINE_FAILED",
            "message": f"The file could not be converted: {last[:300]}.",
            "remedy": install if "No module named" in last else other,
        }
