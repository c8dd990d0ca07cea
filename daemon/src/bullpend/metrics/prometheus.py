"""Metrics as Prometheus reads them: the text format, version 0.0.4, of one reading. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bullpen_api.v1 import model_pb2, system_pb2

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = Sequence[tuple[str, str]]
Sample = tuple[Labels, float]


def render(metrics: system_pb2.Metrics) -> str:
    """One reading as text. Sizes are bytes, shares 0–1, as the units in the names say."""
    machine: tuple[tuple[str, str, str, float], ...] = (
        ("cpu_utilization_ratio", "gauge", "Share of all cores.", metrics.cpu_utilization),
        ("memory_total_bytes", "gauge", "Memory of the machine.", metrics.memory_total_bytes),
        ("memory_used_bytes", "gauge", "Memory of the machine that is in use.", metrics.memory_used_bytes),
        ("daemon_memory_bytes", "gauge", "Resident memory of the daemon.", metrics.daemon_memory_bytes),
        ("disk_free_bytes", "gauge", "Free on the disk of the home.", metrics.disk_free_bytes),
        ("queued_jobs", "gauge", "Jobs that wait for their turn.", metrics.queued_jobs),
        ("running_jobs", "gauge", "Jobs that run.", metrics.running_jobs),
        ("watchers", "gauge", "Clients that follow the journal.", metrics.watchers),
        ("candidates_total", "counter", "Candidates finished since the daemon started.", metrics.candidates_done),
        ("daemon_descriptors", "gauge", "Open files and sockets of the daemon.", metrics.daemon_descriptors),
        ("daemon_threads", "gauge", "Threads of the daemon.", metrics.daemon_threads),
        ("daemon_tasks", "gauge", "Tasks on the daemon's loop.", metrics.daemon_tasks),
        ("journal_revision", "counter", "Last revision of the journal.", metrics.revision),
    )
    lines: list[str] = []
    for name, kind, words, value in machine:
        lines += _family(name, kind, words, [((), value)])
    devices: tuple[tuple[str, str, Callable[[system_pb2.DeviceMetrics], float | None]], ...] = (
        ("memory_total_bytes", "Memory of the device.", lambda d: d.memory_total_bytes),
        ("memory_used_bytes", "Memory of the device that is in use.", lambda d: d.memory_used_bytes),
        ("worker_memory_bytes", "Memory of the device's worker.", lambda d: d.worker_memory_bytes),
        (
            "utilization_ratio",
            "Share of the device; absent where it does not tell.",
            lambda d: d.utilization if d.HasField("utilization") else None,
        ),
        (
            "temperature_celsius",
            "Temperature; absent where the device does not tell.",
            lambda d: d.temperature_celsius if d.HasField("temperature_celsius") else None,
        ),
    )
    for name, words, field in devices:
        values = [(device.device, field(device)) for device in metrics.devices]
        samples: list[Sample] = [((("device", device),), value) for device, value in values if value is not None]
        lines += _family(f"device_{name}", "gauge", words, samples)
    lines += _family(
        "device_model_memory_bytes",
        "gauge",
        "Memory that a model's weights take on the device.",
        [
            ((("device", device.device), ("model", model.model)), float(model.size_bytes))
            for device in metrics.devices
            for model in device.models
        ],
    )
    states = [(name.removeprefix("STATE_").lower(), state) for name, state in model_pb2.Device.State.items() if state]
    lines += _family(
        "device_state",
        "gauge",
        "1 for the state that the device is in.",
        [
            ((("device", device.device), ("state", name)), float(device.state == number))
            for device in metrics.devices
            for name, number in states
        ],
    )
    return "\n".join(lines) + "\n"


def _family(name: str, kind: str, words: str, samples: Iterable[Sample]) -> list[str]:
    listed = list(samples)
    if not listed:
        return []
    full = f"bullpen_{name}"
    return [f"# HELP {full} {words}", f"# TYPE {full} {kind}", *(_line(full, *sample) for sample in listed)]


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    return f"{name}{{{inside}}} {value:.17g}" if inside else f"{name} {value:.17g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
