"""`bullpen models convert`: no daemon is needed, and a refusal looks like every other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bullpen_cli.convert import PICKLED

from tests.cli.conftest import Bullpen


class Evil:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self._path}",)


async def test_a_file_is_converted_beside_itself_and_not_over_another(bullpen: Bullpen, tmp_path: Path) -> None:
    """With what held while it was read; what is there stays, unless --force replaces it."""
    import torch
    from safetensors.torch import load_file

    torch.save({"params": {"w": torch.arange(3.0)}}, tmp_path / "net.pth")
    done = await bullpen("models", "convert", str(tmp_path / "net.pth"), "--json")
    assert done.status == 0, done.err
    assert (done.json["path"], done.json["tensors"]) == (str(tmp_path / "net.safetensors"), 1)
    assert "limited memory" in done.json["held"]
    assert load_file(tmp_path / "net.safetensors")["w"].tolist() == [0.0, 1.0, 2.0]
    again = await bullpen("models", "convert", str(tmp_path / "net.pth"))
    assert (again.status, "--force" in again.err) == (2, True)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["net.pth", "net.safetensors"]


async def test_a_program_in_a_file_is_refused(bullpen: Bullpen, tmp_path: Path) -> None:
    """As typed error, without being run, and nothing is left behind."""
    import torch

    torch.save({"w": torch.ones(1), "x": Evil(tmp_path / "done")}, tmp_path / "evil.pth")
    done = await bullpen("models", "convert", str(tmp_path / "evil.pth"), "--json")
    assert (done.status, done.error["reason"]) == (1, "MODEL_UNSAFE")
    assert "nothing of it was run" in done.error["message"]
    assert [path.name for path in tmp_path.iterdir()] == ["evil.pth"]


async def test_what_cannot_be_read_or_written_is_said_in_words(bullpen: Bullpen, tmp_path: Path) -> None:
    """A folder is no file of weights; a place that cannot be written is named as the person did."""
    (tmp_path / "net.pth").mkdir()
    folder = await bullpen("models", "convert", str(tmp_path / "net.pth"))
    assert (folder.status, "is a folder" in folder.err) == (2, True)
    (tmp_path / "a.pth").write_bytes(b"x")
    done = await bullpen("models", "convert", str(tmp_path / "a.pth"), "-o", "/proc/a.safetensors", "--json")
    assert (done.status, done.error["reason"]) == (1, "PATH_NOT_ALLOWED")
    assert done.error["message"].startswith("/proc/a.safetensors cannot be written")


@pytest.mark.parametrize("arguments", [["net.safetensors"], ["net.pth", "-o", "net.onnx"]])
async def test_wrong_names_are_refused(bullpen: Bullpen, arguments: list[str]) -> None:
    """Status 2 with what is right."""
    done = await bullpen("models", "convert", *arguments)
    assert done.status == 2
    assert ".safetensors" in done.err or PICKLED[0] in done.err
