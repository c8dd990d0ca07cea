"""The style encoder: two panels of one style lie near each other, whatever the scene, hour, weather and cast.

It keeps means and spreads of its features over the whole panel, so it sees how things are drawn, hardly what. Panels
are roughened as for the tagger, but less, since softness is part of some styles.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bullpen_starter.networks.drift import drift
from bullpen_starter.networks.encoder import Encoder
from bullpen_starter.render import SKETCH, STYLES
from bullpen_starter.train import augment, encoders, panels, recognisers
from bullpen_starter.train.encoders import Pairs
from bullpen_starter.train.recogniser_cards import style_card
from bullpen_starter.train.say import say
from bullpen_starter.train.vae import to_tensor

NAME = "starter-style"
CHECKPOINT, METRICS = "style.pt", "style-metrics.json"
POINT = 32
VIEWS = 6  # pictures of each style in a batch
RATE, SEED = 3e-3, 13
WORDS = (*STYLES, SKETCH)


def train(cache: Path, device: str, minutes: float, resume: bool, count: int | None = None) -> None:
    """Train for `minutes` in all and keep `style.pt` under `cache`; `resume` goes on from it."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    data = panels.mixed(cache, "train", count)
    styles = np.array([WORDS.index(spec.style) for spec in data.specs])
    numbers = [np.flatnonzero(styles == style) for style in range(len(WORDS))]
    model = encoders.plain(Encoder(panels.SIZE, panels.SIZE, POINT, "statistics").to(device))
    run = recognisers.Run("style", model, cache / CHECKPOINT, RATE, minutes, resume)

    def look() -> tuple[Tensor, Tensor]:
        picks = np.sort(np.concatenate([rng.choice(found, VIEWS) for found in numbers if len(found)]))
        clean = to_tensor(data.pictures[picks], device)
        rough = (torch.rand(len(clean), 1, 1, 1) < 0.6).float().to(device)
        pictures = clean + (augment.roughen(clean) - clean) * rough
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            points = model(pictures)
        return points.float(), torch.from_numpy(styles[picks]).to(device)

    for _ in run:
        run.learn(encoders.contrastive(*look()))
    run.finish(look)


def load(cache: Path) -> Encoder:
    """The trained encoder from a cache, on the CPU."""
    model = Encoder(panels.SIZE, panels.SIZE, POINT, "statistics")
    recognisers.finished(cache / CHECKPOINT, model)
    return model


def pairs(styles: list[str], rng: np.random.Generator, each: int = 6000) -> Pairs:
    """As many pairs of one style as of two styles, every style and every two styles alike often."""
    numbers = {style: np.flatnonzero(np.array(styles) == style) for style in dict.fromkeys(styles)}
    words = [style for style, found in numbers.items() if len(found) > 1]
    first, second, same = [], [], []
    for _ in range(each):
        one, other = rng.choice(len(words), 2, replace=False)
        a, b = rng.choice(numbers[words[one]], 2, replace=False)
        first += [a, a]
        second += [b, rng.choice(numbers[words[other]])]
        same += [True, False]
    return Pairs(np.array(first), np.array(second), np.array(same))


def _held_out(cache: Path, split: str, count: int | None) -> tuple[panels.Pack, Tensor, Pairs]:
    data = panels.load(cache, split, count)
    pictures = to_tensor(np.array(data.pictures), "cpu")
    return data, pictures, pairs([spec.style for spec in data.specs], np.random.default_rng(SEED))


def measure(cache: Path, count: int | None = None) -> dict[str, Any]:
    """The threshold from validation panels, and the figures on held-out layouts, with their table."""
    model = load(cache)
    _, pictures, found = _held_out(cache, "validation", count)
    threshold = encoders.calibrate(encoders.likeness(encoders.embed(model, pictures), found), found.same)
    data, pictures, found = _held_out(cache, "test", count)
    torch.manual_seed(SEED)
    soft = torch.cat([augment.roughen(part) for part in torch.split(pictures, 64)])
    metrics: dict[str, Any] = {"threshold": threshold, "panels": len(pictures), "table": {}}
    say(f"style, threshold {threshold:.3f}: {len(pictures)} held-out panels")
    for row, some in {"renders": pictures, "softened renders": soft}.items():
        points = encoders.embed(model, some)
        values = encoders.likeness(points, found)
        metrics["table"][row] = encoders.scores(values, found.same, threshold) | _drifts(values, found, threshold)
        say(f"{row:24}", {name: round(value, 4) for name, value in metrics["table"][row].items()})
        if row == "renders":
            metrics["nearest"] = nearest(points, [spec.style for spec in data.specs])
    say("share whose own style has the nearest mean", metrics["nearest"])
    (cache / METRICS).write_text(json.dumps(metrics, indent=2), encoding="utf-8")
    return metrics


def _drifts(values: NDArray[np.float32], found: Pairs, threshold: float) -> dict[str, float]:
    scored = np.array([drift(float(value), threshold) for value in values])
    return {"drift_same": float(scored[found.same].mean()), "drift_different": float(scored[~found.same].mean())}


def nearest(points: NDArray[np.float32], styles: list[str]) -> dict[str, float]:
    """Per style, the share of pictures nearest to their own style's mean direction."""
    words = list(dict.fromkeys(styles))
    labels = np.array([words.index(style) for style in styles])
    means = np.stack([points[labels == number].mean(axis=0) for number in range(len(words))])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    right = (points @ means.T).argmax(axis=1) == labels
    return {word: float(right[labels == number].mean()) for number, word in enumerate(words)}


def export(cache: Path) -> Path:
    """Write `models/starter-style` from the checkpoint and the figures under `cache`.

    Figures are taken when there are none yet.
    """
    stored = cache / METRICS
    metrics = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else measure(cache)
    about = {
        "title": "Starter style",
        "family": "encoder",
        "capabilities": ["style_embedding"],
        "training": recognisers.training(cache, CHECKPOINT, batch=VIEWS * len(WORDS), rate=RATE, seed=SEED),
    }
    some = to_tensor(np.array(panels.load(cache, "validation").pictures[:24]), "cpu")
    return encoders.packed(NAME, load(cache), some, about, metrics, style_card)
