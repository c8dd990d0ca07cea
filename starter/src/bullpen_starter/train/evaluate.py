"""Evaluation on unseen layouts, by a separate classifier and by PSNR, through the stock pipeline alone.

Prints and stores (`metrics.json`): the share of right edits per stage at several step counts, a control with swapped
instructions, the ceiling (truth through the codec), the chain of all four stages, and the variety between seeds.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionInstructPix2PixPipeline
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bullpen_starter.captions import STAGES, Edit, instruction
from bullpen_starter.render import STYLES, TIMES, WEATHERS, Character, PanelSpec, Variation, render
from bullpen_starter.train import classifier, data, edit, unet
from bullpen_starter.train.export import DEFAULTS, pipeline
from bullpen_starter.train.say import say
from bullpen_starter.train.vae import CHANNELS, psnr, to_tensor

# Edits of a layout that count, with the name of the column; order as in `data.chain`.
Panels = NDArray[np.uint8]
KINDS = {0: "sketch to style", 1: "sketch to style", 2: "style", 3: "style", 4: "time", 5: "time"}
KINDS |= {7: "weather", 8: "weather", 9: "characters", 10: "characters", 11: "characters"}
COLUMNS = ["sketch to style", "style", "time", "weather", "characters"]


def _images(panels: Panels) -> list[Image.Image]:
    return [Image.fromarray(panel) for panel in panels]


def run(
    pipe: StableDiffusionInstructPix2PixPipeline,
    sources: list[Image.Image],
    texts: list[str],
    steps: int,
    seeds: list[int],
    guidance: float = 1.0,
    latents: Tensor | None = None,
) -> Panels:
    """The pipeline on many panels, 12 at a time; uint8 (n, 128, 128, 3)."""
    out = []
    for start in range(0, len(sources), 12):
        part = slice(start, start + 12)
        result = pipe(
            texts[part],
            image=sources[part],
            num_inference_steps=steps,
            guidance_scale=guidance,
            image_guidance_scale=1.0,
            generator=[torch.Generator().manual_seed(seed) for seed in seeds[part]],
            latents=None if latents is None else latents[part],
        )
        out += [np.asarray(image) for image in result.images]
    return np.stack(out)


def _right(found: dict[str, Tensor], index: int, asked: Edit) -> bool:
    words = classifier.HEADS
    if isinstance(asked.value, Character):
        return all(
            words[name][int(found[name][index])] == getattr(asked.value, name) for name in ("place", "hair", "colour")
        )
    return bool(words[asked.stage][int(found[asked.stage][index])] == asked.value)


def _row(
    model: classifier.Judge, pictures: Panels, truth: Panels, pairs: list[tuple[str, data.Pair]]
) -> dict[str, float]:
    found = classifier.judge(model, to_tensor(pictures, "cpu"))
    row: dict[str, float] = {}
    for column in COLUMNS:
        marks = [_right(found, i, pair.edit) for i, (kind, pair) in enumerate(pairs) if kind == column]
        row[column] = sum(marks) / len(marks)
    row["psnr"] = psnr(to_tensor(pictures, "cpu"), to_tensor(truth, "cpu"))
    return row


def _swapped(pairs: list[tuple[str, data.Pair]]) -> list[str]:
    """For each pair another value of the same stage."""
    texts = []
    for number, (_, pair) in enumerate(pairs):
        value = pair.edit.value
        if isinstance(value, Character):
            others = [p.edit for k, p in pairs if k == "characters" and p.edit.value.place != value.place]  # type: ignore[union-attr]
            texts.append(instruction(others[number % len(others)]))
        else:
            words = [word for word in classifier.HEADS[pair.edit.stage] if word not in (value, "sketch")]
            texts.append(instruction(Edit(pair.edit.stage, words[number % len(words)])))
    return texts


def variety(pipe: StableDiffusionInstructPix2PixPipeline, steps: int) -> dict[str, dict[str, float]]:
    """Mean absolute difference between seeds, of the model and of renders whose seed is free in the same way."""
    out: dict[str, dict[str, float]] = {}
    for stage in STAGES:
        ours, theirs = [], []
        for number in range(6):
            specs, pairs = data.chain(data.UNSEEN + number)
            pair = pairs[{"style": 0, "time": 4, "weather": 7, "characters": 10}[stage]]
            source, target = specs[pair.source], specs[pair.target]
            picture = render(source).picture
            made = run(pipe, [picture] * 4, [instruction(pair.edit)] * 4, steps, [11, 12, 13, 14]).astype(float)
            ours += [np.abs(made[i] - made[j]).mean() for i in range(4) for j in range(i)]
            drawn = [np.asarray(render(_reseeded(target, stage, seed)).picture, dtype=float) for seed in range(4)]
            theirs += [np.abs(drawn[i] - drawn[j]).mean() for i in range(4) for j in range(i)]
        out[stage] = {"model": float(np.mean(ours)), "renders": float(np.mean(theirs))}
    return out


def _reseeded(spec: PanelSpec, stage: str, seed: int) -> PanelSpec:
    old = spec.variation
    new = {
        "style": Variation(seed, seed, old.drops, old.pose),
        "time": Variation(old.colours, seed, old.drops, old.pose),
        "weather": Variation(old.colours, old.sky, seed, old.pose),
        "characters": Variation(old.colours, old.sky, old.drops, seed),
    }[stage]
    return PanelSpec(spec.scene, spec.layout, spec.style, spec.time, spec.weather, spec.characters, new)


def chained(
    pipe: StableDiffusionInstructPix2PixPipeline, model: classifier.Judge, steps: int
) -> tuple[dict[str, float], list[Panels]]:
    """Sketch, style, time, weather, hero: each stage on the model's own picture; attributes judged at the end."""
    heroes = [data.chain(data.UNSEEN + n)[1][9].edit.value for n in range(48)]
    asks = [
        [Edit("style", STYLES[n % 4]) for n in range(48)],
        [Edit("time", TIMES[(n // 4) % 4]) for n in range(48)],
        [Edit("weather", WEATHERS[(n // 2 + n) % 4]) for n in range(48)],
        [Edit("characters", hero) for hero in heroes],
    ]
    specs = [data.chain(data.UNSEEN + n)[0][0] for n in range(48)]
    stages = [np.stack([np.asarray(render(spec).picture) for spec in specs])]
    for number, edits in enumerate(asks):
        texts = [instruction(ask) for ask in edits]
        stages.append(run(pipe, _images(stages[-1]), texts, steps, [100 * number + n for n in range(48)]))
    found = classifier.judge(model, to_tensor(stages[-1], "cpu"))
    scores = {edits[0].stage: float(np.mean([_right(found, i, ask) for i, ask in enumerate(edits)])) for edits in asks}
    return scores, stages


def _parts(found: dict[str, Tensor], pairs: list[tuple[str, data.Pair]]) -> dict[str, float]:
    """Share of right heroes, attribute by attribute."""
    heroes = [(i, pair.edit.value) for i, (kind, pair) in enumerate(pairs) if kind == "characters"]
    names = ("place", "hair", "colour", "build", "outfit")
    return {
        name: float(np.mean([classifier.HEADS[name][int(found[name][i])] == getattr(hero, name) for i, hero in heroes]))
        for name in names
    }


def _told(pairs: list[tuple[str, data.Pair]]) -> Tensor:
    """Noise that tells the variation of the truth, so that PSNR compares like with like."""
    generator = torch.Generator().manual_seed(9)
    shape = (CHANNELS, unet.LATENT, unet.LATENT)
    return torch.stack([edit.coded_noise(pair.seed, torch.randn(shape, generator=generator)) for _, pair in pairs])


def _through_codec(pipe: StableDiffusionInstructPix2PixPipeline, truth: Panels) -> Panels:
    with torch.no_grad():
        parts = torch.split(to_tensor(truth, "cpu"), 16)
        out = torch.cat([pipe.vae.decode(pipe.vae.encode(part).latent_dist.mean).sample for part in parts])
    return np.asarray(((out.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1))


def evaluate(cache: Path, stride: int = 2) -> dict[str, Any]:
    """Measure on every `stride`-th unseen layout, print, and write `metrics.json` under `cache`."""
    pipe = pipeline(cache)
    pipe.set_progress_bar_config(disable=True)
    model = classifier.load(cache, "cpu")
    panels, _, everything = data.load(cache, "unseen")
    count, default = len(edit.WEIGHTS), DEFAULTS["default_steps"]
    pairs = [
        (KINDS[i % count], pair)
        for i, pair in enumerate(everything)
        if i % count in KINDS and (i // count) % stride == 0
    ]
    sources = np.stack([panels[pair.source] for _, pair in pairs])
    truth = np.stack([panels[pair.target] for _, pair in pairs])
    texts, seeds = [instruction(pair.edit) for _, pair in pairs], list(range(len(pairs)))
    table = {"unedited": _row(model, sources, truth, pairs)}
    made = {steps: run(pipe, _images(sources), texts, steps, seeds) for steps in sorted({1, 4, 8, default})}
    for steps, pictures in made.items():
        table[f"{steps} step" + ("s" if steps > 1 else "")] = _row(model, pictures, truth, pairs)
    told = run(pipe, _images(sources), texts, default, seeds, latents=_told(pairs))
    table[f"{default} steps, noise of the truth"] = _row(model, told, truth, pairs)
    swapped = run(pipe, _images(sources), _swapped(pairs), default, seeds)
    table[f"{default} steps, swapped instruction"] = _row(model, swapped, truth, pairs)
    few = list(range(0, len(pairs), 4))
    guided = run(pipe, _images(sources[few]), [texts[i] for i in few], default, few, guidance=1.5)
    table[f"{default} steps, guidance 1.5 (a quarter)"] = _row(model, guided, truth[few], [pairs[i] for i in few])
    table["truth through the codec"] = _row(model, _through_codec(pipe, truth), truth, pairs)
    metrics = {
        "columns": COLUMNS,
        "layouts": len(pairs) // len(KINDS),
        "table": table,
        "parts": _parts(classifier.judge(model, to_tensor(made[default], "cpu")), pairs),
        "chain": chained(pipe, model, default)[0],
        "variety": variety(pipe, default),
    }
    for name, row in table.items():
        say(f"{name:36}", {key: round(value, 3) for key, value in row.items()})
    say("parts", metrics["parts"], "\nchain", metrics["chain"], "\nvariety", metrics["variety"])
    (cache / "metrics.json").write_text(json.dumps(metrics, indent=2))
    return metrics
