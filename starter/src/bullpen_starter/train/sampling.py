"""The sampler's rule, as training walks it and as the stock pipeline does without guidance."""

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from bullpen_starter.train import unet


class Steps:
    """The sampler's own table of alphas, and its deterministic step."""

    def __init__(self, device: str) -> None:
        alphas = unet.scheduler().alphas_cumprod.double().clamp(0, 1)
        self.signal = alphas.sqrt().float().to(device)
        self.noise = (1 - alphas).sqrt().float().to(device)

    def noised(self, clean: Tensor, noise: Tensor, at: Tensor) -> Tensor:
        """Pictures (n, 8, h, w) with noise of the strength of the timesteps `at` (n)."""
        out: Tensor = self.signal[at][:, None, None, None] * clean + self.noise[at][:, None, None, None] * noise
        return out

    def onward(self, noisy: Tensor, clean: Tensor, at: Tensor, to: Tensor) -> Tensor:
        """One step from `at` to `to`, the network having said `clean`."""
        eps = (noisy - self.signal[at][:, None, None, None] * clean) / self.noise[at][:, None, None, None]
        out: Tensor = self.signal[to][:, None, None, None] * clean + self.noise[to][:, None, None, None] * eps
        return out


@torch.no_grad()
def sample_latents(net: UNet2DConditionModel, source: Tensor, words: Tensor, noise: Tensor, steps: int) -> Tensor:
    """Run the sampler from `noise` as the pipeline does without guidance; all (n, 8, 32, 32)."""
    path, noisy = Steps(str(source.device)), noise
    times = unet.timesteps(steps)
    for number, time in enumerate(times):
        at = torch.full((len(noisy),), time, device=source.device)
        clean: Tensor = net(torch.cat([noisy, source], dim=1), at, encoder_hidden_states=words).sample
        if number + 1 == len(times):
            return clean
        noisy = path.onward(noisy, clean, at, torch.full_like(at, times[number + 1]))
    return noisy
