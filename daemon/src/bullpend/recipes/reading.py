"""From the texts of a picture's file to its recipe: which of them is believed, and Bullpen's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from bullpend.errors import RecipeInvalid
from bullpend.recipes import a1111, comfyui, json_forms
from bullpend.recipes.comfygraph import load
from bullpend.recipes.model import MOST_LORAS, MOST_PROMPT, SEEDS, Program, Told, UsedLora, number, whole, words
from bullpend.redaction import redact
from bullpend.runs.recipe import SCHEMA

OWN = "bullpen"
_STEPS = "bullpen.postprocess/"


class PictureText(Protocol):
    """A text of a picture's file, as a worker read it; `problem` is why it could not."""

    keyword: str
    text: str
    problem: str


def read(texts: Sequence[PictureText]) -> Told | None:
    """The recipe that a picture's texts tell: Bullpen's own before InvokeAI's before ComfyUI's graph before the text
    that A1111, SwarmUI and Fooocus write, each in its form. None where nothing tells of its making.

    Raises RecipeInvalid; a text that is damaged is no reason to believe another one in its place.
    """
    known = {one.keyword: one for one in texts}
    order = (OWN, json_forms.INVOKEAI, "prompt", "workflow", a1111.FIELD)
    for keyword in order:
        if keyword in known and known[keyword].problem:
            raise RecipeInvalid(f"`{keyword}` cannot be read: {known[keyword].problem}", field=keyword)
    # A workflow may carry a key of a service; one that the vault knows is kept in clear nowhere.
    content = {keyword: redact(known[keyword].text) for keyword in order if keyword in known}
    if OWN in content:
        recipe = load(content[OWN], OWN)
        # What was done to a picture afterwards does not tell how it was made.
        return None if _is_step(recipe) else own(recipe)
    if json_forms.INVOKEAI in content:
        return json_forms.of_invokeai(load(content[json_forms.INVOKEAI], json_forms.INVOKEAI))
    if "prompt" in content or "workflow" in content:
        return comfyui.read(content)
    text = content.get(a1111.FIELD)
    if text is not None and text.lstrip().startswith("{"):
        return json_forms.of_parameters(load(text, a1111.FIELD))
    return None if text is None else a1111.read(text)


def _is_step(recipe: Any) -> bool:
    """Whether it is of a step of post-process, whose source has the recipe."""
    schema = recipe.get("schema") if isinstance(recipe, dict) else None
    return isinstance(schema, str) and schema.startswith(_STEPS)


def own(recipe: Any) -> Told:
    """A recipe of Bullpen's form. Raises RecipeInvalid naming the field, such as `bullpen.sampling.steps`."""
    if not isinstance(recipe, dict) or recipe.get("schema") != SCHEMA:
        raise RecipeInvalid(f"`{OWN}` is no recipe of the form {SCHEMA}.", field=f"{OWN}.schema")
    sampling, model, method, source = (_part(recipe, name) for name in ("sampling", "model", "method", "source"))
    strength = method.get("strength")

    def size(name: str) -> int | None:
        return whole(sampling[name], f"{OWN}.sampling.{name}", 1 << 20, 1) if name in sampling else None

    def scale(name: str) -> float | None:
        value = sampling.get(name)
        return None if value is None else number(value, f"{OWN}.sampling.{name}")

    seed = recipe.get("seed")
    return Told(
        program=Program.BULLPEN,
        prompt=words(recipe.get("prompt", ""), f"{OWN}.prompt", MOST_PROMPT),
        negative_prompt=words(recipe.get("negative_prompt", ""), f"{OWN}.negative_prompt", MOST_PROMPT),
        seed=None if seed is None else whole(seed, f"{OWN}.seed", SEEDS - 1),
        steps=whole(sampling["steps"], f"{OWN}.sampling.steps", 10_000) if "steps" in sampling else None,
        guidance_scale=scale("guidance_scale"),
        # Of a picture that was made from a text alone it has no meaning.
        image_guidance_scale=scale("image_guidance_scale") if source.get("sha256") else None,
        strength=None if strength is None else number(strength, f"{OWN}.method.strength", 0.0, 1.0),
        width=size("width"),
        height=size("height"),
        model_title=words(model.get("name", ""), f"{OWN}.model.name"),
        model_hash=words(model.get("digest", ""), f"{OWN}.model.digest"),
        loras=_loras(recipe.get("loras", [])),
        others={
            name: value[:200]
            for name in ("stage", "run", "candidate", "bullpen")
            if isinstance(value := recipe.get(name), str) and value
        },
    )


def _part(recipe: dict[str, Any], name: str) -> dict[str, Any]:
    part = recipe.get(name, {})
    if not isinstance(part, dict):
        raise RecipeInvalid(f"`{OWN}.{name}` is no object.", field=f"{OWN}.{name}")
    return part


def _loras(given: Any) -> tuple[UsedLora, ...]:
    if not isinstance(given, list) or len(given) > MOST_LORAS:
        raise RecipeInvalid(f"`{OWN}.loras` is no list of at most {MOST_LORAS}.", field=f"{OWN}.loras")
    found = []
    for index, lora in enumerate(given):
        path = f"{OWN}.loras[{index}]"
        if not isinstance(lora, dict):
            raise RecipeInvalid(f"`{path}` is no object.", field=path)
        acts = number(lora.get("scale", 1.0), f"{path}.scale", -100.0, 100.0)
        title, digest = (words(lora.get(name, ""), f"{path}.{name}") for name in ("name", "digest"))
        found.append(UsedLora(title, acts, digest))
    return tuple(found)
