"""The reader: a tagger that reads latents. It tells the edit network in training what its answer does not show yet.

The distance to the exact answer says little about a scarf or the colour of hair, which are a few cells of a panel; the
reader asks for them by name. It is small, sees true latents only, roughened as a network's answers are, and is thrown
away afterwards: pictures are judged by the tagger (tagger.py), which sees pixels and has never met it.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bullpen_starter.networks.blocks import convolution
from bullpen_starter.networks.tagger import Tagger
from bullpen_starter.train import data, recognisers, tagger
from bullpen_starter.train.say import say
from bullpen_starter.train.vae import CHANNELS

CHECKPOINT = "reader.pt"
BATCH, RATE, SEED = 64, 2.5e-3, 6


def build() -> Tagger:
    """The tagger with a trunk for latents (n, 8, 32, 32), 0.6 million parameters."""
    model = tagger.build()
    model.trunk = nn.Sequential(convolution(CHANNELS, 48), convolution(48, 48))
    return model


def labels(cache: Path, split: str) -> Tensor:
    """Class numbers (panels, heads) of a split's panels, int64; -100 where a panel does not show it."""
    return torch.tensor([tagger.labels(spec) for spec in data.load(cache, split)[1]])


def roughened(latents: Tensor) -> Tensor:
    """Some softer and some noisier, each by its own measure."""
    chance = torch.rand(2, len(latents), 1, 1, 1, device=latents.device)
    soft = functional.avg_pool2d(functional.pad(latents, (1, 1, 1, 1), mode="replicate"), 3, 1)
    out: Tensor = torch.lerp(latents, soft, 0.7 * chance[0]) + 0.25 * chance[1] * torch.randn_like(latents)
    return out


def train(cache: Path, device: str, minutes: float, resume: bool) -> None:
    """Train by the clock; writes `reader.pt` under `cache`."""
    torch.manual_seed(SEED)
    latents, known = torch.from_numpy(np.load(cache / "train.latents.npy")), labels(cache, "train")
    model = build().to(device)
    run = recognisers.Run("reader", model, cache / CHECKPOINT, RATE, minutes, resume)

    def look() -> tuple[dict[str, Tensor], Tensor]:
        picks = torch.randint(len(known), (BATCH,))
        return model(roughened(latents[picks].float().to(device))), known[picks].to(device)

    for _ in run:
        run.learn(tagger.loss(*look()))
    run.finish(look)


def measure(cache: Path) -> dict[str, float]:
    """Share of right answers on the latents of held-out layouts; prints it."""
    latents, wanted = torch.from_numpy(np.load(cache / "validation.latents.npy")).float(), labels(cache, "validation")
    found = tagger.accuracy(tagger.judge(load(cache, "cpu"), latents), wanted)
    say("reader", found)
    return found


def load(cache: Path, device: str) -> Tagger:
    """The finished reader, frozen."""
    model = build()
    recognisers.finished(cache / CHECKPOINT, model)
    return model.to(device).requires_grad_(False)
