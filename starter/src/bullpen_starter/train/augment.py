"""Roughening: pictures lose what only a true render has, so that a recogniser judges generated ones by their content.

All functions take float pictures (n, 3, height, width) in -1..1 and give the same shape; each picture of a batch is
treated on its own by chance. Randomness comes from torch's generator, so a seed repeats a training.
"""

from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional


def blur(pictures: Tensor) -> Tensor:
    """Three by three means."""
    return functional.avg_pool2d(functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)


def halve(pictures: Tensor) -> Tensor:
    """Down to half the size and up again."""
    return functional.interpolate(functional.avg_pool2d(pictures, 2), scale_factor=2.0, mode="bilinear")


def codec(pictures: Tensor) -> Tensor:
    """What a code of 4 by 4 blocks leaves: colour as block means, light a little softer."""
    light = pictures.mean(dim=1, keepdim=True)
    colour = functional.avg_pool2d(pictures - light, 4)
    return halve(light) * 0.5 + blur(light) * 0.5 + functional.interpolate(colour, scale_factor=4.0, mode="bilinear")


def jpeg(pictures: Tensor, quality: int) -> Tensor:
    """Through a JPEG file of that quality."""
    levels = ((pictures.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    out = []
    for level in levels:
        file = BytesIO()
        Image.fromarray(np.ascontiguousarray(level)).save(file, "JPEG", quality=quality)
        out.append(np.asarray(Image.open(file)))
    return torch.from_numpy(np.stack(out)).to(pictures.device).permute(0, 3, 1, 2).float() / 127.5 - 1


def shift(pictures: Tensor, most: int) -> Tensor:
    """Move each picture by up to `most` pixels; edges repeat."""
    height, width = pictures.shape[-2:]
    wide = functional.pad(pictures, (most,) * 4, mode="replicate")
    moves = torch.randint(0, 2 * most + 1, (len(pictures), 2)).tolist()
    return torch.stack([wide[i, :, y : y + height, x : x + width] for i, (y, x) in enumerate(moves)])


def roughen(pictures: Tensor, most: int = 3) -> Tensor:
    """Shift by up to `most`; soften three of five pictures in one of four ways; then colour and noise."""
    # Plain memory order until the end: normal numbers come six times as fast in it.
    out = shift(pictures.contiguous(), most)
    kinds = torch.randint(0, 20, (len(out),), device=out.device)
    for soften, low, high in ((blur, 0, 4), (halve, 4, 6), (codec, 6, 10), (_any_jpeg, 10, 12)):
        chosen = torch.nonzero((kinds >= low) & (kinds < high)).flatten()
        if len(chosen):
            part = out[chosen]
            strength = 0.3 + 0.7 * torch.rand(len(part), 1, 1, 1, device=out.device)
            out[chosen] = part + (soften(part) - part) * strength
    n, device = len(out), out.device
    gain = 1 + 0.04 * torch.randn(n, 3, 1, 1, device=device)
    offset = 0.03 * torch.randn(n, 3, 1, 1, device=device)
    noise = 0.08 * torch.rand(n, 1, 1, 1, device=device) ** 2
    out = out.mul_(gain).add_(offset).add_(torch.randn(out.shape, device=device).mul_(noise))
    return out.contiguous(memory_format=torch.channels_last)


def _any_jpeg(pictures: Tensor) -> Tensor:
    return jpeg(pictures, int(torch.randint(55, 95, ())))
