"""The upscaler: SRVGGNetCompact for 4 and 2 times, trained on windows of large renders; ONNX and safetensors.

The network for 4 times is trained first; the one for 2 times begins with its body and learns a last layer of its own.
Loss: absolute error of colours and of the slopes of luma, because a reader sees lines first.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from bullpen_starter.networks.srvgg import SRVGGNetCompact
from bullpen_starter.train.clock import Average, Budget, clock
from bullpen_starter.train.onnxfile import write_onnx
from bullpen_starter.train.packing import pack
from bullpen_starter.train.say import say
from bullpen_starter.train.upscaler_begin import begin
from bullpen_starter.train.upscaler_card import card
from bullpen_starter.train.upscaler_data import Windows
from bullpen_starter.train.upscaler_measure import measure

NAME = "starter-upscale"
SCALES = (4, 2)
# Of all minutes the 4-fold network gets this share.
SHARE = {4: 0.64, 2: 0.36}
WIDTH, DEPTH = 32, 12
RATE, BATCH, WINDOW, PANELS, SEED = 1e-3, 16, 40, 320, 12
LUMA = (0.299, 0.587, 0.114)


def loss(out: Tensor, truth: Tensor) -> Tensor:
    """Absolute error of colours, and of the slopes of luma."""
    error = out - truth
    luma = (error * error.new_tensor(LUMA)[None, :, None, None]).sum(dim=1)
    slopes = (luma[:, :, 1:] - luma[:, :, :-1]).abs().mean() + (luma[:, 1:] - luma[:, :-1]).abs().mean()
    return error.abs().mean() + 0.5 * slopes


def _file(cache: Path, scale: int) -> Path:
    return cache / f"upscaler-{scale}x.pt"


def _fit(cache: Path, device: str, scale: int, minutes: float, resume: bool) -> None:
    torch.manual_seed(SEED + scale)
    file = _file(cache, scale)
    held = torch.load(file, weights_only=True, map_location=device) if resume and file.exists() else None
    windows = Windows(cache, PANELS, scale, SEED + scale + (held["steps"] if held else 0))
    model = SRVGGNetCompact(WIDTH, DEPTH, scale)
    if held is None:
        begin(model, windows, _file(cache, 4) if scale == 2 else None)
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=1e-4, fused=True)
    average, used, steps, recent = Average(model), 0.0, 0, 0.0
    if held is not None:
        model.load_state_dict(held["model"])
        optimiser.load_state_dict(held["optimiser"])
        average.values, average.steps = held["average"], held["steps"]
        used, steps = held["used"], held["steps"]
    budget = Budget(minutes, used, clock(device))
    model.train()
    while budget.share < 1:
        small, large = (part.to(device) for part in windows.batch(BATCH, WINDOW))
        for group in optimiser.param_groups:
            group["lr"] = RATE * budget.rate(hold=0.4)
        with torch.autocast(device, torch.bfloat16):
            out = model(small)
        error = loss(out.float(), large)
        optimiser.zero_grad(set_to_none=True)
        error.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimiser.step()
        average.update(model)
        steps += 1
        recent = error.item() if recent == 0 else 0.98 * recent + 0.02 * error.item()
        if steps % 100 == 0:
            say(f"upscaler {scale}x: {budget.seconds:.0f} s, {steps} steps, loss {recent:.4f}")
    used = budget.seconds
    final = SRVGGNetCompact(WIDTH, DEPTH, scale)
    average.copy_to(final)
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "average": average.values}
    torch.save(state | {"final": final.state_dict(), "used": used, "steps": steps}, file)


def train(cache: Path, device: str, minutes: float, resume: bool) -> None:
    """Train both networks for `minutes` in all; checkpoints and weights go under `cache`."""
    cache.mkdir(parents=True, exist_ok=True)
    for scale in SCALES:
        _fit(cache, device, scale, minutes * SHARE[scale], resume)
    write(cache, cache)


def trained(cache: Path, scale: int) -> SRVGGNetCompact:
    """The network of the last checkpoint, ready to use."""
    model = SRVGGNetCompact(WIDTH, DEPTH, scale)
    model.load_state_dict(torch.load(_file(cache, scale), weights_only=True, map_location="cpu")["final"])
    return model.eval()


def write(cache: Path, folder: Path) -> None:
    """Write `upscale-4x` and `upscale-2x` into `folder`, each as ONNX for any size and as safetensors."""
    for scale in SCALES:
        model = trained(cache, scale)
        write_onnx(model, torch.zeros(1, 3, 24, 32), folder / f"upscale-{scale}x.onnx", any_size=True)
        weights = {name: p.contiguous() for name, p in model.state_dict().items()}
        save_file(weights, folder / f"upscale-{scale}x.safetensors", metadata={"format": "pt"})


def export(cache: Path, root: Path | None = None) -> Path:
    """Write the model folder (below `root` instead of the package's models, when given) and return it."""
    states = {scale: torch.load(_file(cache, scale), weights_only=True, map_location="cpu") for scale in SCALES}
    scores = cache / "upscaler-metrics.json"
    metrics: dict[str, Any] = json.loads(scores.read_text()) if scores.exists() else {}
    return pack(
        NAME,
        lambda folder: write(cache, folder),
        {
            "title": "Starter upscale",
            "family": "srvgg",
            "capabilities": ["upscale"],
            "runtime": {
                "library": "onnxruntime",
                "files": {str(scale): f"upscale-{scale}x.onnx" for scale in SCALES},
                "weights": {str(scale): f"upscale-{scale}x.safetensors" for scale in SCALES},
                "overlap": DEPTH + 2,
            },
            "training": {
                "data": "procedural renders of bullpen_starter.render at 512 pixels, and the same made small",
                "panels": PANELS,
                "steps": {str(scale): state["steps"] for scale, state in states.items()},
                "minutes": {str(scale): round(state["used"] / 60, 1) for scale, state in states.items()},
                "batch": BATCH,
                "window": WINDOW,
                "rate": RATE,
                "seed": SEED,
            },
            "metrics": metrics,
        },
        card(metrics),
        root,
    )


__all__ = ["NAME", "SCALES", "export", "loss", "measure", "train", "trained", "write"]
