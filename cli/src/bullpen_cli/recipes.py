"""`bullpen recipes`: how pictures were made, here or by another program, and taking that over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import asset_pb2, history_pb2
from bullpen_client import names
from bullpen_client.errors import BullpenError, RecipeInvalid, ResourceNotFound

from bullpen_cli import output
from bullpen_cli.command import Group, State, pass_state
from bullpen_cli.failure import FAILED, OK
from bullpen_cli.transfer import PICTURES, pictures, take

if TYPE_CHECKING:
    from bullpen_client import Session

PROGRAMS = {
    history_pb2.PictureRecipe.PROGRAM_BULLPEN: "Bullpen",
    history_pb2.PictureRecipe.PROGRAM_A1111: "A1111",
    history_pb2.PictureRecipe.PROGRAM_COMFYUI: "ComfyUI",
    history_pb2.PictureRecipe.PROGRAM_INVOKEAI: "InvokeAI",
    history_pb2.PictureRecipe.PROGRAM_SWARMUI: "SwarmUI",
    history_pb2.PictureRecipe.PROGRAM_FOOOCUS: "Fooocus",
}
# Options of `generate` and `run`, with the field of the sampling that fills each.
_SAMPLING = {
    "steps": "steps",
    "guidance": "guidance_scale",
    "image_guidance": "image_guidance_scale",
    "strength": "strength",
}


@click.group(
    cls=Group,
    examples=[
        "bullpen recipes import harbor_lights ~/a1111/outputs/pier.png",
        "bullpen recipes show projects/harbor_lights/assets/…",
        "bullpen generate --like projects/harbor_lights/assets/… -o again.png",
    ],
)
def recipes() -> None:
    """How pictures were made, by Bullpen, A1111, ComfyUI and others, and taking that over."""


@recipes.command(
    "import",
    examples=[
        "bullpen recipes import harbor_lights pier.png market.jpg",
        "bullpen recipes import noir_city ~/ComfyUI/output --json",
    ],
)
@click.argument("project")
@click.argument("files", nargs=-1, required=True, type=PICTURES)
@pass_state
def import_recipes(state: State, project: str, files: tuple[str, ...]) -> int:
    """Import pictures, and say how each was made.

    A picture whose recipe is damaged, or that tells nothing, is imported all the same. The exit status is 1 where a
    recipe is damaged.
    """
    chosen = pictures(files)
    parent = names.project(project)

    async def body(session: Session) -> list[dict[str, Any]]:
        found = []
        for path in chosen:
            asset = await take(session, parent, path, asset_pb2.Asset.KIND_SOURCE)
            found.append({"file": str(path), "asset": asset.name, **await _read(session, asset.name)})
        return found

    made = state.with_session(body)
    if state.json:
        output.emit({"pictures": [{k: _plain(v) for k, v in one.items() if v} for one in made]})
    else:
        for one in made:
            _say(one)
    return FAILED if any(one["error"] for one in made) else OK


async def _read(session: Session, name: str) -> dict[str, Any]:
    """The recipe of an asset's file, or the error of a damaged one; neither where it tells nothing."""
    try:
        recipe = await session.history.IngestRecipe(history_pb2.IngestRecipeRequest(name=name))
    except RecipeInvalid as error:
        return {"recipe": None, "error": error}
    except ResourceNotFound:
        return {"recipe": None, "error": None}
    return {"recipe": recipe, "error": None}


def _plain(value: Any) -> Any:
    if isinstance(value, BullpenError):
        return value.as_dict()
    return output.as_dict(value) if isinstance(value, history_pb2.PictureRecipe) else value


def _say(one: dict[str, Any]) -> None:
    recipe, error = one["recipe"], one["error"]
    output.say(f"{one['file']}  {one['asset']}")
    if error is not None:
        output.say(f"  its recipe is damaged: {error.message}", style="yellow")
    elif recipe is None:
        output.say("  nothing is told of how it was made", style="dim")
    else:
        output.say(f"  {program(recipe)}: {summary(recipe)}")


def program(recipe: history_pb2.PictureRecipe) -> str:
    """Who wrote it; a daemon may know programs that this command line does not."""
    return PROGRAMS.get(recipe.program, "another program")


def summary(recipe: history_pb2.PictureRecipe) -> str:
    """A recipe in a line."""
    words = " ".join(recipe.prompt.split())
    parts = [words if len(words) <= 60 else f"{words[:59]}…", recipe.model_title]
    if recipe.HasField("seed"):
        parts.append(f"seed {recipe.seed}")
    if recipe.sampling.HasField("steps"):
        parts.append(output.count(recipe.sampling.steps, "step"))
    return ", ".join(part for part in parts if part)


@recipes.command("show", examples=["bullpen recipes show projects/harbor_lights/assets/…"])
@click.argument("name", metavar="ASSET")
@pass_state
def show_recipe(state: State, name: str) -> None:
    """Show how a picture was made, and what of it cannot be taken over here."""
    _show(state, recipe_of(state, name))


@recipes.command("read", examples=["bullpen recipes read projects/harbor_lights/assets/…"])
@click.argument("name", metavar="ASSET")
@pass_state
def read_recipe(state: State, name: str) -> None:
    """Read an asset's file again for how it was made; says what is wrong with it."""

    async def body(session: Session) -> history_pb2.PictureRecipe:
        return await session.history.IngestRecipe(history_pb2.IngestRecipeRequest(name=name))

    _show(state, state.with_session(body))


def recipe_of(state: State, name: str) -> history_pb2.PictureRecipe:
    """The recipe that is known of an asset."""

    async def body(session: Session) -> history_pb2.PictureRecipe:
        return await session.history.GetRecipe(history_pb2.GetRecipeRequest(name=name))

    return state.with_session(body)


def _show(state: State, recipe: history_pb2.PictureRecipe) -> None:
    if state.json:
        output.emit(recipe)
        return
    told = [f"{name.replace('_', ' ')} {value:g}" for name, value in _sampling(recipe).items()]
    here = f" (here {recipe.model})" if recipe.model else ""
    rows = [
        ("asset", recipe.asset),
        ("made by", program(recipe)),
        ("prompt", recipe.prompt or "–"),
        ("negative", recipe.negative_prompt or "–"),
        ("seed", str(recipe.seed) if recipe.HasField("seed") else "–"),
        ("sampling", ", ".join(told) or "–"),
        ("sampler", " ".join(filter(None, (recipe.sampler, recipe.scheduler))) or "–"),
        ("model", f"{recipe.model_title or '–'}{here}" + (f"  {recipe.model_hash[:12]}" if recipe.model_hash else "")),
        (
            "LoRAs",
            "\n".join(
                f"{one.title} {one.scale:g}" + (f" (here {one.model})" if one.model else "") for one in recipe.loras
            )
            or "–",
        ),
        *sorted(recipe.others.items()),
        ("left out", "\n".join(recipe.left_out) or "–"),
    ]
    output.details(rows)


def _sampling(recipe: history_pb2.PictureRecipe) -> dict[str, Any]:
    """What is set of the sampling, by its field."""
    return {field.name: value for field, value in recipe.sampling.ListFields()}


def take_over(state: State, options: dict[str, Any], words: str) -> history_pb2.PictureRecipe:
    """Fills options that were not given from the recipe of the asset that `--like` names, and gives the recipe; `words`
    is the option of the prompt. What cannot be taken over is said.
    """
    recipe = recipe_of(state, options["like"])
    sampling = _sampling(recipe)
    options[words] = options[words] or recipe.prompt
    for option, name in _SAMPLING.items():
        if option in options and options[option] is None:
            options[option] = sampling.get(name)
    if not options["size"] and "width" in sampling:
        options["size"] = f"{sampling['width']}x{sampling['height']}"
    if options["seed"] is None and recipe.HasField("seed") and recipe.seed < 2**32:
        options["seed"] = recipe.seed
    if "negative" in options:
        options["negative"] = options["negative"] or recipe.negative_prompt
    options["model"] = options["model"] or recipe.model
    if not options["loras"]:
        options["loras"] = tuple(f"{one.model}={one.scale:g}" for one in recipe.loras if one.model)
    for reason in recipe.left_out:
        output.note(f"not taken over: {reason}", style="yellow")
    return recipe


def made_again(recipe: history_pb2.PictureRecipe) -> str:
    """What makes such a picture again where words alone do not: a stage draws from another picture. Else empty."""
    stage, run = recipe.others.get("stage", ""), recipe.others.get("run", "")
    if not stage or not run:
        return ""
    project = run.split("/")[1]
    return (
        f"The stage {stage} made this picture from another one. `bullpen run --project {project} --stage {stage} "
        f"--scenes SCENE --like {recipe.asset}` makes it again; `--model M`, one of `bullpen models list --capability "
        "text_to_image`, draws its words alone."
    )
