"""`bullpen ps`, and the commands of `bullpen models` about memory: load, unload, pin, unpin, keep."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import model_pb2
from bullpen_client import names
from google.protobuf.duration_pb2 import Duration

from bullpen_cli import output
from bullpen_cli.command import Command, State, pass_state
from bullpen_cli.run import model_name
from bullpen_cli.spans import SPAN

if TYPE_CHECKING:
    from bullpen_client import Session


@click.command(cls=Command, examples=["bullpen ps", "bullpen ps --json"])
@pass_state
def ps(state: State) -> None:
    """List the models that are in memory now: where, how large, since when, until when, why."""

    async def body(session: Session) -> model_pb2.ListResidentsResponse:
        return await session.models.ListResidents(model_pb2.ListResidentsRequest())

    answer = state.with_session(body, start=False)
    if state.json:
        output.emit(answer)
        return
    output.table(
        ("model", "device", "size", "work", "placed", "since", "expires", "why"),
        (
            (
                resident.model,
                names.ident(resident.device),
                output.size(resident.size_bytes) if resident.size_bytes else "–",
                output.size(resident.working_bytes) if resident.working_bytes else "–",
                resident.placement or "–",
                output.moment(resident.since),
                _expires(resident),
                resident.reason,
            )
            for resident in answer.residents
        ),
        empty="No model is in memory; the first job loads what it needs.",
        right=("size", "work"),
    )


@click.command("load", cls=Command, examples=["bullpen models load starter-edit --keep-alive 30m"])
@click.argument("name")
@click.option("--device", default="", help="Where to, such as cpu or cuda-0; the first device without it.")
@click.option("--keep-alive", type=SPAN, default=None, help="How long it stays without use, such as 90s, 5m or 1h.")
@pass_state
def load(state: State, name: str, device: str, keep_alive: Duration | None) -> None:
    """Bring a model into memory before a job asks for it."""
    answer = state.with_session(lambda session: _load(session, name, device, keep_alive))
    if state.json:
        output.emit(answer)
        return
    resident = answer.resident
    took = output.span(answer.load_time)
    how = f"in {took}" if answer.load_time.ToMicroseconds() else "and was there already"
    placed = f", in {resident.placement}" if resident.placement not in ("", "whole") else ""
    output.say(f"{resident.model} is in memory of {names.ident(resident.device)}{placed} {how}")


@click.command(
    "unload", cls=Command, examples=["bullpen models unload starter-edit", "bullpen models unload --all --device cpu"]
)
@click.argument("name", default="")
@click.option("--all", "everything", is_flag=True, help="Every model that is neither in use nor pinned.")
@click.option("--device", default="", help="Only there; everywhere without it.")
@pass_state
def unload(state: State, name: str, everything: bool, device: str) -> None:
    """Free a model's memory on every device that is not using it."""
    if bool(name) == everything:
        raise click.UsageError("Name a model, or give --all.")

    async def body(session: Session) -> model_pb2.UnloadModelResponse:
        request = model_pb2.UnloadModelRequest(all=everything, device=_device(device))
        request.name = model_name(name) if name else ""
        return await session.models.UnloadModel(request)

    answer = state.with_session(body, start=False)
    if state.json:
        output.emit(answer)
        return
    gone = list(answer.devices)
    for resident in answer.leaving:
        gone.remove(resident.device)
    if gone:
        freed = ", ".join(names.ident(device) for device in dict.fromkeys(gone))
        many = f"{output.count(len(gone), 'model')} " if everything else ""
        output.say(f"{many}freed on {freed}")
    elif not answer.kept and not answer.leaving:
        output.say("It was not in memory." if name else "No model is in memory.", style="dim")
    for resident in answer.leaving:
        where = names.ident(resident.device)
        output.say(f"{resident.model} leaves {where} as soon as its worker comes to it", style="yellow")
    for resident in answer.kept:
        output.say(f"{resident.model} stays on {names.ident(resident.device)}: {resident.reason}", style="dim")


@click.command("pin", cls=Command, examples=["bullpen models pin starter-edit"])
@click.argument("name")
@click.option("--no-load", is_flag=True, help="Keep it once a job has loaded it; do not load it now.")
@pass_state
def pin(state: State, name: str, no_load: bool) -> None:
    """Keep a model in memory: it neither expires nor makes room for others, also after a restart."""

    async def body(session: Session) -> tuple[model_pb2.ModelKeeping, model_pb2.LoadModelResponse | None]:
        kept = await session.models.PinModel(model_pb2.PinModelRequest(name=model_name(name)))
        return kept, None if no_load else await _load(session, name, "", None)

    kept, loaded = state.with_session(body)
    if state.json:
        output.emit(kept)
        return
    where = f", in memory of {names.ident(loaded.resident.device)}" if loaded is not None else ""
    output.say(f"{kept.model} is pinned{where}")


@click.command("unpin", cls=Command, examples=["bullpen models unpin starter-edit"])
@click.argument("name")
@pass_state
def unpin(state: State, name: str) -> None:
    """Take a pin back; the model's keep-alive begins now."""

    async def body(session: Session) -> model_pb2.ModelKeeping:
        return await session.models.UnpinModel(model_pb2.UnpinModelRequest(name=model_name(name)))

    _say_kept(state, state.with_session(body))


@click.command("keep", cls=Command, examples=["bullpen models keep starter-edit 30m", "bullpen models keep x --reset"])
@click.argument("name")
@click.argument("time", type=SPAN, required=False)
@click.option("--reset", is_flag=True, help="Back to the daemon's default.")
@pass_state
def keep(state: State, name: str, time: Duration | None, reset: bool) -> None:
    """Set how long a model stays in memory after its last use; 0 lets it go at once."""
    if (time is None) != reset:
        raise click.UsageError("Give a time, or --reset.")

    async def body(session: Session) -> model_pb2.ModelKeeping:
        request = model_pb2.SetModelKeepAliveRequest(name=model_name(name), keep_alive=time)
        return await session.models.SetModelKeepAlive(request)

    _say_kept(state, state.with_session(body))


COMMANDS = (load, unload, pin, unpin, keep)


async def _load(session: Session, name: str, device: str, keep_alive: Duration | None) -> model_pb2.LoadModelResponse:
    request = model_pb2.LoadModelRequest(name=model_name(name), device=_device(device), keep_alive=keep_alive)
    return await session.models.LoadModel(request)


def _say_kept(state: State, kept: model_pb2.ModelKeeping) -> None:
    if state.json:
        output.emit(kept)
    elif kept.pinned:
        output.say(f"{kept.model} is pinned")
    elif kept.HasField("keep_alive"):
        output.say(f"{kept.model} stays {output.span(kept.keep_alive)} after its last use")
    else:
        output.say(f"{kept.model} stays as long as the setting scheduler.keep_alive_seconds says")


def _device(text: str) -> str:
    return text if not text or text.startswith("devices/") else f"devices/{text}"


def _expires(resident: model_pb2.Resident) -> str:
    if resident.in_use:
        return "in use"
    if resident.pinned:
        return "pinned"
    if not resident.HasField("expires"):
        return "–"
    return f"in {output.span(max(0.0, resident.expires.ToMicroseconds() / 1e6 - time.time()))}"
