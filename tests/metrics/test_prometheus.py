"""Metrics for Prometheus: the text, the file, the socket; and NVML behind a made-up library."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from bullpen_api.v1 import model_pb2, system_pb2
from bullpend.errors import SettingInvalid
from bullpend.metrics import nvml
from bullpend.metrics.prometheus import render
from bullpend.metrics.publishing import published

from tests.support.daemon import Daemon

SAMPLE = re.compile(r'^[a-z_]+(\{[a-z_]+="[^\n]*"(,[a-z_]+="[^\n]*")*\})? -?[0-9.e+-]+$')


def reading() -> system_pb2.Metrics:
    """One device that tells little, one that tells all."""
    silent = system_pb2.DeviceMetrics(device="devices/cpu", state=model_pb2.Device.STATE_IDLE)
    loud = system_pb2.DeviceMetrics(
        device='odd"name\\\n', state=model_pb2.Device.STATE_BUSY, utilization=0.5, temperature_celsius=61.0
    )
    return system_pb2.Metrics(cpu_utilization=0.25, queued_jobs=3, candidates_done=7, devices=[silent, loud])


def test_every_line_is_one_that_prometheus_reads() -> None:
    """Help and type before each family, samples in the format, labels escaped, absent values left out."""
    lines = render(reading()).splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in samples)
    assert "bullpen_queued_jobs 3" in samples
    assert "bullpen_candidates_total 7" in samples
    assert "# TYPE bullpen_candidates_total counter" in lines
    assert 'bullpen_device_utilization_ratio{device="odd\\"name\\\\\\n"} 0.5' in samples
    assert not any("devices/cpu" in line and "temperature" in line for line in samples)
    assert 'bullpen_device_state{device="devices/cpu",state="idle"} 1' in samples
    families = [line.split(" ")[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))


async def ask(path: Path, request: bytes) -> bytes:
    """What the socket answers."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_the_socket_answers_and_is_gone_afterwards(tmp_path: Path) -> None:
    """GET and HEAD are answered, other words are not found, silence hinders nobody; only the user may connect."""
    path = tmp_path / "m.sock"

    async def read() -> str:
        return "bullpen_queued_jobs 3\n"

    async with published(read, "", str(path), 1.0):
        assert path.stat().st_mode & 0o777 == 0o600
        silent = await asyncio.open_unix_connection(path)
        answer = await ask(path, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nbullpen_queued_jobs 3\n")
        assert not (await ask(path, b"HEAD / HTTP/1.1\r\n\r\n")).endswith(b"3\n")
        assert (await ask(path, b"POST /metrics HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 404 ")
        assert await ask(path, b"\xff" * 100_000) == b""
        silent[1].close()
    assert not path.exists()


async def test_a_place_where_no_socket_can_be_is_refused(tmp_path: Path) -> None:
    """A file that lies there is left alone; the refusal names the setting."""
    path = tmp_path / "file"
    path.write_text("mine")

    async def read() -> str:
        return ""

    with pytest.raises(SettingInvalid) as refused:
        async with published(read, "", str(path), 1.0):
            pass
    assert refused.value.field == "metrics.socket"
    assert path.read_text() == "mine"


@pytest.mark.e2e
def test_a_daemon_hands_out_what_it_is_asked_to(tmp_path: Path) -> None:
    """The file is whole at any time it is read, and the socket gives the same families."""
    file, socket = tmp_path / "bullpen.prom", tmp_path / "m.sock"
    settings = {"metrics.file": file, "metrics.socket": socket, "metrics.seconds": 0.1}
    with Daemon(tmp_path / "home", settings):
        answer = asyncio.run(ask(socket, b"GET /metrics HTTP/1.0\r\n\r\n")).decode()
        inode = file.stat().st_ino if file.exists() else 0
        while not file.exists() or file.stat().st_ino == inode:
            asyncio.run(ask(socket, b"HEAD / HTTP/1.0\r\n\r\n"))
        text = file.read_text()
    assert text.endswith("\n")
    families = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert {"bullpen_queued_jobs", "bullpen_device_state", "bullpen_disk_free_bytes"} <= families
    assert all(f"# TYPE {family} " in answer for family in families)
    assert not socket.exists()


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A made-up `pynvml` with two devices, of which the second tells only its memory."""

    class NVMLError(Exception):
        pass

    class Figures:
        total, used, gpu = 100, 40, 37

    made = ModuleType("pynvml")

    def told(answer: object) -> object:
        def ask(handle: int, *_: object) -> object:
            if handle:
                raise NVMLError
            return answer

        return ask

    made.__dict__.update(
        NVMLError=NVMLError,
        NVML_TEMPERATURE_GPU=0,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetMemoryInfo=lambda handle: Figures,
        nvmlDeviceGetName=lambda handle: b"NVIDIA H200" if handle == 0 else "GPU",
        nvmlDeviceGetUtilizationRates=told(Figures),
        nvmlDeviceGetTemperature=told(41),
    )
    made.__spec__ = __import__("importlib.machinery").machinery.ModuleSpec("pynvml", None)
    monkeypatch.setitem(sys.modules, "pynvml", made)
    monkeypatch.setattr(nvml, "_opened", {})
    return made


def test_nvml_is_read_where_it_is_there(library: ModuleType) -> None:
    """Percent become shares; what a device does not tell is None, and the rest of it is read all the same."""
    figures = nvml.nvml_figures()
    assert figures is not None
    assert [(gpu.title, gpu.utilization, gpu.temperature_celsius) for gpu in figures] == [
        ("NVIDIA H200", 0.37, 41.0),
        ("GPU", None, None),
    ]
    assert {gpu.memory_used_bytes for gpu in figures} == {40}


def test_a_driver_that_does_not_answer_gives_nothing(library: ModuleType) -> None:
    """Neither a failed start nor a failed reading is more than None."""

    def fail() -> None:
        raise library.NVMLError

    library.nvmlInit = fail  # type: ignore[attr-defined]  # a made-up module
    assert nvml.nvml_figures() is None
    library.nvmlInit, library.nvmlDeviceGetCount = lambda: None, fail  # type: ignore[attr-defined]  # the same
    assert nvml.nvml_figures() is None
