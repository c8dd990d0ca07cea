"""Builds tiny random pipelines, one for edits and one for pictures from text, for tests that need the real code.

Half a megabyte, about 0.1 s to build once the libraries are imported. Weights are random, so its pictures mean nothing.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

FAMILY = "instruct-pix2pix"
TEXT_FAMILY = "stable-diffusion"
# Width and height in pixels that the model works at, and its latents' cells.
SIZE = 32
LATENT_CHANNELS = 4


def build_tiny_pipeline(folder: Path, *, scheduler: str = "ddim", family: str = FAMILY) -> Path:
    """Writes the pipeline as safetensors to `folder` and returns it. Equal arguments give equal weights.

    `scheduler` is `ddim`; `ddpm`, which draws noise in every step; or `pndm`, which keeps state from step to step.
    """
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20)
        pipeline = _assemble(scheduler, family)
        # Fresh networks answer nearly nothing; stronger weights make differences visible in eight bits.
        with torch.no_grad():
            for parameter in pipeline.unet.parameters():
                parameter.mul_(1.5)
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def _assemble(scheduler: str, family: str) -> Any:
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        DDPMScheduler,
        PNDMScheduler,
        StableDiffusionInstructPix2PixPipeline,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel

    unet = UNet2DConditionModel(
        sample_size=SIZE // 2,
        in_channels=LATENT_CHANNELS if family == TEXT_FAMILY else 2 * LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        cross_attention_dim=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=4,
        sample_size=SIZE,
    )
    words = tokenizer()
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(words),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=77,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        )
    )
    classes = {"ddim": DDIMScheduler, "ddpm": DDPMScheduler, "pndm": PNDMScheduler}
    # What the stock pipeline from text would correct, with a warning.
    options: dict[str, Any] = {"steps_offset": 1} if family == TEXT_FAMILY else {}
    if options and scheduler != "pndm":
        options["clip_sample"] = False
    pipelines = {FAMILY: StableDiffusionInstructPix2PixPipeline, TEXT_FAMILY: StableDiffusionPipeline}
    return pipelines[family](
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=words,
        unet=unet,
        scheduler=classes[scheduler](**options),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def tokenizer() -> Any:
    """A byte-level tokenizer of printable characters, each alone and at the end of a word, without merges."""
    from transformers import CLIPTokenizer

    letters = string.ascii_lowercase + string.digits + string.punctuation
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    return CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=77)
