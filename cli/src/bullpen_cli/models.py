"""`bullpen models` and `bullpen devices`: what is installed, what can compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import model_pb2
from bullpen_client import names

from bullpen_cli import memory, output
from bullpen_cli.command import Command, Group, State, pass_state
from bullpen_cli.convert import convert
from bullpen_cli.paging import everything
from bullpen_cli.run import model_name

if TYPE_CHECKING:
    from bullpen_client import Session


@click.group(cls=Group, examples=["bullpen models list", "bullpen models load starter-edit"])
def models() -> None:
    """Installed models, and which of them stay in memory."""


@models.command("list", examples=["bullpen models list", "bullpen models list --capability text_to_image"])
@click.option("--capability", default="", help="Only models that can do this, such as lora, upscale or cutout.")
@pass_state
def list_models(state: State, capability: str) -> None:
    """List the installed models."""

    async def body(session: Session) -> list[model_pb2.Model]:
        request = model_pb2.ListModelsRequest(capability=capability)
        return (await everything(session.models.ListModels, request, "models"))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"models": [output.as_dict(model) for model in found]})
        return
    output.table(
        ("model", "state", "can", "family", "engine", "size or cost", "picture", "title"),
        (
            (
                model.name,
                state_words(model) + (f": {model.problem}" if model.problem else ""),
                " ".join(model.capabilities) or "–",
                model.family,
                model.engine,
                output.size(model.size_bytes) if not model.price else f"{model.cost_usd:.3f} USD",
                f"{model.default_width}×{model.default_height}" if model.default_width else "–",
                model.title,
            )
            for model in found
        ),
        empty=f"No installed model can do {capability}. `bullpen models list` shows what there is."
        if capability
        else "No model is installed. `bullpen doctor` says how to get the starter.",
        right=("size or cost", "picture"),
    )


@models.command("show", examples=["bullpen models show starter-edit"])
@click.argument("name")
@pass_state
def show_model(state: State, name: str) -> None:
    """Show one model."""

    async def body(session: Session) -> model_pb2.Model:
        return await session.models.GetModel(model_pb2.GetModelRequest(name=model_name(name)))

    model = state.with_session(body)
    if state.json:
        output.emit(model)
        return
    rows = [
        ("model", model.name),
        ("title", model.title),
        ("state", state_words(model)),
        ("problem", model.problem or "–"),
        ("family", model.family),
        ("engine", model.engine or "–"),
        ("can", " ".join(model.capabilities) or "–"),
        *([("for", model.base_model)] if model.base_model else []),
        *([("picture", _picture(model))] if model.default_width else []),
        *(_language(model.language) if model.HasField("language") else []),
        *([("costs", model.price)] if model.price else [("size", output.size(model.size_bytes))]),
        ("licence", model.licence or "–"),
        *([("digest", model.digest or "not read yet"), ("path", model.path)] if model.path else []),
    ]
    output.details(rows)


def state_words(model: model_pb2.Model) -> str:
    """A model's state as a person reads it."""
    return output.state_name(model).lower().replace("_", " ")


def _language(said: model_pb2.LanguageModel) -> list[tuple[str, str]]:
    """What a language model's file says of it."""
    many = said.parameters >= 1e9
    weights = f"{said.parameters / (1e9 if many else 1e6):.1f} {'billion' if many else 'million'}"
    template = "in the file" if said.chat_template else "none in the file; ChatML is used"
    return [
        ("weights", f"{weights}, {said.quantization or 'kind not known'}"),
        ("window", output.count(said.context_length, "token") if said.context_length else "not in the file"),
        ("template", template),
    ]


def _picture(model: model_pb2.Model) -> str:
    steps = f", {output.count(model.default_steps, 'step')}" if model.default_steps else ""
    return f"{model.default_width}×{model.default_height}{steps}"


ps = memory.ps
for command in memory.COMMANDS:
    models.add_command(command)
models.add_command(convert)


_USES = {
    "on": model_pb2.Device.USE_ALL,
    "on_request": model_pb2.Device.USE_BOUND,
    "off": model_pb2.Device.USE_NONE,
    "as_set": model_pb2.Device.USE_UNSPECIFIED,
}
_USE_WORDS = {
    model_pb2.Device.USE_ALL: "everything",
    model_pb2.Device.USE_BOUND: "on request",
    model_pb2.Device.USE_NONE: "off",
}


@click.command(
    cls=Command,
    examples=["bullpen devices", "bullpen devices --on cpu", "bullpen devices --off cuda-0 --now"],
)
@click.option("--on", metavar="DEVICE", default="", help="Give it whatever waits.")
@click.option("--on-request", metavar="DEVICE", default="", help="Give it only runs that are placed there.")
@click.option("--off", metavar="DEVICE", default="", help="Give it nothing; its worker goes.")
@click.option("--as-set", metavar="DEVICE", default="", help="Go back to what the settings say.")
@click.option("--now", is_flag=True, help="Stop what runs there and must not any more; it goes on elsewhere.")
@click.option("--force", is_flag=True, help="Also the last device that takes whatever waits.")
@pass_state
def devices(state: State, /, now: bool, force: bool, **asked: str) -> None:
    """List what can compute here, the default first; or switch a device while the daemon runs."""
    wanted = [(asked[key], use) for key, use in _USES.items() if asked[key]]
    if len(wanted) > 1 or ((now or force) and not wanted):
        raise click.UsageError("give one of --on, --on-request, --off and --as-set, with --now and --force beside it.")

    async def body(session: Session) -> model_pb2.ListDevicesResponse:
        for name, use in wanted:
            await session.devices.SwitchDevice(
                model_pb2.SwitchDeviceRequest(name=names.ident(name), use=use, now=now, force=force)
            )
        return await session.devices.ListDevices(model_pb2.ListDevicesRequest())

    answer = state.with_session(body)
    if state.json:
        output.emit(answer)
        return
    output.table(
        ("device", "kind", "state", "takes", "engine", "memory", "title", "why"),
        (
            (
                names.ident(device.name),
                device.kind,
                output.state_name(device).lower(),
                _USE_WORDS.get(device.use, "everything"),
                device.engine,
                f"{output.size(device.memory_used_bytes)} / {output.size(device.memory_total_bytes)}",
                device.title,
                device.reason,
            )
            for device in answer.devices
        ),
        empty="No device was found.",
        right=("memory",),
    )
