"""Reads recipes that other programs write as one JSON object: SwarmUI and Fooocus under `parameters`, InvokeAI under
`invokeai_metadata`.

Fields by the programs' own sources: SwarmUI `T2IParamInput.GenMetadataObject` (`sui_image_params`), Fooocus
`modules/meta_parser.py` (`FooocusMetadataParser`), InvokeAI `invokeai/app/invocations/metadata.py` (`core_metadata`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bullpend.errors import RecipeInvalid
from bullpend.recipes.model import MOST_LORAS, MOST_PROMPT, SEEDS, Program, Told, UsedLora, number, whole, words

INVOKEAI = "invokeai_metadata"
PARAMETERS = "parameters"
SWARMUI = "sui_image_params"
_RESOLUTION = re.compile(r"\(?\s*(\d{1,6})\s*[,x×]\s*(\d{1,6})\s*\)?")


@dataclass(frozen=True, slots=True)
class _Names:
    """Where a program keeps what all of them tell; "" for what it does not."""

    program: Program
    negative: str
    guidance: str
    sampler: str
    model: str
    prompt: str = "prompt"
    scheduler: str = "scheduler"
    strength: str = ""
    hash: str = ""


_SWARMUI = _Names(Program.SWARMUI, "negativeprompt", "cfgscale", "sampler", "model", strength="initimagecreativity")
_FOOOCUS = _Names(Program.FOOOCUS, "negative_prompt", "guidance_scale", "sampler", "base_model", hash="base_model_hash")
_INVOKEAI = _Names(
    Program.INVOKEAI, "negative_prompt", "cfg_scale", "", "model", "positive_prompt", strength="strength"
)


def of_parameters(content: Any) -> Told:
    """A recipe of SwarmUI or Fooocus. Raises RecipeInvalid naming the field, such as `parameters.seed`."""
    if not isinstance(content, dict):
        raise RecipeInvalid("`parameters` is JSON, and no object.", field=PARAMETERS)
    if SWARMUI in content:
        path = f"{PARAMETERS}.{SWARMUI}"
        inner = content[SWARMUI]
        if not isinstance(inner, dict):
            raise RecipeInvalid(f"`{path}` is no object.", field=path)
        titles, scales = (_list(inner.get(name), f"{path}.{name}") for name in ("loras", "loraweights"))
        pairs = [[title, scales[index] if index < len(scales) else 1.0] for index, title in enumerate(titles)]
        return _read(inner, _SWARMUI, path, pairs)
    if "base_model" not in content:
        raise RecipeInvalid("`parameters` is JSON that is neither SwarmUI's nor Fooocus'.", field=PARAMETERS)
    return _read(content, _FOOOCUS, PARAMETERS, _list(content.get("loras"), f"{PARAMETERS}.loras"))


def of_invokeai(content: Any) -> Told:
    """A recipe of InvokeAI. Raises RecipeInvalid naming the field, such as `invokeai_metadata.seed`."""
    if not isinstance(content, dict):
        raise RecipeInvalid(f"`{INVOKEAI}` is no object.", field=INVOKEAI)
    loras = []
    for index, lora in enumerate(_list(content.get("loras"), f"{INVOKEAI}.loras")):
        path = f"{INVOKEAI}.loras[{index}]"
        if not isinstance(lora, dict):
            raise RecipeInvalid(f"`{path}` is no object.", field=path)
        loras.append([_name(lora.get("model", lora.get("lora")), path), lora.get("weight", 1.0)])
    model = _name(content.get("model"), f"{INVOKEAI}.model")
    return _read({**content, "model": model}, _INVOKEAI, INVOKEAI, loras)


def _read(content: Mapping[str, Any], names: _Names, path: str, loras: list[Any]) -> Told:
    def text(name: str, most: int = 2000) -> str:
        value = content.get(name) if name else None
        return "" if value is None else words(value, f"{path}.{name}", most)

    def scale(name: str, most: float = 1000.0) -> float | None:
        value = content.get(name) if name else None
        return None if value is None else number(value, f"{path}.{name}", 0.0, most)

    def count(name: str, most: int) -> int | None:
        value = content.get(name)
        return None if value is None else whole(value, f"{path}.{name}", most)

    if not {"seed", "steps"} & content.keys():
        raise RecipeInvalid(f"`{path}` has neither seed nor steps.", field=path)
    width, height = count("width", 1 << 20), count("height", 1 << 20)
    if names.program is Program.FOOOCUS and content.get("resolution") is not None:
        found = _RESOLUTION.fullmatch(text("resolution").strip())
        if found is None:
            raise RecipeInvalid(f"`{path}.resolution` is no size.", field=f"{path}.resolution")
        width, height = int(found[1]), int(found[2])
    return Told(
        program=names.program,
        prompt=text(names.prompt, MOST_PROMPT),
        negative_prompt=text(names.negative, MOST_PROMPT),
        seed=count("seed", SEEDS - 1),
        sampler=text(names.sampler),
        scheduler=text(names.scheduler),
        steps=count("steps", 10_000),
        guidance_scale=scale(names.guidance),
        strength=scale(names.strength, 1.0),
        width=width or None,
        height=height or None,
        model_title=text(names.model),
        model_hash=text(names.hash),
        loras=tuple(_lora(one, f"{path}.loras[{index}]") for index, one in enumerate(loras)),
    )


def _lora(given: Any, path: str) -> UsedLora:
    """Name, scale and, where it is told, hash, in this order."""
    if not isinstance(given, list) or len(given) < 2:
        raise RecipeInvalid(f"`{path}` is no LoRA.", field=path)
    digest = words(given[2], path) if len(given) > 2 and given[2] is not None else ""
    return UsedLora(words(given[0], path), number(given[1], path, -100.0, 100.0), digest)


def _name(model: Any, path: str) -> str:
    """The name of a model; later versions call it `name`, earlier ones `model_name`."""
    if model is None:
        return ""
    found = model.get("name", model.get("model_name")) if isinstance(model, dict) else None
    return words(found, f"{path}.name")


def _list(value: Any, path: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_LORAS:
        raise RecipeInvalid(f"`{path}` is no list of at most {MOST_LORAS}.", field=path)
    return value
