"""Devices are found from files, in order of preference, with a reason for each that is here and each that is not."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from bullpend import errors
from bullpend.workers import probe as p

BARE = p.Machine(
    nvidia_gpus=None,
    platform="linux",
    architecture="x86_64",
    processor="Some CPU",
    memory_bytes=8 << 30,
    torch_installed=True,
    torch_cuda="",
)
TWO_GPUS = replace(BARE, nvidia_gpus=("H200", "L4"), torch_cuda="12.6")
MAC = replace(BARE, platform="darwin", architecture="arm64", processor="Apple M3")


def addresses(machine: p.Machine, *wanted: str) -> list[str]:
    return [device.address for device in p.choose(p.assess(machine), wanted)]


def test_order_and_choice() -> None:
    """Accelerators come first; the cpu is used alone where there is none, and only then without being asked for."""
    assert [device.address for device in p.assess(TWO_GPUS).devices] == ["cuda:0", "cuda:1", "cpu"]
    assert addresses(TWO_GPUS, "auto") == ["cuda:0", "cuda:1"]
    assert addresses(MAC) == ["mps"]
    assert addresses(BARE, "auto") == ["cpu"]


def test_settings_may_force() -> None:
    """A kind names all its devices, an address one; nothing is listed twice; the scripted engine is always there."""
    assert addresses(TWO_GPUS, "cpu") == ["cpu"]
    assert addresses(TWO_GPUS, "cuda:1", "cuda", "cpu") == ["cuda:1", "cuda:0", "cpu"]
    assert addresses(BARE, "scripted") == ["scripted"]


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (BARE, "No NVIDIA driver"),
        (replace(BARE, nvidia_gpus=()), "lists no GPU"),
        (replace(TWO_GPUS, torch_cuda=""), "built without CUDA"),
        (replace(TWO_GPUS, torch_installed=False), "torch is not installed"),
    ],
)
def test_an_absent_gpu_has_a_reason(machine: p.Machine, words: str) -> None:
    """Why there is no cuda is said, and said again to whoever asks for it."""
    found = p.assess(machine)
    assert words in found.absent["cuda"]
    with pytest.raises(errors.DeviceUnavailable, match=words):
        p.choose(found, ["cuda:0"])


def test_amd_gpus_are_cuda_devices_of_a_torch_for_rocm() -> None:
    """With another torch they are named as the reason why the processor does the work."""
    amd = replace(BARE, amd_gpus=("AMD Instinct MI300X",), torch_rocm="6.2")
    first = p.choose(p.assess(amd), [])[0]
    assert (first.name, first.kind, first.title) == ("devices/cuda-0", "cuda", "AMD Instinct MI300X")
    assert "ROCm 6.2" in first.reason
    assert "An AMD GPU is here, but no torch" in p.assess(replace(amd, torch_rocm="")).absent["cuda"]


def test_what_was_not_chosen_is_kept() -> None:
    """Beside a GPU the processor is there for runs that are placed on it; beside a scripted device nothing is."""
    found = p.assess(TWO_GPUS)
    assert [device.address for device in p.others(found, p.choose(found, []))] == ["cpu"]
    assert [device.address for device in p.others(found, p.choose(found, ["cuda:1"]))] == ["cuda:0", "cpu"]
    assert p.others(found, p.choose(found, ["scripted"])) == ()


def test_scripted_devices_are_counted() -> None:
    """Tests may have several; anything but a number is refused."""
    names = [device.name for device in p.choose(p.assess(BARE), ["scripted", "scripted:2"])]
    assert names == ["devices/scripted", "devices/scripted-2"]
    with pytest.raises(errors.SettingInvalid):
        p.choose(p.assess(BARE), ["scripted:x"])
    with pytest.raises(errors.SettingInvalid, match="beside no real one"):
        p.choose(p.assess(BARE), ["cpu", "scripted"])


@pytest.mark.parametrize("name", ["gpu", "cpu:1", "", "CUDA"])
def test_an_unknown_name_is_refused(name: str) -> None:
    """A name that is no device is a wrong setting, never a silent default."""
    with pytest.raises(errors.SettingInvalid) as caught:
        p.choose(p.assess(BARE), [name])
    assert caught.value.field == "devices"


def test_driver_folder_and_version_file_are_read(tmp_path: Path) -> None:
    """GPU names come from the driver's files; torch's CUDA version from its version file."""
    assert p._nvidia_gpus(tmp_path / "none") is None
    gpu = tmp_path / "gpus" / "0000:01:00.0"
    gpu.mkdir(parents=True)
    (gpu / "information").write_text("Model: \t\t NVIDIA H200\nIRQ:   0\n")
    (tmp_path / "gpus" / "0000:02:00.0").mkdir()
    assert p._nvidia_gpus(tmp_path / "gpus") == ("NVIDIA H200", "NVIDIA GPU")
    version = tmp_path / "version.py"
    version.write_text("from typing import Optional\ncuda: Optional[str] = '12.6'\n")
    assert p._torch_built_for("cuda", version) == "12.6"
    version.write_text("cuda: Optional[str] = None\nhip = '6'\n")
    assert p._torch_built_for("cuda", version) == ""
    assert p._torch_built_for("hip", version) == "6"


def test_the_probe_imports_no_model_library() -> None:
    """Probing this machine finds a cpu and leaves torch and numpy unimported."""
    code = (
        "import sys; from bullpend.workers.probe import probe; found = probe();"
        "assert found.devices[-1].kind == 'cpu', found;"
        "assert not {'torch', 'numpy', 'PIL'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
