"""The A1111 `parameters` text of a recipe, and a reader of such texts.

The format is that of `modules/infotext_utils.py` of stable-diffusion-webui: the prompt; a line `Negative prompt: …` if
there is one; a last line of `Name: value` pairs, parted by commas. A value with a comma, a colon or a line break is
written as a JSON string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

NEGATIVE = "Negative prompt:"
# A name has a bound, and no blanks are skipped before it: a stranger's long text takes no more than linear time.
_PAIR = re.compile(r'(\w[\w \-/]{1,79}):\s{0,4}("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
# With fewer pairs a last line is taken for a part of the prompt, as A1111 does.
_LEAST_PAIRS = 3


def parameters_text(recipe: Mapping[str, Any]) -> str:
    """The `parameters` text of a recipe (`Recipe.to_dict`)."""
    sampling, model = recipe["sampling"], recipe["model"]
    pairs: dict[str, object] = {
        "Steps": sampling["steps"],
        # The pipeline's own scheduler is used; its settings belong to the model.
        "Sampler": "model default",
        "CFG scale": _number(sampling["guidance_scale"]),
        "Seed": recipe["seed"],
        "Size": f"{sampling['width']}x{sampling['height']}",
        "Model hash": model["digest"][:10],
        "Model": model["name"].removeprefix("models/"),
        # The names that A1111 gives them; it has the scales in the prompt, which stays as it was given here.
        "Lora hashes": ", ".join(f"{_short(lora['name'])}: {lora['digest'][:12]}" for lora in recipe.get("loras", ())),
        "Lora scales": ", ".join(f"{_short(lora['name'])}: {lora['scale']:g}" for lora in recipe.get("loras", ())),
        # Of a picture that started from another one.
        "Image CFG scale": _number(sampling["image_guidance_scale"]) if recipe["source"]["sha256"] else "",
        "Source hash": recipe["source"]["sha256"][:10],
        "Version": f"bullpen {recipe['bullpen']}",
    }
    lines = [recipe["prompt"]]
    if recipe["negative_prompt"]:
        lines.append(f"{NEGATIVE} {recipe['negative_prompt']}")
    lines.append(", ".join(f"{name}: {_quoted(str(value))}" for name, value in pairs.items() if value != ""))
    return "\n".join(lines)


def parse_parameters(text: str) -> dict[str, str]:
    """`Prompt`, `Negative prompt` and the pairs of a `parameters` text. Never raises: what is no pair is prompt."""
    *lines, last = text.strip().split("\n")
    pairs = _PAIR.findall(last)
    if len(pairs) < _LEAST_PAIRS:
        lines, pairs = [*lines, last], []
    parts: dict[str, list[str]] = {"Prompt": [], "Negative prompt": []}
    into = "Prompt"
    for line in lines:
        stripped = line.strip()
        if stripped.startswith(NEGATIVE):
            into, stripped = "Negative prompt", stripped.removeprefix(NEGATIVE).strip()
        parts[into].append(stripped)
    found = {name: "\n".join(content).strip("\n") for name, content in parts.items()}
    found.update((name, _unquoted(value)) for name, value in pairs)
    return found


def _short(model: str) -> str:
    return model.rsplit("/", 1)[-1]


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(sign in value for sign in ',:\n"') else value


def _unquoted(value: str) -> str:
    if not (value.startswith('"') and value.endswith('"')):
        return value.strip()
    try:
        return str(json.loads(value))
    except ValueError:
        return value


def _number(value: float) -> str:
    return f"{value:g}"
