"""Polish: the decoder learns to draw from the edit network's own latents, not from true ones alone.

The latents keep their meaning, so the edit network stays as it is; the decoder only learns to forgive its softness.
Half of each batch are the network's results of as many steps as the default, half are true latents.
"""

from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from bullpen_starter.captions import sample
from bullpen_starter.train import data, edit, unet, vae
from bullpen_starter.train.clock import Average, Budget
from bullpen_starter.train.say import say
from bullpen_starter.train.text import Embeddings

RATE = 5e-4
HALF = 8


def train(cache: Path, device: str, minutes: float, steps: int) -> None:
    """Train the decoder under `cache/vae` for `minutes` on results of `steps` steps, and write it back."""
    torch.manual_seed(6)
    random = Random(6)
    panels, _, pairs = data.load(cache, "train")
    latents = torch.from_numpy(np.load(cache / "train.latents.npy", mmap_mode="r+"))
    net, words = edit.averaged(cache, device), Embeddings(cache, device)
    codec = AutoencoderKL.from_pretrained(cache / "vae").to(device, memory_format=torch.channels_last)
    codec.requires_grad_(False)
    codec.decoder.requires_grad_(True)
    learned = list(codec.decoder.parameters())
    average = Average(codec, 0.99)
    optimiser = torch.optim.AdamW(learned, lr=RATE, betas=(0.9, 0.99), weight_decay=1e-4)
    budget, step, history = Budget(minutes), 0, []
    while budget.share < 1:
        chosen = random.sample(pairs, HALF)
        source = torch.stack([latents[pair.source] for pair in chosen]).float().to(device)
        fresh = [torch.randn(vae.CHANNELS, unet.LATENT, unet.LATENT) for _ in chosen]
        noise = torch.stack([edit.coded_noise(p.seed, f) for p, f in zip(chosen, fresh, strict=True)]).to(device)
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            states = words([sample(pair.edit, random) for pair in chosen])
            made = edit.sample_latents(net, source, states, noise, random.choice((steps, steps, 1))).float()
        picks = [pair.target for pair in chosen]
        extra = [random.randrange(len(panels)) for _ in range(HALF)]
        true = torch.stack([latents[index] for index in extra]).float().to(device)
        history.append(_update(codec, optimiser, torch.cat([made, true]), panels[np.array(picks + extra)], device))
        for group in optimiser.param_groups:
            group["lr"] = RATE * budget.rate()
        average.update(codec)
        step += 1
        if step % 20 == 0:
            say(f"polish {budget.seconds / 60:.1f} min step {step} loss {np.mean(history[-20:]):.4f}")
    average.copy_to(codec)
    codec.save_pretrained(cache / "vae")


def _update(
    codec: AutoencoderKL, optimiser: torch.optim.Optimizer, made: Tensor, truth: np.ndarray, device: str
) -> float:
    """One step on a mixed batch, in quarters; the loss of the first half is returned."""
    optimiser.zero_grad(set_to_none=True)
    order, values = torch.randperm(len(made)), []
    for part in torch.split(order, 4):
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            out = codec.decode(made[part].contiguous(memory_format=torch.channels_last)).sample.float()
        value = vae.loss(out, vae.to_tensor(truth[part.numpy()], device))
        (value / (len(made) / 4)).backward()  # type: ignore[no-untyped-call]
        values.append(float(value))
    torch.nn.utils.clip_grad_norm_(codec.decoder.parameters(), 1.0)
    optimiser.step()
    return float(np.mean(values))
