"""What a picture's file tells of its making, in the terms that all programs share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bullpend.errors import RecipeInvalid

# Characters of a prompt, a name or a value that are kept.
MOST_PROMPT = 100_000
MOST_VALUE = 2_000
MOST_OTHERS = 200
MOST_LORAS = 64
# ComfyUI draws seeds of 64 bits.
SEEDS = 1 << 64


class Program(StrEnum):
    """Who wrote it; the names are those of bullpen.v1.PictureRecipe.Program."""

    BULLPEN = "BULLPEN"
    A1111 = "A1111"
    COMFYUI = "COMFYUI"
    INVOKEAI = "INVOKEAI"
    SWARMUI = "SWARMUI"
    FOOOCUS = "FOOOCUS"


@dataclass(frozen=True, slots=True)
class UsedLora:
    """A LoRA that acted, by the name and the beginning of the hash that are told."""

    title: str
    scale: float = 1.0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A recipe as it is told; None and "" for what is not. `strength` is what others call denoise, 0–1."""

    program: Program
    prompt: str = ""
    negative_prompt: str = ""
    seed: int | None = None
    sampler: str = ""
    scheduler: str = ""
    steps: int | None = None
    guidance_scale: float | None = None
    image_guidance_scale: float | None = None
    strength: float | None = None
    width: int | None = None
    height: int | None = None
    model_title: str = ""
    model_hash: str = ""
    loras: tuple[UsedLora, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def from_dict(content: Mapping[str, Any]) -> Told:
    """The reverse of `to_dict`."""
    known = dict(content)
    loras = tuple(UsedLora(**lora) for lora in known.pop("loras"))
    return Told(**known | {"program": Program(known["program"]), "loras": loras})


def whole(value: object, field: str, most: int, least: int = 0) -> int:
    """A whole number of a recipe. Raises RecipeInvalid."""
    try:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError
        number = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        raise RecipeInvalid(f"`{field}` is {_short(value)}, which is no whole number.", field=field) from None
    if not least <= number <= most:
        raise RecipeInvalid(f"`{field}` is {_short(number)}; it must be {least} to {most}.", field=field)
    return int(number)


def number(value: object, field: str, least: float = 0.0, most: float = 1000.0) -> float:
    """A number of a recipe. Raises RecipeInvalid."""
    try:
        if isinstance(value, bool):
            raise ValueError
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise RecipeInvalid(f"`{field}` is {_short(value)}, which is no number.", field=field) from None
    if not (math.isfinite(found) and least <= found <= most):
        raise RecipeInvalid(f"`{field}` is {_short(value)}; it must be {least:g} to {most:g}.", field=field)
    return found


def words(value: object, field: str, most: int = MOST_VALUE) -> str:
    """A text of a recipe. Raises RecipeInvalid."""
    if not isinstance(value, str):
        raise RecipeInvalid(f"`{field}` is {_short(value)}, which is no text.", field=field)
    if len(value) > most:
        raise RecipeInvalid(f"`{field}` has {len(value)} characters; at most {most} are read.", field=field)
    return value


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return "a number of very many digits"
    return text if len(text) <= 60 else f"{text[:57]}…"
