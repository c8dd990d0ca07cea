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
from PIL import Image
from torch import Tensor

from bullpen_starter.captions import STAGES, Edit, instruction
from bullpen_starter.render import PLACES, STYLES, TIMES, WEATHERS, Character, PanelSpec, Variation, render
from bullpen_starter.train import classifier, data, edit
from bullpen_starter.train.export import DEFAULTS, pipeline
from bullpen_starter.train.say import say
from bullpen_starter.train.vae import psnr, to_tensor

# Edits of a layout that count, with the name of the column; order as in `data.chain`.
KINDS = {0: "sketch to style", 1: "sketch to style", 2: "style", 3: "style", 4: "time", 5: "time"}
KINDS |= {7: "weather", 8: "weather", 9: "characters", 10: "characters", 11: "characters"}
COLUMNS = ["sketch to style", "style", "time", "weather", "characters"]


def _images(panels: np.ndarray) -> list[Image.Image]:
    return [Image.fromarray(panel) for panel in panels]


def run(
    pipe: StableDiffusionInstructPix2PixPipeline,
    sources: list[Image.Image],
    texts: list[str],
    steps: int,
    seeds: list[int],
    guidance: float = 1.0,
) -> np.ndarray:
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
    model: classifier.Judge, pictures: np.ndarray, truth: np.ndarray, pairs: list[tuple[str, data.Pair]]
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
) -> tuple[dict[str, float], list[np.ndarray]]:
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


def evaluate(
    cache: Path, pipe: StableDiffusionInstructPix2PixPipeline | None = None, full: bool = True
) -> dict[str, Any]:
    """Measure, print, and write `metrics.json` under `cache`."""
    pipe = pipe or pipeline(cache)
    pipe.set_progress_bar_config(disable=True)
    model = classifier.load(cache, "cpu")
    panels, _, everything = data.load(cache, "unseen")
    count = len(edit.WEIGHTS)
    stride = 1 if full else 3
    pairs = [
        (KINDS[i % count], pair)
        for i, pair in enumerate(everything)
        if i % count in KINDS and (i // count) % stride == 0
    ]
    sources = np.stack([panels[pair.source] for _, pair in pairs])
    truth = np.stack([panels[pair.target] for _, pair in pairs])
    texts, seeds = [instruction(pair.edit) for _, pair in pairs], list(range(len(pairs)))
    default = DEFAULTS["default_steps"]
    table: dict[str, dict[str, float]] = {"unedited": _row(model, sources, truth, pairs)}
    for steps in sorted({1, 4, 8, default}):
        made = run(pipe, _images(sources), texts, steps, seeds)
        table[f"{steps} step" + ("s" if steps > 1 else "")] = _row(model, made, truth, pairs)
        say(steps, table[f"{steps} step" + ("s" if steps > 1 else "")])
        if steps == default:
            found = classifier.judge(model, to_tensor(made, "cpu"))
            heroes = [(i, pair.edit.value) for i, (kind, pair) in enumerate(pairs) if kind == "characters"]
            parts = {
                name: float(np.mean([words[int(found[name][i])] == getattr(hero, name) for i, hero in heroes]))
                for name, words in classifier.HEADS.items()
                if name in ("place", "hair", "colour", "build", "outfit")
            }
    table["swapped"] = _row(model, run(pipe, _images(sources), _swapped(pairs), default, seeds), truth, pairs)
    if full:
        table[f"{default} steps, guidance 1.5"] = _row(
            model, run(pipe, _images(sources), texts, default, seeds, 1.5), truth, pairs
        )
    with torch.no_grad():
        codec = [
            pipe.vae.decode(pipe.vae.encode(part).latent_dist.mean).sample for part in to_tensor(truth, "cpu").split(16)
        ]
    through = ((torch.cat(codec).clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    table["truth through the codec"] = _row(model, through, truth, pairs)
    chain, _ = chained(pipe, model, default)
    metrics = {"columns": COLUMNS, "table": table, "parts": parts, "chain": chain, "variety": variety(pipe, default)}
    for name, row in table.items():
        say(f"{name:26}", {k: round(v, 3) for k, v in row.items()})
    say("parts", parts, "\nchain", chain, "\nvariety", metrics["variety"])
    (cache / "metrics.json").write_text(json.dumps(metrics, indent=2))
    return metrics


__all__ = ["COLUMNS", "PLACES", "chained", "evaluate", "run", "variety"]
