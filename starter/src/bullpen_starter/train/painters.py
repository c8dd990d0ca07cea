"""The two networks that paint, as their checkpoints left them: `edit`, with a source, and `generate`, without."""

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from bullpen_starter.train import unet
from bullpen_starter.train.vae import CHANNELS

INPUTS = {"generate": CHANNELS, "edit": 2 * CHANNELS}


def averaged(cache: Path, name: str, device: str = "cpu") -> UNet2DConditionModel:
    """The network with averaged weights from the checkpoint `name`; FileNotFoundError before it was trained."""
    state = cache / f"{name}.pt"
    if not state.exists():
        raise FileNotFoundError(f"{state} is missing: train `{name}` first")
    average = torch.load(state, weights_only=True, map_location=device)["average"]
    net = unet.build(INPUTS[name]).to(device)
    with torch.no_grad():
        for part, p in net.named_parameters():
            p.copy_(average[part])
    return net.eval()
