"""`bullpen postprocess`: the chain over accepted pictures of a run, or over assets; each output is an asset."""

from __future__ import annotations

import re
import time
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import postprocess_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Command, State, Whole, pass_state
from bullpen_cli.failure import INTERRUPTED, OK
from bullpen_cli.lab import model_or_session, refiner
from bullpen_cli.processing import status
from bullpen_cli.resolve import run_named
from bullpen_cli.run import model_name
from bullpen_cli.transfer import absolute

if TYPE_CHECKING:
    from bullpen_client import Session

_DETAILS = (
    "cutout_model",
    "cutout_fallback",
    "refine_model",
    "softness",
    "upscale_model",
    "scale",
    "profile",
    "lut",
    "strength",
)
STEPS = ("cutout", "refine", "upscale", "color")
_LARGEST = 8
_ASSET = re.compile(r"(?!projects/)[^/]+/assets/[^/]+")


def request_of(resources: tuple[str, ...], options: dict[str, Any]) -> postprocess_pb2.ProcessAssetsRequest:
    """What the options ask for; `resources` are whole names. Raises a usage error."""
    request = postprocess_pb2.ProcessAssetsRequest()
    parts = [PurePosixPath(name).parts for name in resources]
    for name, part in zip(resources, parts, strict=True):
        if len(part) != 4 or part[0] != "projects" or part[2] not in ("runs", "assets"):
            raise click.UsageError(f"'{name}' is neither a run (projects/P/runs/R) nor an asset (projects/P/assets/A).")
    if len({part[1] for part in parts}) > 1:
        raise click.UsageError("all of them must belong to one project.")
    if any(part[2] == "runs" for part in parts):
        if len(parts) > 1:
            raise click.UsageError("one run at a time, or assets.")
        request.run = resources[0]
    else:
        request.assets.extend(resources)
    request.parent = names.project(parts[0][1])
    chosen = [step for step in STEPS if options[step]]
    details = {key: options.get(key) for key in _DETAILS}
    if not chosen:
        if any(value not in (None, "") for value in details.values()):
            raise click.UsageError("name the steps too, such as --upscale; without any, the settings decide.")
        return request
    for step in chosen:
        getattr(request.post_process, step).SetInParent()
    if options["cutout"]:
        request.post_process.cutout.model = model_or_session(options["cutout_model"])
        request.post_process.cutout.fallback = options.get("cutout_fallback") or ""
    if options["refine"]:
        refining = postprocess_pb2.RefineStep(model=refiner(options.get("refine_model") or ""))
        if options.get("softness") is not None:
            refining.softness = options["softness"]
        request.post_process.refine.CopyFrom(refining)
    if options["upscale"]:
        request.post_process.upscale.model = model_name(options["upscale_model"])
        request.post_process.upscale.scale = options["scale"] or 0
    if options["color"]:
        lut = absolute(options["lut"]) if options.get("lut") else ""
        color = postprocess_pb2.ColorStep(profile=options["profile"], lut_path=lut, strength=options["strength"])
        request.post_process.color.CopyFrom(color)
    return request


@click.command(
    cls=Command,
    examples=[
        "bullpen postprocess last",
        "bullpen postprocess harbor_lights/r-0004-characters --upscale --scale 4 --color --profile cold_rain",
        "bullpen postprocess last --color --lut ~/looks/bleach.cube",
        "bullpen postprocess projects/harbor_lights/assets/3b1c --cutout --refine --json",
    ],
)
@click.argument("resources", nargs=-1, required=True, metavar="RUN|ASSET…")
@click.option("--cutout", is_flag=True, help="Take the background away.")
@click.option("--refine", is_flag=True, help="Clean the edge of the cutout.")
@click.option("--upscale", is_flag=True, help="Enlarge.")
@click.option("--color", is_flag=True, help="Correct the colours.")
@click.option("--softness", type=click.FloatRange(0, 1), help="How gently the edge falls off, 0 to 1.")
@click.option("--refine-model", default="", metavar="NAME", help="Model that redraws the edge, or none.")
@click.option("--cutout-model", default="", metavar="NAME|FILE", help="Model of the cutout.")
@click.option(
    "--cutout-fallback", default="", metavar="NAME", help="Provider's model for where this machine fails, or none."
)
@click.option("--upscale-model", default="", metavar="NAME|FILE", help="Model of the upscaling.")
@click.option("--scale", type=Whole(1, _LARGEST), help="Times as wide and high.")
@click.option("--profile", default="", metavar="NAME", help="Colour profile.")
@click.option("--lut", default="", metavar="FILE", help="Lookup table in .cube format, in place of a profile.")
@click.option("--strength", type=click.FloatRange(0, 1), help="How much of the profile or table, 0 to 1.")
@click.option("--confirm-spend", is_flag=True, help="Agree to what a provider's cutout model charges.")
@pass_state
def postprocess(state: State, /, resources: tuple[str, ...], **options: Any) -> int:
    """Take accepted pictures through cutout, refining, upscaling and colour.

    The order is fixed. Only the steps that are named are done; without any, those that settings/postprocess.json
    switches on. The output of each step is an asset that is derived from the one before. RUN is a full name, an id,
    PROJECT/ID, or `last`.
    """
    whole = request_of(resources, options) if all(name.startswith("projects/") for name in resources) else None
    began = time.monotonic()

    async def body(session: Session) -> int:
        request = whole or request_of(await _named(session, resources), options)
        request.confirm_spend = options["confirm_spend"]
        count = made = 0
        with status(state.json, "post-process") as show:
            async for answer in session.postprocess.ProcessAssets(request):
                match answer.WhichOneof("body"):
                    case "started":
                        count = len(answer.started.assets)
                        if answer.started.fallback_cost_usd and not state.json:
                            by, most = answer.started.post_process.cutout.fallback, answer.started.fallback_cost_usd
                            output.note(f"where the cutout fails here: {by}, at most {most:.2f} USD")
                    case "progress":
                        show(f"picture {answer.progress.picture} of {count}  {answer.progress.step}")
                    case "made":
                        made += 1
                        _tell(state, answer.made)
        if not state.json:
            seconds = output.span(time.monotonic() - began)
            output.note(f"{output.count(made, 'asset')} of {output.count(count, 'picture')} in {seconds}")
        return OK

    try:
        return state.with_session(body)
    except KeyboardInterrupt:
        output.note("")
        output.note("Stopped; assets that were made are kept.", style="yellow")
        return INTERRUPTED


async def _named(session: Session, resources: tuple[str, ...]) -> tuple[str, ...]:
    """Whole names; PROJECT/assets/ASSET is an asset, what is else none is a run's."""
    whole = [f"projects/{name}" if _ASSET.fullmatch(name) else name for name in resources]
    return tuple([name if name.startswith("projects/") else await run_named(session, name) for name in whole])


def _tell(state: State, made: postprocess_pb2.AssetMade) -> None:
    if state.json:
        output.emit(made)
    else:
        asset = made.asset
        output.say(f"{made.step:<8} {asset.name}  {asset.width}×{asset.height}  {asset.path}")
        if made.fallback_reason:
            output.say(
                f"⚑ by the fallback, because this machine failed: {made.fallback_reason}", style="yellow", wrap=2
            )
        for found in made.findings:
            output.say(f"⚑ {found.message}", style="yellow", wrap=2)
