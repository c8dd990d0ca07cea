"""The wire form of a recipe, with what of it can be taken over here: models by what is installed, numbers by what a
run or a picture may be asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bullpen_api.v1 import history_pb2 as pb
from bullpen_api.v1 import run_pb2

from bullpend.models.model import LORA, Model
from bullpend.recipes.model import Program, Told
from bullpend.runs import loras
from bullpend.runs.manifest import SCALE, SIZE, SIZE_STEP, STEPS

MOST_SEED = (1 << 32) - 1
_ENDING = re.compile(r"\.(safetensors|ckpt|pt|pth|gguf|bin|sft)$", re.IGNORECASE)
_NO_LETTER = re.compile(r"[^a-z0-9]+")
# As few digits of a hash could be anybody's.
_LEAST_DIGITS = 8


def pack(asset: str, told: Told, models: Sequence[Model]) -> pb.PictureRecipe:
    """A recipe, as this home can use it."""
    left: list[str] = []
    recipe = pb.PictureRecipe(
        asset=asset,
        program=pb.PictureRecipe.Program.Value(f"PROGRAM_{told.program}"),
        prompt=told.prompt,
        negative_prompt=told.negative_prompt,
        seed=told.seed,
        sampler=told.sampler,
        scheduler=told.scheduler,
        sampling=_sampling(told, left),
        model_title=told.model_title,
        model_hash=told.model_hash,
        others=dict(told.others),
    )
    if told.seed is not None and told.seed > MOST_SEED:
        left.append(f"The seed {told.seed}: seeds end at {MOST_SEED} here.")
    if (told.sampler or told.scheduler) and told.program is not Program.BULLPEN:
        both = " ".join(filter(None, (told.sampler, told.scheduler)))
        left.append(f"The sampler {both}: each model is sampled by its own scheduler here.")
    pipelines = [model for model in models if LORA not in model.capabilities]
    recipe.model = _here(told.model_title, told.model_hash, pipelines, "model", left)
    for used in told.loras:
        name = _here(used.title, used.hash, [one for one in models if LORA in one.capabilities], "LoRA", left)
        if name and not loras.SCALE[0] <= used.scale <= loras.SCALE[1]:
            left.append(
                f"The LoRA {used.title}: its scale {used.scale:g} is beyond {loras.SCALE[0]:g} to {loras.SCALE[1]:g}."
            )
            name = ""
        recipe.loras.add(title=used.title, hash=used.hash, scale=used.scale, model=name)
    recipe.left_out.extend(left)
    return recipe


def _sampling(told: Told, left: list[str]) -> run_pb2.SamplingParameters:
    """What may be asked for as it is."""
    sampling = run_pb2.SamplingParameters()
    if told.steps is not None:
        if STEPS[0] <= told.steps <= STEPS[1]:
            sampling.steps = told.steps
        else:
            left.append(f"{told.steps} steps: {STEPS[0]} to {STEPS[1]} can be asked for here.")
    for name in ("guidance_scale", "image_guidance_scale", "strength"):
        value = getattr(told, name)
        if value is None:
            continue
        if SCALE[0] <= value <= SCALE[1]:
            setattr(sampling, name, value)
        else:
            left.append(
                f"The {name.replace('_', ' ')} of {value:g}: {SCALE[0]:g} to {SCALE[1]:g} can be asked for here."
            )
    if told.width and told.height:
        if all(SIZE[0] <= side <= SIZE[1] and side % SIZE_STEP == 0 for side in (told.width, told.height)):
            sampling.width, sampling.height = told.width, told.height
        else:
            left.append(
                f"The size {told.width}×{told.height}: sides are {SIZE[0]} to {SIZE[1]} in steps of {SIZE_STEP}."
            )
    return sampling


def _here(title: str, digest: str, models: Sequence[Model], what: str, left: list[str]) -> str:
    """The name of the same model here, by its hash or else by its name; "" where there is none."""
    if not (title or digest):
        return ""
    if len(digest) >= _LEAST_DIGITS:
        same = next((model for model in models if model.digest.startswith(digest)), None)
        if same is not None:
            return same.name
    wanted = _plain(title)
    named = next((one for one in models if wanted and wanted in (_plain(one.name), _plain(one.title))), None)
    if named is None:
        left.append(f"The {what} {title or digest}: it is not installed here.")
        return ""
    return named.name


def _plain(name: str) -> str:
    """A model's name as it is compared: without folder, ending, case and signs."""
    return _NO_LETTER.sub("", _ENDING.sub("", name.replace("\\", "/").rsplit("/", 1)[-1]).lower())
