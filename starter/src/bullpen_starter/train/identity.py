"""The identity encoder: two crops of one character lie near each other, whatever style, light, pose and expression.

It learns from crops out of random panels, on their background or on paper, with whole groups of identities in a batch
that differ in one attribute only. Beside the contrastive loss, small heads that are thrown away afterwards have to
read each attribute off the embedding, so that none of them is forgotten. Sketches carry no colours and are left out.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bullpen_starter.networks.encoder import Encoder
from bullpen_starter.train import augment, encoders, panels, recognisers
from bullpen_starter.train.encoders import Pairs
from bullpen_starter.train.identity_data import (
    ATTRIBUTES,
    NEIGHBOURS,
    TEAMS,
    VIEWS,
    Crops,
    Identity,
    Sampler,
    crops,
    pairs,
)
from bullpen_starter.train.recogniser_cards import identity_card
from bullpen_starter.train.say import say
from bullpen_starter.train.vae import to_tensor

NAME = "starter-identity"
CHECKPOINT, METRICS = "identity.pt", "identity-metrics.json"
WIDTH, HEIGHT, POINT = 64, 96, 96
MARGIN = 0.06
# Training crops keep room around them for jitter, and are this large.
WIDE, WIDE_SIZE = 0.16, (80, 112)
BATCH = TEAMS * (1 + NEIGHBOURS) * VIEWS
RATE, SEED = 2e-3, 11
MOST = 9_000  # crops out of panels


class _Learner(nn.Module):
    """The encoder with the heads that only training needs."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(HEIGHT, WIDTH, POINT, "map")
        self.heads = nn.ModuleDict({name: nn.Linear(POINT, len(words)) for name, words in ATTRIBUTES.items()})

    def forward(self, pictures: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Unit vectors, and logits per attribute."""
        raw = self.encoder.raw(pictures).float()
        return functional.normalize(raw, dim=1), {name: head(raw) for name, head in self.heads.items()}


def _jitter(pictures: Tensor, masks: Tensor) -> Tensor:
    """Random boxes out of the wide crops, some on paper of one colour; (n, 3, 96, 64)."""
    n, device = len(pictures), pictures.device
    on_paper = (torch.rand(n, 1, 1, 1, device=device) < 0.3).float() * (1 - masks)
    paper = torch.where(torch.rand(n, 1, 1, 1) < 0.5, torch.tensor(0.88), torch.rand(n, 3, 1, 1) * 2 - 1).to(device)
    pictures = pictures * (1 - on_paper) + paper * on_paper
    inner = (1 + 2 * MARGIN) / (1 + 2 * WIDE)
    zoom = inner * (1 + 0.1 * (2 * torch.rand(n, 2) - 1))
    move = 0.09 * (2 * torch.rand(n, 2) - 1)
    turn = torch.zeros(n, 2, 3)
    turn[:, 0, 0], turn[:, 1, 1], turn[:, :, 2] = zoom[:, 0], zoom[:, 1], move
    grid = functional.affine_grid(turn.to(device), [n, 3, HEIGHT, WIDTH], align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def train(cache: Path, device: str, minutes: float, resume: bool, count: int | None = None) -> None:
    """Train for `minutes` in all and keep `identity.pt` under `cache`; `resume` goes on from it."""
    torch.manual_seed(SEED)
    data = crops(panels.mixed(cache, "train", count), "train", WIDE_SIZE, WIDE, with_portraits=2, most=MOST)
    sampler = Sampler(data, np.random.default_rng(SEED))
    learner = encoders.plain(_Learner().to(device))
    run = recognisers.Run("identity", learner, cache / CHECKPOINT, RATE, minutes, resume)
    say(f"identity: {len(data.pictures)} crops of {len(set(data.identities))} characters")

    def look() -> tuple[Tensor, dict[str, Tensor], list[Identity]]:
        picks, names = sampler.batch()
        masks = torch.from_numpy(data.masks[picks]).to(device)[:, None].float() / 255
        pictures = augment.roughen(_jitter(to_tensor(data.pictures[picks], device).contiguous(), masks), 0)
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            points, logits = learner(pictures)
        return points, logits, names

    for _ in run:
        points, logits, names = look()
        known = {who: number for number, who in enumerate(dict.fromkeys(names))}
        loss = encoders.contrastive(points, torch.tensor([known[who] for who in names], device=device))
        for i, (name, words) in enumerate(ATTRIBUTES.items()):
            wanted = torch.tensor([words.index(who[i]) for who in names], device=device)
            loss = loss + 0.3 * functional.cross_entropy(logits[name].float(), wanted, label_smoothing=0.02)
        run.learn(loss)
    run.finish(look)


def load(cache: Path) -> Encoder:
    """The trained encoder from a cache, on the CPU."""
    learner = _Learner()
    recognisers.finished(cache / CHECKPOINT, learner)
    return learner.encoder.eval()


def _held_out(cache: Path, split: str, count: int | None) -> tuple[Crops, dict[str, Pairs]]:
    data = crops(panels.load(cache, split, count), split, (WIDTH, HEIGHT), MARGIN, with_portraits=1)
    return data, pairs(data, np.random.default_rng(SEED))


def measure(cache: Path, count: int | None = None) -> dict[str, Any]:
    """The threshold from validation, and the figures on test characters and layouts, with their table."""
    model = load(cache)
    data, found = _held_out(cache, "validation", count)
    points = encoders.embed(model, to_tensor(data.pictures, "cpu"))
    # Half of the different pairs are hard ones: one changed attribute is the drift that a reader notices.
    mixed = found["same"] + _some(found["different"]) + _some(found["near"])
    threshold = encoders.calibrate(encoders.likeness(points, mixed), mixed.same)
    data, found = _held_out(cache, "test", count)
    points = encoders.embed(model, to_tensor(data.pictures, "cpu"))
    metrics: dict[str, Any] = {
        "threshold": threshold,
        "characters": len(set(data.identities)),
        "crops": len(data.identities),
        "table": {},
    }
    rows = {
        "any two characters": found["same"] + found["different"],
        "same in another style": found["across"] + found["different"],
        "portrait against panel": found["reference"] + found["different"],
        "one attribute differs": found["same"] + found["near"],
        "half of each": found["same"] + _some(found["different"]) + _some(found["near"]),
    }
    say(f"identity, threshold {threshold:.3f}: {metrics['crops']} crops of {metrics['characters']} held-out characters")
    for row, some in rows.items():
        metrics["table"][row] = encoders.scores(encoders.likeness(points, some), some.same, threshold)
        say(f"{row:24}", {name: round(value, 4) for name, value in metrics["table"][row].items()})
    hard, accepted = found["near"], encoders.likeness(points, found["near"]) >= threshold
    changed = [
        next(name for i, name in enumerate(ATTRIBUTES) if data.identities[a][i] != data.identities[b][i])
        for a, b in zip(hard.first, hard.second, strict=True)
    ]
    metrics["false_accept_by_attribute"] = {
        name: float(np.mean([yes for yes, what in zip(accepted, changed, strict=True) if what == name]))
        for name in ATTRIBUTES
        if name in changed
    }
    say("false accepts by the attribute that differs", metrics["false_accept_by_attribute"])
    (cache / METRICS).write_text(json.dumps(metrics, indent=2), encoding="utf-8")
    return metrics


def _some(pairs_of: Pairs) -> Pairs:
    return Pairs(pairs_of.first[::2], pairs_of.second[::2], pairs_of.same[::2])


def export(cache: Path) -> Path:
    """Write `models/starter-identity` from the checkpoint and the figures under `cache`.

    Figures are taken when there are none yet.
    """
    stored = cache / METRICS
    metrics = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else measure(cache)
    about = {
        "title": "Starter identity",
        "family": "encoder",
        "capabilities": ["identity_embedding"],
        "training": recognisers.training(
            cache, CHECKPOINT, batch=TEAMS * (1 + NEIGHBOURS) * VIEWS, rate=RATE, seed=SEED
        ),
    }
    some = to_tensor(np.array(panels.load(cache, "validation").pictures[:24]), "cpu")
    some = functional.interpolate(some, (HEIGHT, WIDTH), mode="area")
    return encoders.packed(NAME, load(cache), some, about, metrics, identity_card, margin=MARGIN)
