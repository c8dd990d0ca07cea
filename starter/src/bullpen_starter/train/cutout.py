"""The cutout model: training, and export as ONNX for rembg's `u2net_custom` session.

For most of the time the network sees windows of panels at the scale of the full picture, which is three times quicker;
the rest is whole panels of 320 pixels. Loss: cross-entropy and the soft intersection over union of each picture.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bullpen_starter.networks.matting import SIDE, Calibrated, Matting
from bullpen_starter.train.clock import Average, Budget, clock
from bullpen_starter.train.cutout_card import card
from bullpen_starter.train.cutout_data import Pictures
from bullpen_starter.train.cutout_measure import measure
from bullpen_starter.train.onnxfile import write_onnx
from bullpen_starter.train.packing import pack
from bullpen_starter.train.say import say

NAME = "starter-cutout"
FILE = "cutout.onnx"
RATE, BATCH, PANELS, SIZE, SEED = 2e-3, 16, 1600, 256, 11
# For this share of the time windows of this many pixels; then whole pictures of 320 in batches a third as large.
CROPPED, WINDOW = 0.7, 192
# So many batches of eight whole pictures give the batch statistics of the averaged weights.
SETTLE = 12


def loss(logits: tuple[Tensor, ...], truth: Tensor) -> Tensor:
    """How far the alpha is off, over the full picture and (with less weight) over the coarse hints."""
    total = torch.zeros((), device=truth.device)
    for number, part in enumerate(logits):
        wanted = truth if number == 0 else functional.adaptive_avg_pool2d(truth, (part.shape[-2], part.shape[-1]))
        guess = part.float()
        cross = functional.binary_cross_entropy_with_logits(guess, wanted)
        found = torch.sigmoid(guess)
        common = torch.minimum(found, wanted).sum(dim=(1, 2, 3))
        union = torch.maximum(found, wanted).sum(dim=(1, 2, 3))
        # An empty picture has no union to speak of: a hundredth of the picture keeps its share small.
        floor = 0.01 * wanted[0].numel()
        overlap = (1 - (common + floor) / (union + floor)).mean()
        total = total + (1.0 if number == 0 else 0.3) * (cross * 4 + overlap)
    return total


def _tensors(pair: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], device: str) -> tuple[Tensor, Tensor]:
    picture, truth = (torch.from_numpy(part).to(device) for part in pair)
    return picture.contiguous(memory_format=torch.channels_last), truth


@torch.no_grad()
def _settle(model: Matting, pictures: Pictures, device: str) -> None:
    """Measure the batch statistics again, for averaged weights and whole pictures."""
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    for _ in range(SETTLE):
        model(_tensors(pictures.batch(8, SIDE), device)[0])
    for norm in norms:
        norm.momentum = 0.1
    model.eval()


def train(cache: Path, device: str, minutes: float, resume: bool) -> None:
    """Train until `minutes` are spent in all; `cutout.pt` under `cache` holds weights, state and settings."""
    torch.manual_seed(SEED)
    model = Matting().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.02, fused=True)
    average, used, steps, recent = Average(model), 0.0, 0, 0.0
    file = cache / "cutout.pt"
    if resume and file.exists():
        held = torch.load(file, weights_only=True, map_location=device)
        model.load_state_dict(held["model"])
        optimiser.load_state_dict(held["optimiser"])
        average.values, average.steps = held["average"], held["steps"]
        used, steps = held["used"], held["steps"]
    pictures = Pictures(cache, PANELS, SIZE, SEED + steps)
    budget = Budget(minutes, used, clock(device))
    model.train()
    while budget.share < 1:
        whole = budget.share > CROPPED
        picture, truth = _tensors(
            pictures.batch(BATCH // 3 + 1, SIDE) if whole else pictures.batch(BATCH, WINDOW), device
        )
        for group in optimiser.param_groups:
            group["lr"] = RATE * budget.rate(hold=0.4)
        with torch.autocast(device, torch.bfloat16):
            logits = model.all(picture)
        error = loss(logits, truth)
        optimiser.zero_grad(set_to_none=True)
        error.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        average.update(model)
        steps += 1
        recent = error.item() if recent == 0 else 0.98 * recent + 0.02 * error.item()
        if steps % 50 == 0:
            say(f"cutout: {budget.seconds:.0f} s, {steps} steps, loss {recent:.4f}")
    used = budget.seconds
    final = Matting().to(device)
    final.load_state_dict(model.state_dict())
    average.copy_to(final)
    _settle(final, pictures, device)
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "average": average.values}
    torch.save(state | {"final": final.state_dict(), "used": used, "steps": steps}, file)
    write(cache)


def trained(cache: Path) -> Matting:
    """The network of the last checkpoint, ready to use."""
    model = Matting()
    model.load_state_dict(torch.load(cache / "cutout.pt", weights_only=True, map_location="cpu")["final"])
    return model.eval()


def write(cache: Path) -> Path:
    """Write `cutout.onnx` under `cache` and return its path."""
    path = cache / FILE
    write_onnx(Calibrated(trained(cache)).eval(), torch.zeros(1, 3, SIDE, SIDE), path)
    return path


def export(cache: Path, root: Path | None = None) -> Path:
    """Write the model folder (below `root` instead of the package's models, when given) and return it."""
    state = torch.load(cache / "cutout.pt", weights_only=True, map_location="cpu")
    scores = cache / "cutout-metrics.json"
    metrics = json.loads(scores.read_text()) if scores.exists() else {}
    return pack(
        NAME,
        lambda folder: shutil.copyfile(write(cache), folder / FILE),
        {
            "title": "Starter cutout",
            "family": "matting",
            "capabilities": ["cutout"],
            "runtime": {"library": "rembg", "session": "u2net_custom", "file": FILE, "side": SIDE},
            "training": {
                "data": "procedural renders of bullpen_starter.render with their exact masks",
                "panels": PANELS,
                "steps": state["steps"],
                "batch": BATCH,
                "minutes": round(state["used"] / 60, 1),
                "rate": RATE,
                "window": WINDOW,
                "seed": SEED,
            },
            "metrics": metrics,
        },
        card(metrics),
        root,
    )


__all__ = ["FILE", "NAME", "export", "measure", "train", "trained", "write"]
