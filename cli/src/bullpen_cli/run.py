"""`bullpen run`: plan a stage over pictures, show the plan, run it, follow it."""

from __future__ import annotations

import secrets
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import grpc
from bullpen_api.v1 import model_pb2, queue_pb2, run_pb2
from bullpen_client import errors, names

from bullpen_cli import output, plan, results
from bullpen_cli.command import Command, State, Whole, pairs, pass_state
from bullpen_cli.failure import FAILED, INTERRUPTED, OK
from bullpen_cli.follow import follow
from bullpen_cli.recipes import take_over
from bullpen_cli.spans import SPAN
from bullpen_cli.standing import standing
from bullpen_cli.transfer import absolute

if TYPE_CHECKING:
    from bullpen_client import Session

_ACCEPT = {"best": run_pb2.RunSpec.ACCEPTANCE_BEST, "manual": run_pb2.RunSpec.ACCEPTANCE_MANUAL}

AUTO = "auto"
# Endings of files of weights, those that are refused with what to do among them.
WEIGHTS = frozenset({".onnx", ".safetensors", ".bin", ".ckpt", ".pt", ".pth", ".pkl"})
# What a retry changes.
CHANGES = {"seed": run_pb2.AutomaticRetry.CHANGE_SEED, "strength": run_pb2.AutomaticRetry.CHANGE_STRENGTH}
_YES, _NO = ("y", "yes"), ("n", "no")
# Seeds are 0 to 2**32 - 1.
_SEEDS = 2**32


def model_name(text: str) -> str:
    """A model's resource name, or the absolute path of a folder or file when the text looks like a path.

    A file of weights that lies where the command runs needs no `./` before it.
    """
    if text.startswith((".", "/", "~")) or (Path(text).suffix.lower() in WEIGHTS and Path(text).is_file()):
        return absolute(text)
    return text if not text or "/" in text else f"models/{text}"


def lora_uses(texts: Sequence[str]) -> list[model_pb2.LoraUse]:
    """LoRAs as they are given: `NAME` or `NAME=SCALE`. Raises a usage error."""
    uses = []
    for text in texts:
        name, equals, scale = text.partition("=")
        try:
            uses.append(model_pb2.LoraUse(model=model_name(name), scale=float(scale) if equals else None))
        except ValueError:
            raise click.UsageError(f"--lora takes NAME or NAME=SCALE, not '{text}'.") from None
    return uses


def pixels(text: str) -> tuple[int, int]:
    """Width and height of `512x768`. Raises a usage error."""
    width, _, height = text.lower().replace("×", "x").partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise click.UsageError(f"--size takes WIDTHxHEIGHT, such as 512x768, or auto; not '{text}'.")
    return int(width), int(height)


def box(text: str) -> run_pb2.Box:
    """A box of `0.6,0.2,1,1`: left, top, right, bottom. Raises a usage error."""
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise click.UsageError(
            f"--box takes LEFT,TOP,RIGHT,BOTTOM as shares, such as 0.6,0.2,1,1; not '{text}'."
        ) from None
    return run_pb2.Box(left=left, top=top, right=right, bottom=bottom)


def spec_of(project: str, options: dict[str, Any]) -> run_pb2.RunSpec:
    """What the options ask for. Which combinations are right is the daemon's to say.

    Without --seed a new one is drawn, so that the same line twice gives new pictures.
    """
    sampling = run_pb2.SamplingParameters(
        steps=options["steps"],
        guidance_scale=options["guidance"],
        image_guidance_scale=options["image_guidance"],
        strength=options["strength"],
        control_scale=options["control_scale"],
        reference_scale=options["reference_scale"],
    )
    if options["size"] and options["size"] != AUTO:
        sampling.width, sampling.height = pixels(options["size"])
    spec = run_pb2.RunSpec(
        stage=names.ident(options["stage"]),
        candidates=options["candidates"] or 0,
        model=model_name(options["model"]),
        sampling=sampling,
        seed=secrets.randbelow(_SEEDS) if options["seed"] is None else options["seed"],
        style_guide=names.style_guide(project, options["style_guide"]) if options["style_guide"] else "",
        variables=pairs(options["variables"]),
        instruction=options["instruction"],
        acceptance=_ACCEPT[options["acceptance"]],
        priority=options["priority"],
        loras=lora_uses(options["loras"]),
        strategy=options["strategy"],
        boxes=[box(text) for text in options["boxes"]],
        auto_retry=automatic_retry(options),
        prompt_template=names.prompt_template(project, options["prompt_template"])
        if options["prompt_template"]
        else "",
    )
    if options["scenes"] is not None:
        chosen = [slug.strip() for slug in options["scenes"].split(",") if slug.strip()]
        if not chosen:
            raise click.UsageError("--scenes takes at least one scene; --all-scenes takes all.")
        spec.scenes.scenes.extend(names.scene(project, slug) for slug in chosen)
    if options["all_scenes"]:
        spec.scenes.SetInParent()
    if options["input"] is not None:
        spec.input_folder = absolute(options["input"])
    return spec


def finding_kind(name: str) -> run_pb2.Finding.Kind.ValueType:
    """A kind of finding by its name, such as `structure`. Raises a usage error."""
    kinds = {key.removeprefix("KIND_").lower(): value for key, value in run_pb2.Finding.Kind.items() if value}
    if name.lower() not in kinds:
        raise click.UsageError(f"there is no finding '{name}'; they are: {', '.join(kinds)}.")
    return kinds[name.lower()]


def automatic_retry(options: dict[str, Any]) -> run_pb2.AutomaticRetry | None:
    """What is to be made again by itself; None where nothing is."""
    if not options["retry_on"]:
        return None
    return run_pb2.AutomaticRetry(
        findings=[finding_kind(name.strip()) for name in options["retry_on"].split(",")],
        budget=options["retry_budget"],
        change=CHANGES[options["retry_change"]],
    )


def _check(options: dict[str, Any]) -> None:
    if options["replay"] is None:
        missing = [f"--{name}" for name in ("project", "stage") if not options[name]]
        if missing:
            raise click.UsageError(f"missing {' and '.join(missing)}.")
    if options["scenes"] is not None and options["all_scenes"]:
        raise click.UsageError("--scenes and --all-scenes exclude each other.")


@click.command(
    cls=Command,
    examples=[
        "bullpen run --project harbor_lights --stage style --all-scenes --dry-run",
        "bullpen run --project harbor_lights --stage time --scenes pier,market --candidates 3 --set time=night",
        "bullpen run --project noir_city --stage style --input ~/photos --yes",
        "bullpen run --project harbor_lights --stage characters --all-scenes --lora starter-lora-mara=0.8",
        "bullpen run --project harbor_lights --stage characters --scenes pier --model sd15 --box 0.6,0.2,1,1",
        "bullpen run --project noir_city --stage style --input ~/photos --like projects/noir_city/assets/…",
        "bullpen run --replay var/projects/noir_city/runs/…/run.json --yes",
    ],
)
@click.option("--project", metavar="SLUG", default="", help="Project to run in.")
@click.option("--stage", default="", help="Stage of the manifest; `bullpen stages` lists them.")
@click.option("--scenes", metavar="A,B", help="These scenes of the project.")
@click.option("--all-scenes", is_flag=True, help="All scenes of the project.")
@click.option("--input", metavar="FOLDER", help="Own pictures on the daemon's machine, instead of scenes.")
@click.option("--like", metavar="ASSET", default="", help="Take what is not given from this picture's recipe.")
@click.option("--candidates", type=Whole(1), help="Candidates of each picture.")
@click.option("--model", default="", help="Model name, or the path of a local diffusers folder.")
@click.option("--lora", "loras", multiple=True, metavar="NAME[=SCALE]", help="A LoRA on the model; scale −2 to 2.")
@click.option("--steps", type=Whole(-(2**31)), help="Denoising steps.")
@click.option("--guidance", type=float, help="How strongly the instruction acts.")
@click.option("--image-guidance", type=float, help="How strongly the picture to start from acts.")
@click.option("--size", metavar="WxH", default="", help="Pixels, or `auto` for a size that fits pictures and model.")
@click.option("--strategy", default="", help="How the pictures are made, in place of the stage's choice.")
@click.option("--strength", type=float, help="How far from the source to noise, 0.05 to 1.")
@click.option("--control-scale", type=float, help="How strongly lines, edges or depth hold, 0 to 2.")
@click.option("--reference-scale", type=float, help="How strongly reference pictures steer, 0 to 2.")
@click.option("--box", "boxes", multiple=True, metavar="L,T,R,B", help="Where to paint, as shares of the picture.")
@click.option(
    "--seed", type=Whole(0, _SEEDS - 1), help="Seed of the run; without it a new one each time, which the plan shows."
)
@click.option("--style-guide", metavar="SLUG", default="", help="Style guide; not needed where there is only one.")
@click.option(
    "--template", "prompt_template", metavar="SLUG", default="", help="Prompt template in place of the stage's words."
)
@click.option("--set", "variables", multiple=True, metavar="KEY=VALUE", help="A value for the template.")
@click.option("--instruction", default="", help="Instruction in place of the stage's.")
@click.option(
    "--accept",
    "acceptance",
    type=click.Choice(list(_ACCEPT)),
    default="best",
    show_default=True,
    help="Who decides which candidate wins: the ranking, or you.",
)
@click.option("--priority", type=Whole(-(2**31)), default=0, help="Larger goes first.")
@click.option(
    "--retry-on",
    metavar="A,B",
    default="",
    help="Make pictures again by itself where this is found, such as structure.",
)
@click.option("--retry-budget", type=Whole(1), default=3, show_default=True, help="Pictures that may be made again.")
@click.option(
    "--retry-change", type=click.Choice(list(CHANGES)), default="seed", show_default=True, help="What a retry changes."
)
@click.option("--keep-alive", type=SPAN, help="How long the model stays in memory afterwards, such as 0, 90s or 1h.")
@click.option("--device", default="", help="The only device that may take it, such as cpu; `bullpen advise` compares.")
@click.option("--confirm-offload", is_flag=True, help="Agree to a device that is not in general use.")
@click.option("--replay", metavar="LOG", type=click.Path(exists=True, dir_okay=False), help="Repeat a run log.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@click.option("--yes", is_flag=True, help="Start without asking where the plan costs no money.")
@click.option("--confirm-spend", is_flag=True, help="Start without asking, and agree to what the plan costs.")
@click.option("--detach", is_flag=True, help="Start and come back at once.")
@pass_state
def run(state: State, /, **options: Any) -> int:
    """Run one stage over scenes or over a folder of own pictures.

    Shows the plan first, and asks; where nobody can be asked it starts at once, unless the plan costs money. Ctrl-C
    leaves the run going and says how to come back to it.
    """
    _check(options)
    if options["like"]:
        take_over(state, options, "instruction")
    log = Path(options["replay"]).read_text(encoding="utf-8", errors="replace") if options["replay"] else ""
    spec = spec_of(options["project"], options)
    started: list[str] = []

    async def body(session: Session) -> int:
        made = await (_replay(session, options, log) if options["replay"] else _start(state, session, spec, options))
        if made is None:
            return OK
        started.append(made.name)
        if options["detach"]:
            return await _detached(state, session, made)
        return await finish(state, session, made.name)

    try:
        return state.with_session(body)
    except KeyboardInterrupt:
        for name in started:
            tell_how_to_come_back(name)
        return INTERRUPTED


def tell_how_to_come_back(run_name: str) -> None:
    """After Ctrl-C: the run is not cancelled."""
    output.note("")
    output.note("Left the run; it goes on.", style="yellow")
    output.note(f"  come back  bullpen runs follow {run_name}", style=None)
    output.note(f"  stop it    bullpen cancel {run_name}", style=None)


async def finish(state: State, session: Session, run_name: str) -> int:
    """Follows a run to its end and shows what came out; the exit status."""
    board = await follow(session, run_name)
    found = await results.winners(session, board)
    if state.json:
        output.emit(results.as_dict(board, found))
    else:
        results.show(board, found)
    return OK if board.run.state == run_pb2.Run.STATE_SUCCEEDED else FAILED


async def _detached(state: State, session: Session, made: run_pb2.Run) -> int:
    if state.json:
        output.emit(made)
        return OK
    output.say(f"started {made.name}")
    output.say(f"  follow  bullpen runs follow {made.name}")
    waits = standing(made, (), await session.queue.GetQueue(queue_pb2.GetQueueRequest()))
    if waits:
        output.note(waits, style="yellow")
    return OK


def confirmed(question: str) -> bool:
    """Asks on stderr; only a yes is one."""
    return (
        str(click.prompt(f"{question} [y/N]", default="n", show_default=False, prompt_suffix=" ", err=True))
        .strip()
        .lower()
        in _YES
    )


def agreed(costs: str = "") -> bool:
    """Asks on stderr whether to start; Return means yes, or no where it costs money.

    Asks again where the answer is neither yes nor no.
    """
    question, default = (f"It costs {costs}. Start this run? [y/N]", "n") if costs else ("Start this run? [Y/n]", "y")
    while True:
        answer = click.prompt(question, default=default, show_default=False, prompt_suffix=" ", err=True)
        word = str(answer).strip().lower()
        if word in _YES or word in _NO:
            return word in _YES
        output.note(
            f"'{answer.strip()}' is neither yes nor no. Type y to start the run, n to leave it.", style="yellow"
        )


async def _replay(session: Session, options: dict[str, Any], log: str) -> run_pb2.Run:
    parent = names.project(options["project"]) if options["project"] else ""
    request = run_pb2.ReplayRunRequest(parent=parent, run_log=log, request_id=str(uuid.uuid4()))
    return await session.runs.ReplayRun(request)


async def _known_device(session: Session, device: str) -> None:
    """A plan names no device by itself: one that does not exist is said before anything is shown.

    Raises DeviceUnavailable.
    """
    there = (await session.devices.ListDevices(model_pb2.ListDevicesRequest())).devices
    if names.ident(device) not in {names.ident(one.name) for one in there}:
        raise errors.make(
            "DEVICE_UNAVAILABLE",
            f"There is no device '{device}'; there is: {', '.join(names.ident(one.name) for one in there) or 'none'}.",
            code=grpc.StatusCode.UNAVAILABLE,
            metadata={"field": "device", "remedy": "Name one of these; `bullpen devices` shows them."},
        )


async def _start(state: State, session: Session, spec: run_pb2.RunSpec, options: dict[str, Any]) -> run_pb2.Run | None:
    """Plans, shows and starts; None when nothing was started."""
    parent = names.project(options["project"])
    if options["device"]:
        await _known_device(session, options["device"])
    planned = await session.runs.PlanRun(run_pb2.PlanRunRequest(parent=parent, spec=spec))
    if options["size"] == AUTO and planned.HasField("suggested_size"):
        spec.sampling.width, spec.sampling.height = planned.suggested_size.width, planned.suggested_size.height
        planned = await session.runs.PlanRun(run_pb2.PlanRunRequest(parent=parent, spec=spec))
    if state.json and options["dry_run"]:
        output.emit(planned)
    if not state.json:
        plan.show(planned)
        if options["device"] and names.ident(options["device"]) != names.ident(planned.device):
            output.note(f"It is held to {options['device']}; what stands above was worked out for {planned.device}.")
    if options["dry_run"]:
        return None
    interactive = sys.stdin.isatty() and not state.json
    costs = plan.cost_words(planned) if planned.HasField("estimated_cost") else ""
    agreed_to = options["confirm_spend"] or (options["yes"] and not costs)
    if not agreed_to and interactive:
        if not agreed(costs):
            output.note("Nothing was started.")
            return None
        agreed_to = True
    request = run_pb2.CreateRunRequest(
        parent=parent,
        spec=spec,
        plan_digest=planned.digest,
        confirm_spend=agreed_to,
        request_id=str(uuid.uuid4()),
        keep_alive=options["keep_alive"],
        device=options["device"],
        confirm_offload=options["confirm_offload"],
    )
    try:
        return await session.runs.CreateRun(request)
    except errors.OffloadNotConfirmed as error:
        if not interactive or not confirmed(f"{error.message} Start it there?"):
            raise
        request.confirm_offload = True
        return await session.runs.CreateRun(request)
