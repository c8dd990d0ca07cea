"""`bullpen cutout`, `upscale`, `color`: one step of post-process on a person's own pictures, without a project."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import postprocess_pb2

from bullpen_cli import output, processing
from bullpen_cli.command import Command, State, Whole, pass_state
from bullpen_cli.failure import OK
from bullpen_cli.run import model_name
from bullpen_cli.transfer import absolute

if TYPE_CHECKING:
    from bullpen_client import Session

_LARGEST = 8
_SHARE = click.FloatRange(0, 1)


def _files(required: bool = True) -> Callable[[Any], Any]:
    """The arguments that all of them have."""

    def add(function: Any) -> Any:
        for option in (
            click.option("--force", is_flag=True, help="Write over files that exist."),
            click.option(
                "-o",
                "--out",
                required=required,
                metavar="FILE|FOLDER",
                help="PNG to write, or a folder for results of the same names.",
            ),
            click.argument("files", nargs=-1, required=required, metavar="FILE…"),
        ):
            function = option(function)
        return function

    return add


def model_or_session(text: str) -> str:
    """A model's name, the absolute path of a file, or a session of rembg."""
    return text if text.startswith("rembg:") else model_name(text)


def refiner(name: str) -> str:
    """The model that redraws the edge; `none` is none, whatever the settings say."""
    return name if name == "none" else model_name(name)


@click.command(
    cls=Command,
    examples=[
        "bullpen cutout mara.jpg -o mara.png",
        "bullpen cutout cast/*.jpg -o cutouts/",
        "bullpen cutout mara.jpg -o mara.png --no-refine --json",
        "bullpen cutout mara.jpg -o mara.png --model rembg:isnet-anime",
        "bullpen cutout mara.jpg -o mara.png --model photoroom:segment --confirm-spend",
        "bullpen cutout mara.jpg -o mara.png --fallback photoroom:segment --confirm-spend",
    ],
)
@_files()
@click.option("--model", default="", metavar="NAME|FILE", help="Model, ONNX file, or rembg:SESSION with local weights.")
@click.option("--refine/--no-refine", default=True, help="Take the background's colours out of the edge. Default: yes.")
@click.option("--softness", type=_SHARE, help="How gently the edge falls off, 0 to 1.")
@click.option("--refine-model", default="", metavar="NAME", help="Model that redraws the edge, or none.")
@click.option("--fallback", default="", metavar="NAME", help="Provider's model for where this machine fails, or none.")
@click.option("--confirm-spend", is_flag=True, help="Agree to what a provider's model charges.")
@pass_state
def cutout(
    state: State,
    files: tuple[str, ...],
    out: str,
    force: bool,
    model: str,
    refine: bool,
    softness: float | None,
    refine_model: str,
    fallback: str,
    confirm_spend: bool,
) -> int:
    """Take the background away from pictures.

    Writes PNG with transparency. A folder stands for the pictures in it. Nothing leaves this machine, unless the model
    is a provider's, such as photoroom:segment: that sends the pictures there, costs money, and needs --confirm-spend.
    As a --fallback it is asked for those pictures only at which this machine fails.
    """
    step = postprocess_pb2.CutoutStep(model=model_or_session(model), fallback=fallback)
    wish = postprocess_pb2.PostProcess(cutout=step)
    if refine:
        wish.refine.CopyFrom(postprocess_pb2.RefineStep(softness=softness, model=refiner(refine_model)))
    elif softness is not None:
        raise click.UsageError("--softness is of refining, which --no-refine leaves out.")
    elif refine_model:
        raise click.UsageError("--refine-model is of refining, which --no-refine leaves out.")
    return processing.run(state, processing.errands(files, out, force=force), wish, confirm_spend=confirm_spend)


@click.command(
    cls=Command,
    examples=[
        "bullpen upscale panel.png -o large.png",
        "bullpen upscale panel.png -o large.png --scale 4",
        "bullpen upscale page/ -o print/ --scale 4 --json",
        "bullpen upscale panel.png -o large.png --model ~/models/4x-comic.onnx",
    ],
)
@_files()
@click.option("--scale", type=Whole(1, _LARGEST), help="Times as wide and high, such as 2 or 4.")
@click.option("--model", default="", metavar="NAME|FILE", help="Model, or an ONNX or safetensors file.")
@pass_state
def upscale(state: State, files: tuple[str, ...], out: str, force: bool, scale: int | None, model: str) -> int:
    """Enlarge pictures with an upscaling network.

    Works in tiles, so that large pictures need little memory; transparency is kept. A folder stands for the pictures
    in it.
    """
    wish = postprocess_pb2.PostProcess(upscale=postprocess_pb2.UpscaleStep(model=model_name(model), scale=scale or 0))
    return processing.run(state, processing.errands(files, out, force=force), wish)


@click.command(
    cls=Command,
    examples=[
        "bullpen color panel.png -o warm.png --profile cinematic_warm",
        "bullpen color page/ -o rainy/ --profile cold_rain --strength 0.5",
        "bullpen color panel.png -o look.png --lut ~/looks/bleach.cube",
        "bullpen color --list",
    ],
)
@_files(required=False)
@click.option("--profile", default="", metavar="NAME", help="Profile of settings/color-correction.json; see --list.")
@click.option("--lut", default="", metavar="FILE", help="Lookup table in .cube format, applied after the profile.")
@click.option("--strength", type=_SHARE, help="How much of the effect, 0 to 1.")
@click.option("--list", "listing", is_flag=True, help="Show the profiles.")
@pass_state
def color(
    state: State,
    files: tuple[str, ...],
    out: str | None,
    force: bool,
    profile: str,
    lut: str,
    strength: float | None,
    listing: bool,
) -> int:
    """Correct the colours of pictures.

    Works in linear light; transparency is not touched. A folder stands for the pictures in it.
    """
    if listing:
        return state.with_session(lambda session: _list(state, session))
    if not files or out is None:
        raise click.UsageError("name pictures and -o, or give --list.")
    if not profile and not lut:
        raise click.UsageError("name a --profile or a --lut; --list shows the profiles.")
    step = postprocess_pb2.ColorStep(profile=profile, lut_path=absolute(lut) if lut else "", strength=strength)
    jobs = processing.errands(files, out, force=force)
    return processing.run(state, jobs, postprocess_pb2.PostProcess(color=step))


async def _list(state: State, session: Session) -> int:
    answer = await session.lab.ListColorProfiles(postprocess_pb2.ListColorProfilesRequest())
    if state.json:
        output.emit(answer)
        return OK
    output.table(
        ("profile", "title", "what it does"), [(one.name, one.title, one.description) for one in answer.profiles]
    )
    return OK
