"""`bullpen daemon`: starting, stopping and asking after the daemon of a home."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

import click
import grpc
from bullpen_api.v1 import system_pb2
from bullpen_client import errors, names, read_endpoint, start_daemon
from bullpen_client.home import pid_alive
from bullpen_client.launch import command as daemon_command
from bullpen_client.lock import keeper

from bullpen_cli import output
from bullpen_cli.command import Group, State, pass_state

if TYPE_CHECKING:
    from bullpen_client import Session

_STOP_TIMEOUT = 60.0
# How long a daemon that does not answer has to heed a signal, before `--now` kills it.
_HEED_SECONDS = 10.0


@click.group(
    cls=Group,
    examples=["bullpen daemon start", "bullpen daemon status", "bullpen daemon stop", "bullpen daemon run"],
)
def daemon() -> None:
    """The process that owns devices, models and the store."""


@daemon.command("start", examples=["bullpen daemon start", "bullpen daemon start --home ~/studio"])
@pass_state
def start(state: State) -> None:
    """Start the daemon in the background, unless one serves already."""
    endpoint = asyncio.run(start_daemon(state.home, notice=state.notice))
    if state.json:
        output.emit({"address": endpoint.address, "pid": endpoint.pid, "version": endpoint.version})
    else:
        output.say(f"bullpend {endpoint.version} serves at {endpoint.address} (process {endpoint.pid})")


@daemon.command("run", examples=["bullpen daemon run"])
@pass_state
def run(state: State) -> None:
    """Run the daemon in this terminal until Ctrl-C."""
    line = daemon_command(state.home)
    os.execv(line[0], line)  # noqa: S606 - the daemon takes this process over, with its signals


@daemon.command("stop", examples=["bullpen daemon stop", "bullpen daemon stop --now"])
@click.option("--now", is_flag=True, help="Do not let running candidates finish; they are queued again.")
@pass_state
def stop(state: State, now: bool) -> None:
    """Let running candidates finish, then end the daemon; waits until it is gone.

    One that does not answer is asked by a signal, and with --now killed where that does not help either: what was
    stored is kept, and candidates that ran are queued again.
    """

    async def body(session: Session) -> int:
        info = await session.system.GetInfo(system_pb2.GetInfoRequest())
        with contextlib.suppress(errors.DaemonUnavailable):  # it may be quicker than its answer
            await session.system.Shutdown(system_pb2.ShutdownRequest(now=now))
        return await _gone(state, info.pid, info.instance, _STOP_TIMEOUT)

    try:
        pid = state.with_session(body, start=False)
    except errors.DaemonUnavailable:
        pid = 0
    except errors.DaemonSilent as silent:
        pid = _stop_silent(state, silent, now)
    if state.json:
        output.emit({"stopped": bool(pid), "pid": pid})
    else:
        output.say(f"stopped (process {pid})" if pid else "No daemon was running.")


def _stop_silent(state: State, silent: errors.DaemonSilent, now: bool) -> int:
    """Ends a daemon that lives and does not answer. Raises `silent` where it is not sure which process it is."""
    process = keeper(state.home)
    if not process or str(process) != silent.metadata.get("pid"):
        raise silent
    endpoint = read_endpoint(state.home)
    instance = endpoint.instance if endpoint is not None and endpoint.pid == process else ""
    if silent.metadata.get("ready") == "true" or now:
        os.kill(process, signal.SIGTERM)
        # One that was stopped hears of it only when it goes on.
        os.kill(process, getattr(signal, "SIGCONT", signal.SIGTERM))
    try:
        return asyncio.run(_gone(state, process, instance, _HEED_SECONDS if now else _STOP_TIMEOUT))
    except errors.DeadlineExceeded:
        if not now:
            raise
    os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    return asyncio.run(_gone(state, process, instance, _STOP_TIMEOUT))


async def _gone(state: State, pid: int, instance: str, seconds: float) -> int:
    """Waits until the process has ended, and its endpoint file with it; gives the process's id."""
    deadline = time.monotonic() + seconds
    while pid_alive(pid):
        endpoint = read_endpoint(state.home)
        if instance and endpoint is not None and endpoint.instance not in ("", instance):
            break  # somebody started the next one already
        if time.monotonic() > deadline:
            raise errors.DeadlineExceeded(
                f"The daemon still runs after {seconds:g} seconds (process {pid}).",
                remedy="It lets running candidates finish; `bullpen daemon stop --now` does not wait for them.",
                code=grpc.StatusCode.DEADLINE_EXCEEDED,
            )
        await asyncio.sleep(0.05)
    return pid


@daemon.command("status", examples=["bullpen daemon status", "bullpen daemon status --json"])
@pass_state
def status(state: State) -> None:
    """Show whether and how the daemon serves; exit status 1 when it does not."""

    async def body(session: Session) -> system_pb2.Info:
        return await session.system.GetInfo(system_pb2.GetInfoRequest())

    info = state.with_session(body, start=False)
    if state.json:
        output.emit(info)
        return
    rows = [
        ("version", info.version),
        ("process", str(info.pid)),
        ("up", output.span(info.uptime)),
        ("home", info.home),
        ("machine", f"{info.hostname}, {info.platform}, Python {info.python_version}"),
        ("journal", f"revision {info.revision}, schema {info.schema_version}"),
        ("settings", info.settings_folder),
        ("models", "\n".join(info.model_folders) or "–"),
        ("devices", ", ".join(names.ident(d.name) + " " + output.state_name(d).lower() for d in info.devices) or "–"),
    ]
    output.details(rows)
