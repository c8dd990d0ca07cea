"""The figures of the edit model: layouts, seeds and phrasings it was never trained on, through the stock pipeline.

`measure` prints a table of figures beside their targets and stores it (`metrics.json`). Attributes are judged by the
tagger, which has only ever seen true renders. Where the answer leaves something open, the noise of the truth is given,
so that pixels compare like with like; everything else uses the noise of plain seeds.
"""

import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionInstructPix2PixPipeline
from PIL import Image
from torch import Tensor

from bullpen_starter.captions import STAGES, Cast, Edit, free, unheard
from bullpen_starter.render import PanelSpec, Variation, render
from bullpen_starter.render.spec import STYLES, TIMES, WEATHERS
from bullpen_starter.train import data, tagger, unet
from bullpen_starter.train.examples import coded_noise
from bullpen_starter.train.export import DEFAULTS, pipeline
from bullpen_starter.train.fidelity import Masks, Panels, boxes, edge_f1, psnr, variation
from bullpen_starter.train.say import say
from bullpen_starter.train.vae import CHANNELS, to_tensor

KINDS = ("sketch", "style", "time", "weather", "characters")
KNOWN_BY = ("build", "hair", "colour")


@dataclass(frozen=True, slots=True)
class Asked:
    """Edits with their sources and exact answers."""

    pairs: list[data.Pair]
    specs: list[tuple[PanelSpec, PanelSpec]]
    sources: Panels
    truth: Panels

    @property
    def texts(self) -> list[str]:
        """Instructions in phrasings that were never trained on."""
        return [unheard(pair.edit, number) for number, pair in enumerate(self.pairs)]

    def where(self, kind: str) -> list[int]:
        """Numbers of the edits of a kind."""
        return [number for number, pair in enumerate(self.pairs) if pair.kind == kind]


def asked(cache: Path, split: str, layouts: int) -> Asked:
    """The edits that count, of the first `layouts` layouts of a split."""
    panels, specs, pairs = data.load(cache, split)
    chosen = [pair for pair in pairs if pair.kind in KINDS and pair.target < layouts * data.PER_LAYOUT]
    return Asked(
        chosen,
        [(specs[pair.source], specs[pair.target]) for pair in chosen],
        np.stack([panels[pair.source] for pair in chosen]),
        np.stack([panels[pair.target] for pair in chosen]),
    )


def run(
    pipe: StableDiffusionInstructPix2PixPipeline,
    sources: Panels,
    texts: Sequence[str],
    steps: int,
    seeds: Sequence[int],
    latents: Tensor | None = None,
) -> Panels:
    """The pipeline on many panels, 16 at a time; uint8 (n, 128, 128, 3)."""
    out = []
    for start in range(0, len(sources), 16):
        part = slice(start, start + 16)
        result = pipe(
            list(texts[part]),
            image=[Image.fromarray(panel) for panel in sources[part]],
            num_inference_steps=steps,
            guidance_scale=1.0,
            image_guidance_scale=1.0,
            generator=[torch.Generator().manual_seed(seed) for seed in seeds[part]],
            latents=None if latents is None else latents[part],
        )
        out += [np.asarray(image) for image in result.images]
    return np.stack(out)


def right(found: dict[str, Tensor], number: int, ask: Edit, parts: Sequence[str] = KNOWN_BY) -> bool:
    """Whether the judge sees what was asked for; of characters `parts`, each at its own place."""
    if isinstance(ask.value, str):
        return bool(tagger.HEADS[ask.stage][int(found[ask.stage][number])] == ask.value)
    heads = [(f"{who.place}.{part}", getattr(who, part)) for who in ask.value for part in parts]
    named = all(tagger.HEADS[head][int(found[head][number])] == value for head, value in heads)
    return named and stands(found, number, ask.value)


def stands(found: dict[str, Tensor], number: int, cast: Cast) -> bool:
    """Whether somebody stands at each place of the cast."""
    return all(tagger.HEADS["left.present"][int(found[f"{who.place}.present"][number])] == "yes" for who in cast)


def scores(model: tagger.Judge, pictures: Panels, ask: Asked) -> dict[str, float]:
    """Share of right answers per kind of edit, and of right places and parts of characters."""
    found = tagger.judge(model, to_tensor(pictures, "cpu"))
    marks: dict[str, list[bool]] = defaultdict(list)
    for number, pair in enumerate(ask.pairs):
        marks[pair.kind].append(right(found, number, pair.edit))
        if not isinstance(pair.edit.value, str):
            marks["place"].append(stands(found, number, pair.edit.value))
            for part in (*KNOWN_BY, "outfit", "accessory", "skin"):
                marks[part].append(right(found, number, pair.edit, [part]))
    return {name: float(np.mean(values)) for name, values in marks.items()}


def _told(pairs: Sequence[data.Pair]) -> Tensor:
    generator = torch.Generator().manual_seed(9)
    shape = (CHANNELS, unet.LATENT, unet.LATENT)
    return torch.stack([coded_noise(pair.seed, torch.randn(shape, generator=generator)) for pair in pairs])


def _edited_boxes(ask: Asked, numbers: Sequence[int]) -> Masks:
    """The boxes of the characters that each edit adds."""
    masks = []
    for number in numbers:
        before, after = ask.specs[number]
        added = replace(after, characters=tuple(who for who in after.characters if who not in before.characters))
        masks.append(np.asarray(render(added, (data.SIZE, data.SIZE)).mask) > 0)
    return boxes(np.stack(masks))


def pixels(ask: Asked, made: Panels) -> dict[str, dict[str, float]]:
    """Per kind: PSNR of the result and of the unedited picture against the truth, and edges outside of the edit."""
    out = {}
    for kind in KINDS:
        numbers = ask.where(kind)
        ours, before, truth = made[numbers], ask.sources[numbers], ask.truth[numbers]
        inside = _edited_boxes(ask, numbers) if kind == "characters" else None
        out[kind] = {
            "psnr": psnr(ours, truth),
            "unedited": psnr(before, truth),
            "edges": edge_f1(ours, before, inside),
            "edges_of_truth": edge_f1(truth, before, inside),
            "edges_against_truth": edge_f1(ours, truth, inside),
        }
        if inside is not None:
            out[kind] |= {"box": psnr(ours, truth, inside), "box_unedited": psnr(before, truth, inside)}
    return out


def reseeded(spec: PanelSpec, stage: str, seed: int) -> PanelSpec:
    """The same panel with what an edit of `stage` leaves open drawn anew."""
    old = spec.variation
    new = {
        "style": Variation(seed, seed, old.drops, old.pose),
        "time": replace(old, sky=seed),
        "weather": replace(old, drops=seed),
        "characters": replace(old, pose=seed),
    }[stage]
    return replace(spec, variation=new)


def variety(
    pipe: StableDiffusionInstructPix2PixPipeline, model: tagger.Judge, ask: Asked, steps: int, panels: int = 8
) -> dict[str, dict[str, float]]:
    """Mean difference between four seeds, of the model and of renders, and how often all four are right."""
    out = {}
    for kind, stage in zip(KINDS, ("style", *STAGES), strict=True):
        ours, theirs, marks = [], [], []
        for number in ask.where(kind)[:panels]:
            text, pair = ask.texts[number], ask.pairs[number]
            made = run(pipe, np.stack([ask.sources[number]] * 4), [text] * 4, steps, range(11, 15))
            target = ask.specs[number][1]
            drawn = [np.asarray(render(reseeded(target, stage, seed)).picture) for seed in range(4)]
            ours.append(variation(made))
            theirs.append(variation(np.stack(drawn)))
            found = tagger.judge(model, to_tensor(made, "cpu"))
            marks.append(all(right(found, i, pair.edit) for i in range(4)))
        model_mean, truth_mean = float(np.mean(ours)), float(np.mean(theirs))
        out[kind] = {
            "model": model_mean,
            "renders": truth_mean,
            "ratio": model_mean / truth_mean,
            "all_right": float(np.mean(marks)),
        }
    return out


def chained(
    pipe: StableDiffusionInstructPix2PixPipeline, model: tagger.Judge, ask: Asked, steps: int, panels: int = 60
) -> tuple[dict[str, float], list[Panels]]:
    """Sketch, style, time, weather, characters: each stage on the model's own picture; all judged at the end."""
    sketches, casts = ask.where("sketch")[::2][:panels], ask.where("characters")[::3]
    count = min(len(sketches), len(casts))
    edits = [
        [
            Edit("style", STYLES[n % len(STYLES)]),
            Edit("time", TIMES[(n // 2) % len(TIMES)]),
            Edit("weather", WEATHERS[(n // 3) % len(WEATHERS)]),
            ask.pairs[casts[n]].edit,
        ]
        for n in range(count)
    ]
    stages = [ask.sources[sketches[:count]]]
    for number in range(len(STAGES)):
        texts = [unheard(four[number], n) for n, four in enumerate(edits)]
        stages.append(run(pipe, stages[-1], texts, steps, [1000 * number + n for n in range(count)]))
    found = tagger.judge(model, to_tensor(stages[-1], "cpu"))
    marks = np.array([[right(found, n, one) for one in four] for n, four in enumerate(edits)])
    out = {stage: float(marks[:, number].mean()) for number, stage in enumerate(STAGES)}
    return out | {"every": float(marks.all(axis=1).mean())}, stages


def contact(stages: Sequence[Panels], rows: int = 6) -> Image.Image:
    """Chains as a sheet: a row for each panel, from the sketch to the last stage."""
    columns = [np.concatenate(list(stage[:rows]), axis=0) for stage in stages]
    return Image.fromarray(np.concatenate(columns, axis=1))


def through_codec(pipe: StableDiffusionInstructPix2PixPipeline, truth: Panels) -> Panels:
    """Pictures encoded and decoded: the ceiling."""
    with torch.no_grad():
        parts = torch.split(to_tensor(truth, "cpu"), 16)
        out = torch.cat([pipe.vae.decode(pipe.vae.encode(part).latent_dist.mean).sample for part in parts])
    return np.asarray(((out.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1))


def seconds(pipe: StableDiffusionInstructPix2PixPipeline, ask: Asked, steps: int = 20) -> float:
    """Wall clock of one edit of `steps` steps with the threads that torch has; the best of three."""
    times = []
    for seed in range(3):
        start = time.perf_counter()
        run(pipe, ask.sources[:1], ask.texts[:1], steps, [seed])
        times.append(time.perf_counter() - start)
    return min(times)


def swapped(ask: Asked) -> list[str]:
    """For each edit the sentence of another edit of its kind: what is right then needed no instruction."""
    texts = ask.texts
    for kind in KINDS:
        numbers = ask.where(kind)
        for at, number in enumerate(numbers):
            others = [n for n in numbers[at + 1 :] + numbers[:at] if ask.pairs[n].edit != ask.pairs[number].edit]
            texts[number] = unheard(ask.pairs[others[0]].edit, number)
    return texts


def measure(cache: Path, split: str = "unseen", layouts: int = 48) -> dict[str, Any]:
    """Measure on a split, print, and write `metrics.json` (`metrics.validation.json` for that split) under `cache`."""
    pipe = pipeline(cache)
    pipe.set_progress_bar_config(disable=True)
    model = tagger.load(cache, "cpu")
    ask, default = asked(cache, split, layouts), int(DEFAULTS["default_steps"])
    seeds, told = range(len(ask.pairs)), _told(ask.pairs)
    made = run(pipe, ask.sources, ask.texts, default, seeds)
    like = run(pipe, ask.sources, ask.texts, default, seeds, told)
    table = {
        "unedited": scores(model, ask.sources, ask),
        f"{default} steps": scores(model, made, ask),
        "unknown words": scores(
            model, run(pipe, ask.sources, [free(pair.edit) for pair in ask.pairs], default, seeds), ask
        ),
        "swapped instruction": scores(model, run(pipe, ask.sources, swapped(ask), default, seeds), ask),
        "truth through the codec": scores(model, through_codec(pipe, ask.truth), ask),
        "truth": scores(model, ask.truth, ask),
    }
    by_steps = {steps: run(pipe, ask.sources, ask.texts, steps, seeds, told) for steps in (1, 4, 16)} | {default: like}
    chain, stages = chained(pipe, model, ask, default)
    contact(stages).save(cache / f"chain.{split}.png")
    metrics: dict[str, Any] = {
        "split": split,
        "layouts": layouts,
        "steps": default,
        "right": table,
        "pixels": pixels(ask, like),
        "by_steps": {str(n): {"psnr": psnr(p, ask.truth)} | scores(model, p, ask) for n, p in sorted(by_steps.items())},
        "codec": psnr(through_codec(pipe, ask.truth), ask.truth),
        "variety": variety(pipe, model, ask, default),
        "chain": chain,
        "seconds": seconds(pipe, ask),
    }
    for name, row in (*table.items(), *metrics["by_steps"].items()):
        say(f"{name:24}", {key: round(value, 3) for key, value in row.items()})
    for name in ("pixels", "variety"):
        for kind, row in metrics[name].items():
            say(f"{name:10} {kind:12}", {key: round(value, 2) for key, value in row.items()})
    say("codec", round(metrics["codec"], 2), "chain", metrics["chain"], "seconds", round(metrics["seconds"], 2))
    file = "metrics.json" if split == "unseen" else f"metrics.{split}.json"
    (cache / file).write_text(json.dumps(metrics, indent=2))
    return metrics
