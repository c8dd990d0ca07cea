"""Small pictures of what is being denoised.

The model's own decoder is used at reduced size: fixed latent-to-colour tables are wrong for any model but the one they
were fitted to. Latents are averaged down first, so the cost does not grow with the picture.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import torch
from PIL import Image

from bullpen_worker.engines.base import MAX_PREVIEW_BYTES, Preview

MAX_LATENT_SIDE = 16
_QUALITIES = (80, 60, 40, 20)


def render_preview(
    vae: Any, latents: torch.Tensor, restore: Callable[[Image.Image], Image.Image] | None = None
) -> Preview | None:
    """Decodes latents [1, C, h, w] at no more than MAX_LATENT_SIDE cells a side, as JPEG.

    `restore` cuts off what was only padding. None where the values are not finite or no quality fits MAX_PREVIEW_BYTES.
    """
    shrink = MAX_LATENT_SIDE / max(latents.shape[-2:])
    if shrink < 1:
        size = [max(1, round(side * shrink)) for side in latents.shape[-2:]]
        latents = torch.nn.functional.interpolate(latents.float(), size=size, mode="area").to(latents.dtype)
    decoded = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0][0]
    if not bool(torch.isfinite(decoded).all()):
        return None
    pixels = ((decoded.float() * 0.5 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().cpu().numpy())
    if restore is not None:
        image = restore(image)
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= MAX_PREVIEW_BYTES:
            return Preview(buffer.getvalue(), "image/jpeg")
    return None
