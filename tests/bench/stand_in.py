"""A random model of about the starter's cost, for machines on which the starter is not installed."""

from __future__ import annotations

from pathlib import Path

from tests.support.tiny_pipeline import build_tiny_pipeline

CHANNELS, CELLS = (48, 96, 192), 32


def build(folder: Path) -> Path:
    """Writes a pipeline with a UNet of some nine million parameters on 32×32 latents to `folder`; returns it."""
    import torch
    from diffusers import StableDiffusionInstructPix2PixPipeline, UNet2DConditionModel

    tiny = build_tiny_pipeline(folder.with_name(f"{folder.name}-tiny"))
    pipeline = StableDiffusionInstructPix2PixPipeline.from_pretrained(tiny, local_files_only=True)
    torch.manual_seed(3)
    pipeline.unet = UNet2DConditionModel.from_config(
        pipeline.unet.config,
        sample_size=CELLS,
        block_out_channels=CHANNELS,
        norm_num_groups=16,
        attention_head_dim=8,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder
