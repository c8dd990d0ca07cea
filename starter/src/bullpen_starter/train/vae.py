"""The picture codec: an AutoencoderKL with 4-fold reduction and 8 latent channels.

The encoder is linear and written down (`codec`); the decoder is trained on rendered panels to draw crisp pictures from
the coefficients. Loss: absolute and squared error, a chroma term, an edge term since lines are lost first. Noise on the
latents makes the decoder forgive small errors of the edit network.
"""

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor

from bullpen_starter.train import codec, data
from bullpen_starter.train.clock import Average, Budget, clock
from bullpen_starter.train.parallel import Team
from bullpen_starter.train.say import say

CHANNELS = codec.COEFFICIENTS
RATE = 1.5e-3
BATCH = {"cpu": 4, "cuda": 64}  # per process
# For this share of the time the decoder sees crops only: four times as many steps.
CROPPED, CROP = 0.6, 64
# Panels encoded at once.
CHUNK = 256


def build() -> AutoencoderKL:
    """The codec without weights, 0.66 million parameters."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(16, 32, 64),
        layers_per_block=1,
        latent_channels=CHANNELS,
        norm_num_groups=2,
        sample_size=data.SIZE,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )


def to_tensor(panels: NDArray[np.uint8], device: str) -> Tensor:
    """uint8 (n, h, w, 3) to float (n, 3, h, w) in -1..1."""
    batch = torch.from_numpy(np.array(panels)).to(device).permute(0, 3, 1, 2).float()
    return (batch / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def loss(out: Tensor, truth: Tensor) -> Tensor:
    """How far a decoded picture is from the true one."""
    error = out - truth
    chroma = error - error.mean(dim=1, keepdim=True)
    edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return error.abs().mean() + 2 * error.square().mean() + chroma.abs().mean() + 0.4 * edges


def psnr(out: Tensor, truth: Tensor) -> float:
    """Peak signal to noise in dB of pictures in -1..1, mean over the batch."""
    mse = (out.clamp(-1, 1) - truth).square().mean(dim=(1, 2, 3)) / 4
    return float((-10 * mse.clamp_min(1e-10).log10()).mean())


def encode(cache: Path, device: str = "cpu") -> None:
    """Find the coefficients and the latents of all panels, float16 (panels, 8, 32, 32); write what is missing."""
    if (cache / "codec.npz").exists():
        with np.load(cache / "codec.npz") as stored:
            kernel, bias = stored["kernel"], stored["bias"]
    else:
        panels, _, _ = data.load(cache, "train")
        kernel, bias = codec.basis(np.asarray(panels[::97]))
        np.savez(cache / "codec.npz", kernel=kernel, bias=bias)
    for split in data.SPLITS:
        panels, _, _ = data.load(cache, split)
        latents = cache / f"{split}.latents.npy"
        if latents.exists() and len(np.load(latents, mmap_mode="r")) == len(panels):
            continue
        shape = (len(panels), CHANNELS, data.SIZE // 4, data.SIZE // 4)
        out = np.lib.format.open_memmap(latents, mode="w+", dtype=np.float16, shape=shape)
        for start in range(0, len(panels), CHUNK):
            part = to_tensor(panels[start : start + CHUNK], device)
            out[start : start + CHUNK] = codec.coefficients(part, kernel, bias).half().cpu().numpy()
        out.flush()


def train(team: Team, cache: Path, device: str, minutes: float, resume: bool) -> None:
    """Train the decoder for `minutes` and write `vae/` under `cache`."""
    torch.manual_seed(1)
    rng = np.random.default_rng((1, team.rank))
    panels, _, _ = data.load(cache, "train")
    held_out, _, _ = data.load(cache, "validation")
    truth = to_tensor(held_out[::17], device)
    with np.load(cache / "codec.npz") as stored:
        kernel, bias = stored["kernel"], stored["bias"]
    vae = build()
    codec.install(vae, kernel, bias)
    codec.start_decoder(vae, kernel, bias)
    vae.to(device, memory_format=torch.channels_last)
    for p in (*vae.encoder.parameters(), *vae.quant_conv.parameters()):
        p.requires_grad_(False)
    average = Average(vae, 0.995)
    learned = [p for p in vae.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=RATE, betas=(0.9, 0.99), weight_decay=1e-4)
    state, used, step, share = cache / "vae.pt", 0.0, 0, 0.0
    if resume and state.exists():
        saved = torch.load(state, weights_only=True)
        vae.load_state_dict(saved["vae"])
        optimiser.load_state_dict(saved["optimiser"])
        average.values, used, step = saved["average"], saved["used"], saved["step"]
    budget, batch = Budget(minutes, used, clock(device)), BATCH.get(device, 64)
    while share < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * budget.rate(at=share)
        picks = np.sort(rng.integers(0, len(panels), batch))
        if share < CROPPED:
            x, y = rng.integers(0, (data.SIZE - CROP) // codec.PATCH + 1, 2) * codec.PATCH
            picture = to_tensor(panels[picks, y : y + CROP, x : x + CROP], device)
        else:
            picture = to_tensor(panels[picks], device)
        latents = codec.coefficients(picture, kernel, bias)
        latents = latents + 0.1 * torch.rand(batch, 1, 1, 1, device=device) * torch.randn_like(latents)
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            out = vae.decode(latents).sample.float()
        optimiser.zero_grad(set_to_none=True)
        loss(out, picture).backward()  # type: ignore[no-untyped-call]
        share = team.agree(vae, budget.share)
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
        average.update(vae)
        step += 1
        if step % 200 == 0 and team.rank == 0:
            with torch.no_grad():
                score = psnr(vae.decode(codec.coefficients(truth, kernel, bias)).sample, truth)
            say(f"vae {budget.seconds / 60:.1f} min step {step} validation {score:.2f} dB")
            torch.save(
                {
                    "vae": vae.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "average": average.values,
                    "used": budget.seconds,
                    "step": step,
                },
                state,
            )
    if team.rank:
        return
    average.copy_to(vae)
    with torch.no_grad():
        score = psnr(vae.decode(vae.encode(truth).latent_dist.mean).sample, truth)
    say(f"vae done: {step} steps, validation {score:.2f} dB")
    vae.to("cpu").save_pretrained(cache / "vae")
