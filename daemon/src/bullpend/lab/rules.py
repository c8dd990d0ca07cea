"""Decisions of the lab: what a request for single pictures becomes. Pure functions, no I/O, no clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from bullpend.errors import FieldInvalid, LimitExceeded, ModelNotFound
from bullpend.models.model import TEXT_TO_IMAGE, Model, ModelState
from bullpend.models.rules import require
from bullpend.rpc import names
from bullpend.runs import loras
from bullpend.runs.manifest import StageDefaults
from bullpend.runs.model import Lora, LoraUse, Sampling, SamplingRequest
from bullpend.runs.plan import DeviceFacts
from bullpend.runs.recipe import Recipe
from bullpend.runs.rules import SEED_LIMIT, first_device, sampling_for

MOST_CHARACTERS = 4000
# How the names of the embedded models begin.
EMBEDDED = "models/starter-"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for: a picture of a text. `count` 0 means one; `seed` None takes the content's own."""

    prompt: str
    negative_prompt: str = ""
    model: str = ""
    sampling: SamplingRequest = field(default_factory=SamplingRequest)
    seed: int | None = None
    count: int = 0
    loras: tuple[LoraUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Sitting:
    """What will be made: one picture for each seed."""

    prompt: str
    negative_prompt: str
    model: Model
    sampling: Sampling
    seeds: tuple[int, ...]
    loras: tuple[Lora, ...]

    def recipe(self, seed: int, engine: str, device_kind: str, versions: dict[str, str]) -> Recipe:
        """Everything that decides the picture of a seed. It has no run and no source."""
        return Recipe(
            project="",
            run="",
            job="",
            candidate="",
            stage="",
            model=self.model.name,
            model_digest=self.model.digest,
            family=self.model.family,
            engine=engine,
            device_kind=device_kind,
            versions=versions,
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            seed=seed,
            sampling=self.sampling,
            source_sha256="",
            loras=self.loras,
        )


def check(wish: Wish, most: int) -> None:
    """What can be refused before any model is looked at. `most` is how many pictures may be made at once.

    Raises FieldInvalid, LimitExceeded.
    """
    names.text(wish.prompt, "prompt", MOST_CHARACTERS, required=True)
    names.text(wish.negative_prompt, "negative_prompt", MOST_CHARACTERS)
    if wish.count < 0:
        raise FieldInvalid(f"{wish.count} pictures cannot be made.", field="count", remedy=f"Give 1 to {most}.")
    if wish.count > most:
        raise LimitExceeded(
            f"{wish.count} pictures are asked for, and at most {most} are made at once.",
            field="count",
            remedy=f"Give 1 to {most}, or raise candidate_cap in settings/manifest.json.",
            limit=most,
        )
    if wish.seed is not None and not 0 <= wish.seed < SEED_LIMIT:
        raise FieldInvalid(
            f"The seed {wish.seed} is out of its bounds.", field="seed", remedy=f"Give 0 to {SEED_LIMIT - 1}."
        )
    loras.check(wish.loras)


def default_models(models: Sequence[Model]) -> tuple[str, ...]:
    """The models that are tried where none is named: those that are ready and run here, by name.

    The embedded ones come last: who has installed another has done so to use it. Raises ModelNotFound.
    """
    local = (model.name for model in models if TEXT_TO_IMAGE in model.capabilities and model.engine != "remote")
    able = sorted(local, key=lambda name: (name.startswith(EMBEDDED), name))
    ready = {model.name for model in models if model.state is ModelState.READY}
    found = tuple(name for name in able if name in ready)
    if not found:
        raise ModelNotFound(
            "No installed model can make a picture from a text."
            + (f" {able[0]} could, but is not ready." if able else ""),
            field="model",
            remedy="Install one, such as the starter's: pip install 'bullpen[starter]'; `bullpen doctor` says more.",
        )
    return found


def plan(wish: Wish, model: Model, used: Sequence[Model], devices: Sequence[DeviceFacts], most: int) -> Sitting:
    """What will be made; `used` are the models of the wish's LoRAs, in its order.

    Raises FieldInvalid, LimitExceeded, ModelCorrupt, ModelUnsafe, ModelUnsupported, LoraUnsupportedEngine,
    DeviceUnavailable.
    """
    check(wish, most)
    require(model, TEXT_TO_IMAGE)
    acting = loras.resolve(wish.loras, used, model)
    if model.engine != "remote":
        first_device(devices)
    # Without a picture to start from there is nothing that it could guide by.
    asked = replace(wish.sampling, image_guidance_scale=None)
    sampling = sampling_for(asked, StageDefaults(), model)
    first = _seed(wish, model, sampling, acting) if wish.seed is None else wish.seed
    return Sitting(
        prompt=wish.prompt,
        negative_prompt=wish.negative_prompt,
        model=model,
        sampling=sampling,
        seeds=tuple((first + number) % SEED_LIMIT for number in range(wish.count or 1)),
        loras=acting,
    )


def _seed(wish: Wish, model: Model, sampling: Sampling, acting: Sequence[Lora]) -> int:
    """A seed that follows from the content: the same wish gives the same pictures."""
    content = [wish.prompt, wish.negative_prompt, model.digest, asdict(sampling), [lora.to_dict() for lora in acting]]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
