"""Training examples on a device: latents, edits, tokens and variation fields, drawn in whole batches.

Everything that a draw needs lies there as tensors before training begins, so that a step of training neither reads a
file nor makes a sentence.
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bullpen_starter.captions import STAGES, sample
from bullpen_starter.render import variation
from bullpen_starter.train import data, unet
from bullpen_starter.train.text import Words
from bullpen_starter.train.vae import CHANNELS

# Sentences kept for each edit.
PHRASINGS = 4


def coded(field: Tensor, fresh: Tensor) -> Tensor:
    """Noise (n, 8, 32, 32) whose block means are `field` (n, 8, 8, 8); standard normal when both are."""
    block = fresh.shape[-1] // variation.CELLS
    means = functional.avg_pool2d(fresh, block)
    return fresh + functional.interpolate(field / block - means, scale_factor=block, mode="nearest")


def coded_noise(seed: int, fresh: Tensor) -> Tensor:
    """Noise (8, 32, 32) whose block means are the field of `seed`."""
    return coded(torch.from_numpy(np.array(variation.fields(seed)))[None], fresh[None])[0]


@dataclass(slots=True)
class Batch:
    """Edits that were drawn; first dimension n throughout."""

    edit: Tensor  # number of the edit
    source: Tensor  # (n, 8, 32, 32)
    target: Tensor  # (n, 8, 32, 32)
    tokens: Tensor  # (n, 48)
    noise: Tensor  # (n, 8, 32, 32)
    plain: Tensor  # (n) where nothing is asked for


def rows_of(sentences: list[str], words: Words) -> tuple[Tensor, list[int]]:
    """Tokens of the different sentences, and for each sentence the row of its tokens."""
    known = {text: row for row, text in enumerate(dict.fromkeys(sentences))}
    return words.tokens(list(known)), [known[text] for text in sentences]


class Examples:
    """The edits of a split. `own` holds, for each panel, the truth or what the model last made of it."""

    def __init__(self, cache: Path, split: str, device: str, words: Words) -> None:
        _, _, pairs = data.load(cache, split)
        random, self.device = Random(len(pairs)), device
        self.latents = torch.from_numpy(np.load(cache / f"{split}.latents.npy")).to(device)
        self.own = self.latents.clone()
        self.source = torch.tensor([pair.source for pair in pairs], device=device)
        self.target = torch.tensor([pair.target for pair in pairs], device=device)
        self.stage = torch.tensor([STAGES.index(pair.edit.stage) for pair in pairs], device=device)
        self.upto = torch.tensor([pair.weight for pair in pairs], dtype=torch.float64).cumsum(0).to(device)
        seeds = {seed: row for row, seed in enumerate(dict.fromkeys(pair.seed for pair in pairs))}
        self.fields = torch.from_numpy(np.stack([variation.fields(seed) for seed in seeds])).to(device)
        self.field = torch.tensor([seeds[pair.seed] for pair in pairs], device=device)
        sentences = [sample(pair.edit, random) for pair in pairs for _ in range(PHRASINGS)]
        self.tokens, rows = rows_of(sentences, words)
        self.said = torch.tensor(rows, device=device).view(len(pairs), PHRASINGS)
        self.silence = words.tokens([""])

    def draw(self, count: int, own: float) -> Batch:
        """Some edits; the source is the model's own picture with probability `own`, one in fifty asks for nothing."""
        chance = torch.rand(3, count, device=self.device)
        edit = torch.searchsorted(self.upto, chance[0].double() * self.upto[-1], right=True)
        edit = edit.clamp(max=len(self.upto) - 1)
        mine, plain = (chance[1] < own).view(-1, 1, 1, 1), chance[2] < 0.02
        at = self.source[edit]
        source = torch.where(mine, self.own[at], self.latents[at]).float()
        target = torch.where(plain.view(-1, 1, 1, 1), source, self.latents[self.target[edit]].float())
        phrasing = torch.randint(PHRASINGS, (count,), device=self.device)
        tokens = torch.where(plain[:, None], self.silence, self.tokens[self.said[edit, phrasing]])
        fresh = torch.randn(count, CHANNELS, unet.LATENT, unet.LATENT, device=self.device)
        return Batch(edit, source, target, tokens, coded(self.fields[self.field[edit]], fresh), plain)

    def keep(self, batch: Batch, made: Tensor, chosen: Tensor) -> None:
        """Remember what the model made of the targets of `chosen` rows."""
        at = self.target[batch.edit]
        self.own[at] = torch.where((chosen & ~batch.plain).view(-1, 1, 1, 1), made.to(self.own.dtype), self.own[at])
