"""Reads the `parameters` text of A1111 as a recipe.

The form is that of `modules/infotext_utils.py` and `modules/processing.py` (`create_infotext`) of
stable-diffusion-webui; Forge, model sites and others write the same. `runs/infotext.py` takes the text apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bullpend.errors import RecipeInvalid
from bullpend.recipes.model import (
    MOST_LORAS,
    MOST_OTHERS,
    MOST_PROMPT,
    MOST_VALUE,
    SEEDS,
    Program,
    Told,
    UsedLora,
    number,
    whole,
    words,
)
from bullpend.runs.infotext import parse_parameters

FIELD = "parameters"
# `<lora:name:0.8>` and `<lyco:…>` in the words of the prompt; a second number is of the text encoder.
_LORA = re.compile(r"<(?:lora|lyco):([^:<>]+)(?::([^:<>]*))?(?::[^<>]*)?>[ \t]*,?[ \t]*")
_SIZE = re.compile(r"(\d{1,6})\s*[x×]\s*(\d{1,6})")
_HASH = re.compile(r"[0-9a-fA-F]{6,64}")
_UPSCALED = "Hires upscale"
# Pairs that become fields; all others are kept under their names.
_TAKEN = {
    "Prompt", "Negative prompt", "Steps", "Sampler", "Schedule type", "CFG scale", "Image CFG scale", "Seed", "Size",
    "Model", "Model hash", "Denoising strength", "Lora hashes", "Lora scales",
}  # fmt: skip


def read(text: str) -> Told:
    """A recipe of a `parameters` text. Raises RecipeInvalid naming the pair, such as `parameters.Seed`."""
    pairs = parse_parameters(words(text, FIELD, MOST_PROMPT * 2))
    if not {"Steps", "Seed", "Sampler"} & pairs.keys():
        raise RecipeInvalid("The text has no line with steps, sampler and seed, which A1111 ends it with.", field=FIELD)
    size = _size(pairs.get("Size", ""))
    prompt = words(pairs["Prompt"], f"{FIELD}.Prompt", MOST_PROMPT)
    sampler, schedule = pairs.get("Sampler", ""), pairs.get("Schedule type", "")
    # With a second pass the strength is that of this pass, and not of the picture.
    strength = None if _UPSCALED in pairs else _number(pairs, "Denoising strength", 1.0)
    return Told(
        program=Program.A1111,
        prompt=_LORA.sub("", prompt).strip().rstrip(","),
        negative_prompt=words(pairs["Negative prompt"], f"{FIELD}.Negative prompt", MOST_PROMPT),
        seed=_whole(pairs, "Seed", SEEDS - 1),
        sampler=words(sampler, f"{FIELD}.Sampler"),
        scheduler=words(schedule, f"{FIELD}.Schedule type"),
        steps=_whole(pairs, "Steps", 10_000),
        guidance_scale=_number(pairs, "CFG scale"),
        image_guidance_scale=_number(pairs, "Image CFG scale"),
        strength=strength,
        width=size[0] if size else None,
        height=size[1] if size else None,
        model_title=words(pairs.get("Model", ""), f"{FIELD}.Model"),
        model_hash=_hash(pairs.get("Model hash", ""), "Model hash"),
        loras=_loras(prompt, pairs),
        others=_others(pairs),
    )


def _whole(pairs: Mapping[str, str], name: str, most: int) -> int | None:
    return whole(pairs[name], f"{FIELD}.{name}", most) if name in pairs else None


def _number(pairs: Mapping[str, str], name: str, most: float = 1000.0) -> float | None:
    return number(pairs[name], f"{FIELD}.{name}", 0.0, most) if name in pairs else None


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise RecipeInvalid(f"`{FIELD}.Size` is {text[:60]!r}, not a size such as 512x768.", field=f"{FIELD}.Size")
    return int(found[1]), int(found[2])


def _hash(text: str, name: str) -> str:
    """A hash of hexadecimal digits. Raises RecipeInvalid."""
    if text and not _HASH.fullmatch(text.strip()):
        raise RecipeInvalid(f"`{FIELD}.{name}` is {text[:60]!r}, which is no hash.", field=f"{FIELD}.{name}")
    return text.strip().lower()


def _loras(prompt: str, pairs: Mapping[str, str]) -> tuple[UsedLora, ...]:
    """LoRAs of the prompt's tags, with the hashes of the last line; then those that only the last line names."""
    hashes, scales = _listed(pairs, "Lora hashes"), _listed(pairs, "Lora scales")
    found: dict[str, UsedLora] = {}
    for title, scale in _LORA.findall(prompt):
        field = f"{FIELD}.Prompt.<lora:{title[:40]}>"
        acts = number(scale, field, -100.0, 100.0) if scale.strip() else 1.0
        found.setdefault(title.strip(), UsedLora(title.strip(), acts, hashes.get(title.strip(), "")))
    for title, digest in hashes.items():
        told = number(scales.get(title, "1"), f"{FIELD}.Lora scales", -100.0, 100.0)
        found.setdefault(title, UsedLora(title, told, digest))
    if len(found) > MOST_LORAS:
        raise RecipeInvalid(f"{len(found)} LoRAs are named; at most {MOST_LORAS} are read.", field=f"{FIELD}.Prompt")
    return tuple(found.values())


def _listed(pairs: Mapping[str, str], name: str) -> dict[str, str]:
    """The pairs of a value such as `mara: 8f3a…, ink: 77b0…`. Raises RecipeInvalid."""
    listed = {}
    for part in filter(None, (one.strip() for one in pairs.get(name, "").split(","))):
        title, colon, value = part.rpartition(":")
        if not colon or not title.strip():
            raise RecipeInvalid(f"`{FIELD}.{name}` has {part[:60]!r}, not a name and a value.", field=f"{FIELD}.{name}")
        listed[title.strip()] = value.strip()
    return listed


def _others(pairs: Mapping[str, str]) -> dict[str, str]:
    rest = [(name, value) for name, value in pairs.items() if name not in _TAKEN and len(value) <= MOST_VALUE]
    return dict(rest[:MOST_OTHERS])
