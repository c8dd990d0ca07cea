"""GPUs of all makers, and machines without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from bullpen_api.v1 import model_pb2, system_pb2
from bullpen_client import Session
from bullpend.metrics import gpus
from bullpend.metrics.amdgpu import amdgpu_figures
from bullpend.metrics.apple import parse_ioreg
from bullpend.metrics.collect import GpuFigures

from tests.support.daemon import Daemon

IOREG = """+-o AGXAcceleratorG14X  <class AGXAcceleratorG14X, registered, matched, active>
    {
      "model" = "Apple M3 Max"
      "PerformanceStatistics" = {"In use system memory (driver)"=0,"Alloc system memory"=9126805504,"Tiler Utilization %"=3,"Device Utilization %"=41,"In use system memory"=2147483648}
    }
"""  # noqa: E501 -- as the program writes it


def card(drm: Path, name: str, vendor: str, **files: str) -> None:
    device = drm / name / "device"
    (device / "hwmon" / "hwmon3").mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    for file, text in files.items():
        (device / file).write_text(f"{text}\n")


def test_amd_tells_through_its_driver(tmp_path: Path) -> None:
    """What the driver's files say, of AMD's cards only; what one does not tell is None."""
    card(tmp_path, "card0", "0x8086", gpu_busy_percent="99")
    card(tmp_path, "card1", "0x1002", gpu_busy_percent="37", mem_info_vram_total="1000", mem_info_vram_used="400")
    (tmp_path / "card1/device/hwmon/hwmon3/temp1_input").write_text("61500\n")
    card(tmp_path, "card2", "0x1002", product_name="AMD Instinct MI300X", gpu_busy_percent="garbage")
    (tmp_path / "card1-DP-1").mkdir()
    first, second = amdgpu_figures(tmp_path) or ()
    assert first == GpuFigures(0, "AMD GPU", 0.37, 1000, 400, 61.5, "AMDGPU")
    assert second == GpuFigures(1, "AMD Instinct MI300X", None, 0, 0, None, "AMDGPU")
    assert amdgpu_figures(tmp_path / "none") is None


def test_a_mac_tells_through_its_registry() -> None:
    """How busy, and memory in use; no temperature, and nothing at all where it has no figures."""
    assert parse_ioreg(IOREG) == (GpuFigures(0, "Apple M3 Max", 0.41, 0, 2147483648, None, "IOREG"),)
    assert parse_ioreg("") is None


def test_the_first_who_answers_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """NVML before its program, NVIDIA before AMD; a kind that nobody is asked about has no figures."""
    told = GpuFigures(1, "L4", 0.5, 10, 5, None, "NVIDIA_SMI")
    monkeypatch.setitem(gpus.ASKED, "cuda", (lambda: None, lambda: (told,), lambda: 1 / 0))
    assert gpus.read(["cuda", "cpu"]) == {"devices/cuda-1": told}


def test_silence_and_having_nothing_to_say_are_told_apart() -> None:
    """A processor has no sensors here; a GPU that does not answer should have."""
    assert gpus.source("cpu", None) == "NONE"
    assert gpus.source("cuda", None) == "SILENT"
    assert gpus.source("mps", GpuFigures(0, "M3", None, 0, 0, None, "IOREG")) == "IOREG"


async def test_a_machine_without_a_gpu_says_so(daemon: Daemon, session: Session) -> None:
    """The source is typed, absent figures stay absent, and a model in memory is told with its size."""
    await session.models.LoadModel(model_pb2.LoadModelRequest(name="models/scripted"))
    metrics = await session.system.GetMetrics(system_pb2.GetMetricsRequest())
    (device,) = metrics.devices
    assert device.source == system_pb2.DeviceMetrics.SOURCE_NONE
    assert not device.HasField("utilization")
    assert not device.HasField("temperature_celsius")
    assert [model.model for model in device.models] == ["models/scripted"]
    assert min(metrics.daemon_descriptors, metrics.daemon_threads, metrics.daemon_tasks) > 0
