"""`bullpen metrics` and `bullpen settings`: the daemon's own figures."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import system_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Command, State, pass_state

if TYPE_CHECKING:
    from bullpen_client import Session


def metrics_line(metrics: system_pb2.Metrics) -> str:
    """The figures in one line."""
    parts = [
        f"cpu {metrics.cpu_utilization:.0%}",
        f"memory {output.size(metrics.memory_used_bytes)} / {output.size(metrics.memory_total_bytes)}",
        f"daemon {output.size(metrics.daemon_memory_bytes)}",
        f"disk free {output.size(metrics.disk_free_bytes)}",
    ]
    for device in metrics.devices:
        words = [names.ident(device.device), output.state_name(device).lower()]
        if device.HasField("utilization"):
            words.append(f"{device.utilization:.0%}")
        if device.HasField("temperature_celsius"):
            words.append(f"{device.temperature_celsius:.0f} °C")
        words.append(f"worker {output.size(device.worker_memory_bytes)}")
        parts.append(" ".join(words))
    parts.append(f"jobs {metrics.running_jobs} running, {metrics.queued_jobs} queued")
    parts.append(f"{metrics.candidates_done} candidates done, {metrics.candidates_per_minute:.1f}/min")
    parts.append(f"watchers {metrics.watchers}")
    return " · ".join(parts)


@click.command(cls=Command, examples=["bullpen metrics", "bullpen metrics --watch --interval 5"])
@click.option("--watch", "keep", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--interval", type=float, default=1.0, show_default=True, help="Seconds between two lines.")
@pass_state
def metrics(state: State, keep: bool, interval: float) -> None:
    """Show processor, memory, devices and queue."""

    def tell(message: system_pb2.Metrics) -> None:
        if state.json:
            output.emit(message)
        else:
            output.say(metrics_line(message))

    async def body(session: Session) -> None:
        if not keep:
            tell(await session.system.GetMetrics(system_pb2.GetMetricsRequest()))
            return
        request = system_pb2.WatchMetricsRequest()
        request.interval.FromTimedelta(timedelta(seconds=interval))
        async for message in session.system.WatchMetrics(request):
            tell(message)

    state.with_session(body, start=False)


@click.command(cls=Command, examples=["bullpen settings", "bullpen settings scheduler", "bullpen settings keep --json"])
@click.argument("word", default="")
@pass_state
def settings(state: State, word: str) -> None:
    """List every setting with its value and where it came from; with WORD those that have it in their name.

    They are changed in the file `daemon.toml` of the home, and hold from the daemon's next start.
    """

    async def body(session: Session) -> system_pb2.ListSettingsResponse:
        return await session.system.ListSettings(system_pb2.ListSettingsRequest())

    answer = state.with_session(body)
    found = [setting for setting in answer.settings if word.lower() in setting.name]
    if word and not found:
        raise click.UsageError(f"no setting has '{word}' in its name; `bullpen settings` lists them all.")
    if state.json:
        output.emit({"settings": [output.as_dict(setting) for setting in found]})
        return
    rows = ((setting.name, setting.value, setting.source, setting.description) for setting in found)
    output.table(("setting", "value", "from", "what it does"), rows)
    if len(found) == 1:
        output.note(_how(found[0], state.home / "daemon.toml"))


def _how(setting: system_pb2.Setting, file: Path) -> str:
    """How one setting is changed, in words that can be copied."""
    part, _, key = setting.name.partition(".")
    plain = setting.value.replace(".", "", 1).lstrip("-").isdigit() or setting.value in ("true", "false")
    value = setting.value if plain else json.dumps(setting.value, ensure_ascii=False)
    if part == "paths":
        value = '["…", "…"]'
    stronger = setting.source.partition(" ")[0] in ("environment", "flag")
    first = f"It comes from the {setting.source}, which goes before the file. " if stronger else ""
    return f"{first}To change it: `{key} = {value}` below [{part}] in {file}, then stop and start the daemon."
