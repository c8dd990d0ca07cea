"""The picture codec: an AutoencoderKL with 4-fold reduction and 8 latent channels, trained on rendered panels.

Loss: absolute and squared error, a chroma term (hues are lost first), an edge term (lines are lost second), a
small pull of the latents towards unit variance, and noise on the latents so that the decoder forgives a small error.
"""

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from bullpen_starter.train import data
from bullpen_starter.train.clock import Average, Budget
from bullpen_starter.train.parallel import Team
from bullpen_starter.train.say import say

CHANNELS = 8
# For this share of the time the codec sees crops only: four times as many steps while it learns the colours.
CROPPED, CROP = 0.6, 64


def build() -> AutoencoderKL:
    """The untrained codec, 0.66 million parameters; its residual branches start at nothing."""
    vae = AutoencoderKL(
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
    for name, p in vae.named_parameters():
        if name.endswith("conv2.weight"):
            torch.nn.init.zeros_(p)
    return vae


def to_tensor(panels: np.ndarray, device: str) -> Tensor:
    """uint8 (n, h, w, 3) to float (n, 3, h, w) in -1..1."""
    batch = torch.from_numpy(np.ascontiguousarray(panels)).to(device).permute(0, 3, 1, 2).float()
    return (batch / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def _loss(out: Tensor, truth: Tensor) -> Tensor:
    error = out - truth
    chroma = error - error.mean(dim=1, keepdim=True)
    edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    coarse = functional.avg_pool2d(error, 8).abs().mean()
    return error.abs().mean() + 2 * error.square().mean() + 2 * chroma.abs().mean() + coarse + 0.4 * edges


def psnr(out: Tensor, truth: Tensor) -> float:
    """Peak signal to noise in dB of pictures in -1..1, mean over the batch."""
    mse = (out.clamp(-1, 1) - truth).square().mean(dim=(1, 2, 3)) / 4
    return float((-10 * mse.clamp_min(1e-10).log10()).mean())


@torch.no_grad()
def fold(vae: AutoencoderKL, sample: Tensor) -> None:
    """Make latents of zero mean and unit variance per channel, without changing any decoded picture.

    The stock pipeline does not scale the latents of the source picture, so the scale has to live in the weights.
    """
    vae.eval()
    means = torch.cat([vae.encode(part).latent_dist.mean for part in sample.split(16)])
    mean, std = means.mean(dim=(0, 2, 3)), means.std(dim=(0, 2, 3))
    quant, post = vae.quant_conv, vae.post_quant_conv
    assert quant is not None
    assert post is not None
    quant.bias[:CHANNELS] = (quant.bias[:CHANNELS] - mean) / std
    quant.weight[:CHANNELS] /= std[:, None, None, None]
    post.bias += (post.weight[:, :, 0, 0] * mean).sum(dim=1)
    post.weight *= std[None, :, None, None]


def train(team: Team, cache: Path, device: str, minutes: float, resume: bool) -> None:
    """Train for `minutes` and write `vae/` and the encoded panels under `cache`."""
    torch.manual_seed(1)
    rng = np.random.default_rng((1, team.rank))
    panels, _, _ = data.load(cache, "train")
    unseen, _, _ = data.load(cache, "unseen")
    truth = to_tensor(unseen[::11], device)
    vae = build().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = Average(vae, 0.995)
    optimiser = torch.optim.AdamW(vae.parameters(), lr=2e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    state, used, step = cache / "vae.pt", 0.0, 0
    if resume and state.exists():
        saved = torch.load(state, weights_only=True)
        vae.load_state_dict(saved["vae"])
        optimiser.load_state_dict(saved["optimiser"])
        average.values, used, step = saved["average"], saved["used"], saved["step"]
    budget, batch, share = Budget(minutes, used), 4, 0.0
    while share < 1:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * budget.rate(at=share)
        picks = np.sort(rng.integers(0, len(panels), batch))
        if share < CROPPED:
            x, y = rng.integers(0, data.SIZE - CROP + 1, 2)
            picture = to_tensor(panels[picks, y : y + CROP, x : x + CROP], device)
        else:
            picture = to_tensor(panels[picks], device)
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            posterior = vae.encode(picture).latent_dist
            mean = posterior.mean
            out = vae.decode(mean + 0.05 * torch.randn_like(mean)).sample.float()
        spread = mean.float().std(dim=(0, 2, 3))
        loss = (
            _loss(out, picture)
            + 0.01 * (spread - 1).square().mean()
            + 0.01 * mean.float().mean(dim=(0, 2, 3)).square().mean()
        )
        loss = loss + 1e-4 * (posterior.logvar.float() + 6).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        share = team.agree(vae, budget.share)
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        average.update(vae)
        step += 1
        if step % 200 == 0 and team.rank == 0:
            with torch.no_grad():
                score = psnr(vae.decode(vae.encode(truth).latent_dist.mean).sample, truth)
            say(f"vae {budget.seconds / 60:.1f} min step {step} loss {loss.item():.4f} unseen {score:.2f} dB")
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
    fold(vae, to_tensor(panels[:: max(1, len(panels) // 256)], device))
    with torch.no_grad():
        score = psnr(vae.decode(vae.encode(truth).latent_dist.mean).sample, truth)
    say(f"vae done: {step} steps, unseen {score:.2f} dB")
    vae.save_pretrained(cache / "vae")
    encode(cache, device)


@torch.no_grad()
def encode(cache: Path, device: str) -> None:
    """Write `train.latents.npy` and `unseen.latents.npy`: float16 (panels, 8, 32, 32)."""
    vae = AutoencoderKL.from_pretrained(cache / "vae").to(device, memory_format=torch.channels_last).eval()
    for split in ("unseen", "train"):
        panels, _, _ = data.load(cache, split)
        out = np.empty((len(panels), CHANNELS, data.SIZE // 4, data.SIZE // 4), np.float16)
        for start in range(0, len(panels), 32):
            part = to_tensor(panels[start : start + 32], device)
            out[start : start + 32] = vae.encode(part).latent_dist.mean.cpu().numpy()
        np.save(cache / f"{split}.latents.npy", out)
