"""Pickled weights become safetensors in a process that can do nothing else; what is more than numbers is refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bullpen_worker.convert.__main__ import main, rewritten
from bullpen_worker.failures import WorkerError


class Evil:
    """Runs a program when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._path}",)


def test_the_tensors_of_a_pickled_file_are_kept(tmp_path: Path) -> None:
    """The averaged ones where there are such, nested and shared ones too, to the bit; what is no tensor is counted."""
    import torch
    from safetensors.torch import load

    weight, shared, kept = torch.arange(12, dtype=torch.float16).reshape(3, 4), torch.ones(8), io.BytesIO()
    averaged = {"w": weight.t(), "a": shared[:4], "b": shared, "deep": {"list": [torch.tensor(1), "x"]}}
    torch.save({"params": {"w": torch.zeros(3, 4)}, "params_ema": averaged}, kept)
    kept.seek(0)
    data, tensors, left = rewritten(kept)
    found = load(data)
    assert (tensors, left, set(found)) == (4, 1, {"w", "a", "b", "deep.list.0"})
    assert torch.equal(found["w"], weight.t())
    assert torch.equal(found["b"], shared)


def test_a_program_in_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    """Among weights and alone, by the reader itself, whatever else would hold it back."""
    import torch

    done, kept = tmp_path / "done", io.BytesIO()
    torch.save({"params": {"w": torch.ones(2), "x": Evil(done)}}, kept)
    alone, among = pickle.dumps(Evil(done), protocol=2), pickle.dumps({"w": Evil(done)}, protocol=2)
    for content in (kept.getvalue(), alone, among):
        with pytest.raises(WorkerError) as caught:
            rewritten(io.BytesIO(content))
        assert caught.value.reason == "MODEL_UNSAFE"
        assert not done.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "MODEL_CORRUPT"),
        (b"no pickle at all", "MODEL_CORRUPT"),
        (pickle.dumps({"words": "only"}, protocol=4), "MODEL_CORRUPT"),
    ],
)
def test_what_is_no_such_file_says_so(content: bytes, reason: str) -> None:
    """Empty, something else, or of a kind that the restricted reader does not admit."""
    with pytest.raises(WorkerError) as caught:
        rewritten(io.BytesIO(content))
    assert caught.value.reason == reason


def test_a_file_without_weights_says_so() -> None:
    """It is sound, and of no use."""
    import torch

    kept = io.BytesIO()
    torch.save({"epoch": 3}, kept)
    kept.seek(0)
    with pytest.raises(WorkerError, match="no weights") as caught:
        rewritten(kept)
    assert caught.value.reason == "MODEL_UNSUPPORTED"


def test_what_cannot_be_opened_is_said_and_nothing_is_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is read."""
    out = tmp_path / "out.safetensors"
    assert main([str(tmp_path / "net.pth"), str(out)]) == 1
    assert json.loads(capsys.readouterr().out)["reason"] == "PATH_NOT_FOUND"
    assert not out.exists()
    (tmp_path / "net.pth").write_bytes(b"x")
    out.write_text("mine")
    assert main([str(tmp_path / "net.pth"), str(out)]) == 1
    assert out.read_text() == "mine"


ESCAPES = {
    "no files": "open('/etc/hostname')",
    "no network": "socket.create_connection(('127.0.0.1', {port}), 2)",
    "no programs": "subprocess.run(['true'], check=True)",
}


@pytest.mark.parametrize("held", ESCAPES)
def test_the_cage_holds(held: str) -> None:
    """What it is said to keep from whatever runs inside cannot be done there; a system without it does not say so."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        attempt = ESCAPES[held].format(port=server.getsockname()[1])
        program = (
            "import socket, subprocess\n"
            "from bullpen_worker.convert.cage import close_in\n"
            "held = close_in(4 << 30, 60, 1 << 20)\n"
            f"if {held!r} not in held:\n"
            "    print('absent')\n"
            "else:\n"
            "    try:\n"
            f"        {attempt}\n"
            "    except OSError as error:\n"
            "        print('held')\n"
            "    else:\n"
            "        print('escaped')\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() in ("held", "absent"), done.stdout + done.stderr
