"""The tagger, which is also the judge of the edit model: names what a panel shows, trained on true renders only.

`HEADS` lists its questions: style, time, weather and scene of the panel, and for each place whether somebody stands
there and, if so, build, hair, colour, outfit, accessory and skin (heads like `left.hair`). What a picture cannot show
has no label: time, weather and colours of a sketch, the skin of a robot, anything about nobody.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bullpen_starter.networks.tagger import SIZE, Tagger
from bullpen_starter.render import BUILDS, COLOURS, HAIRS, OUTFITS, PLACES, SCENES, SKETCH, STYLES, TIMES, WEATHERS
from bullpen_starter.render.figures.stand import PLACE_X
from bullpen_starter.render.spec import ACCESSORIES, SKINS, Character, PanelSpec
from bullpen_starter.train import augment, panels, recognisers
from bullpen_starter.train.packing import pack
from bullpen_starter.train.recogniser_cards import tagger_card
from bullpen_starter.train.say import say
from bullpen_starter.train.vae import to_tensor

NAME = "starter-tagger"
CHECKPOINT, METRICS = "tagger.pt", "tagger-metrics.json"
HIDDEN = -100
BATCH, RATE, SEED = 48, 2.5e-3, 4
PARTS: dict[str, tuple[str, ...]] = {
    "present": ("no", "yes"),
    "build": BUILDS,
    "hair": HAIRS,
    "colour": COLOURS,
    "outfit": OUTFITS,
    "accessory": ACCESSORIES,
    "skin": SKINS,
}
HEADS: dict[str, tuple[str, ...]] = {
    "style": (*STYLES, SKETCH),
    "time": TIMES,
    "weather": WEATHERS,
    "scene": SCENES,
    **{f"{place}.{part}": words for place in PLACES for part, words in PARTS.items()},
}
COLOURED = ("hair", "colour", "skin")
Judge = Tagger


def build() -> Tagger:
    """The network without weights, 0.6 million parameters."""
    return Tagger({name: len(words) for name, words in HEADS.items()}, {place: PLACE_X[place] for place in PLACES})


def labels(spec: PanelSpec) -> list[int]:
    """Class numbers in the order of `HEADS`; -100 where the panel does not show the attribute."""
    drawn = spec.style != SKETCH
    values: dict[str, str | None] = {
        "style": spec.style,
        "time": spec.time if drawn else None,
        "weather": spec.weather if drawn else None,
        "scene": spec.scene,
        **{f"{place}.present": "no" for place in PLACES},
    }
    for who in spec.characters:
        values |= {f"{who.place}.{part}": value for part, value in _parts(who, drawn).items()}
    return [HIDDEN if (value := values.get(name)) is None else words.index(value) for name, words in HEADS.items()]


def _parts(who: Character, drawn: bool) -> dict[str, str]:
    seen = {"present": "yes", **{part: str(getattr(who, part)) for part in PARTS if part != "present"}}
    hidden = {"skin"} if who.build == "robot" else set()
    hidden |= set() if drawn else set(COLOURED)
    return {part: value for part, value in seen.items() if part not in hidden}


@torch.no_grad()
def judge(model: Judge, pictures: Tensor) -> dict[str, Tensor]:
    """Class numbers (n) per head, on the CPU, of pictures (n, 3, 128, 128) in -1..1."""
    model.eval()
    parts = [model(part) for part in torch.split(pictures, 64)]
    return {name: torch.cat([part[name] for part in parts]).argmax(dim=1).cpu() for name in HEADS}


def load(folder: Path, device: str) -> Judge:
    """The tagger from a cache with its checkpoint, or from a folder that was exported."""
    if (folder / "model.safetensors").exists():
        return Tagger.from_folder(folder).to(device)
    model = build()
    recognisers.finished(folder / CHECKPOINT, model)
    return model.to(device)


def loss(logits: dict[str, Tensor], wanted: Tensor) -> Tensor:
    """Mean over the heads' own means over what is shown."""
    total = torch.zeros((), device=wanted.device)
    for i, name in enumerate(HEADS):
        shown = (wanted[:, i] != HIDDEN).sum().clamp_min(1)
        wrong = functional.cross_entropy(
            logits[name].float(), wanted[:, i], label_smoothing=0.02, reduction="sum", ignore_index=HIDDEN
        )
        # The three places share their weights and count as one question.
        total = total + wrong / shown / (len(PLACES) if "." in name else 1)
    return total


def train(cache: Path, device: str, minutes: float, resume: bool, count: int | None = None) -> None:
    """Train for `minutes` in all and keep `tagger.pt` under `cache`; `resume` goes on from it.

    `count` takes only the first panels. Panels are drawn first when they are missing, which is not counted.
    """
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    data = panels.mixed(cache, "train", count)
    known = torch.tensor([labels(spec) for spec in data.specs])
    model = build().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = recognisers.Run("tagger", model, cache / CHECKPOINT, RATE, minutes, resume)

    def look() -> tuple[dict[str, Tensor], Tensor]:
        picks = data.picks(rng, BATCH)
        pictures = augment.roughen(to_tensor(data.pictures[picks], device))
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            return model(pictures), known[picks].to(device)

    for _ in run:
        run.learn(loss(*look()))
    run.finish(look)


def accuracy(found: dict[str, Tensor], wanted: Tensor) -> dict[str, float]:
    """Share of right answers where the attribute is shown; the places count together, as `hair` and so on."""
    right: dict[str, list[Tensor]] = {}
    for i, name in enumerate(HEADS):
        shown = wanted[:, i] != HIDDEN
        right.setdefault(name.rpartition(".")[2], []).append((found[name] == wanted[:, i])[shown])
    return {name: round(float(torch.cat(marks).float().mean()), 4) for name, marks in right.items()}


def measure(cache: Path, split: str = "test", count: int | None = None) -> dict[str, Any]:
    """Accuracy on held-out layouts and identities, of true renders, of roughened ones, and style by style."""
    data = panels.mixed(cache, split, count)
    wanted = torch.tensor([labels(spec) for spec in data.specs])
    model = load(cache, "cpu")
    pictures = to_tensor(np.asarray(data.pictures), "cpu")
    found = judge(model, pictures)
    torch.manual_seed(SEED)
    rough = judge(model, torch.cat([augment.roughen(part) for part in torch.split(pictures, 64)]))
    metrics: dict[str, Any] = {
        "panels": len(pictures),
        "renders": accuracy(found, wanted),
        "softened renders": accuracy(rough, wanted),
    }
    for style in HEADS["style"]:
        mine = torch.tensor([spec.style == style for spec in data.specs])
        metrics[f"{style} only"] = accuracy({name: value[mine] for name, value in found.items()}, wanted[mine])
    names = list(metrics["renders"])
    say(f"{'tagger, held-out panels':24}", *(f"{name:>9}" for name in names))
    for row, scores in metrics.items():
        if isinstance(scores, dict):
            say(
                f"{row:24}",
                *(f"{100 * scores[name]:8.1f}%" if scores[name] == scores[name] else " " * 8 + "–" for name in names),
            )
    (cache / METRICS).write_text(json.dumps(metrics, indent=2), encoding="utf-8")
    return metrics


def export(cache: Path) -> Path:
    """Write `models/starter-tagger` from the checkpoint and the figures under `cache`.

    Figures are taken when there are none yet.
    """
    stored = cache / METRICS
    metrics = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else measure(cache)
    model = load(cache, "cpu")
    some = to_tensor(np.array(panels.load(cache, "validation").pictures[:48]), "cpu")
    before = judge(model, some)
    config = {
        "architecture": NAME,
        "height": SIZE,
        "width": SIZE,
        "range": [-1.0, 1.0],
        "places": {place: PLACE_X[place] for place in PLACES},
        "heads": HEADS,
    }

    def fill(folder: Path) -> None:
        recognisers.write(folder, model, config, some[:2], list(HEADS))
        metrics["onnx_difference"] = recognisers.checked(folder, model, some)
        after = judge(model, some)
        metrics["half_precision_agrees"] = float(
            np.mean([float((before[name] == after[name]).float().mean()) for name in HEADS])
        )

    about = {
        "title": "Starter tagger",
        "family": "tagger",
        "capabilities": ["tag"],
        "width": SIZE,
        "height": SIZE,
        "training": recognisers.training(cache, CHECKPOINT, batch=BATCH, rate=RATE, seed=SEED),
        "metrics": metrics,
    }
    return pack(NAME, fill, about, tagger_card(metrics))
