"""Whether LoRAs may act on a model, and what is kept of them. Pure functions.

A LoRA is a difference to the weights of one model, so it fits that model only; a scale says how much of it is added.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from bullpend.errors import FieldInvalid, LimitExceeded, LoraUnsupportedEngine, ModelUnsupported
from bullpend.models.model import LORA, Model
from bullpend.models.rules import fits, require
from bullpend.runs.model import Lora, LoraUse

MOST = 8
SCALE = (-2.0, 2.0)


def check(uses: Sequence[LoraUse]) -> None:
    """What can be refused before the models are looked at. Raises FieldInvalid or LimitExceeded."""
    if len(uses) > MOST:
        raise LimitExceeded(
            f"{len(uses)} LoRAs are asked for, and at most {MOST} may act at once.",
            field="loras",
            remedy=f"Give {MOST} at most.",
            limit=MOST,
        )
    for index, use in enumerate(uses):
        if not use.model:
            raise FieldInvalid(
                "A LoRA has no name.",
                field=f"loras[{index}].model",
                remedy="See `bullpen models list --capability lora`.",
            )
        # Written so that a value that is no number fails too.
        if not SCALE[0] <= use.scale <= SCALE[1]:
            raise FieldInvalid(
                f"The scale {use.scale:g} of {use.model} is out of its bounds.",
                field=f"loras[{index}].scale",
                remedy=f"Give {SCALE[0]:g} to {SCALE[1]:g}; 1 is what the LoRA was trained for, 0 leaves it out.",
            )


def resolve(uses: Sequence[LoraUse], models: Sequence[Model], base: Model) -> tuple[Lora, ...]:
    """The LoRAs as they will act on `base`; `models` are those that `uses` name, in the same order.

    Raises what `check` raises, ModelCorrupt, ModelUnsafe, ModelUnsupported, LoraUnsupportedEngine.
    """
    check(uses)
    found: dict[str, Lora] = {}
    for index, (use, model) in enumerate(zip(uses, models, strict=True)):
        field = f"loras[{index}].model"
        require(model, LORA, field)
        if base.engine != "torch":
            raise LoraUnsupportedEngine(
                f"{base.name} runs on the engine {base.engine}, which takes no LoRA.", field=field, model=base.name
            )
        if not fits(model, base):
            raise ModelUnsupported(
                f"The LoRA {model.name} was made for {model.base_model}, and does not fit {base.name}.",
                field=field,
                remedy=f"Leave it out, or choose the model {model.base_model}.",
                model=model.name,
                base_model=model.base_model,
            )
        if model.name in found:
            raise FieldInvalid(
                f"The LoRA {model.name} is given twice.", field=field, remedy="Give it once, with one scale."
            )
        found[model.name] = Lora(model.name, model.digest, use.scale)
    return tuple(found.values())


def to_json(loras: Sequence[Lora]) -> str:
    """As the database keeps them."""
    return json.dumps([lora.to_dict() for lora in loras])


@lru_cache(maxsize=256)
def from_json(text: str) -> tuple[Lora, ...]:
    """The reverse of `to_json`."""
    return tuple(Lora(**lora) for lora in json.loads(text))
