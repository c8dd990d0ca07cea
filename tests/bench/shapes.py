"""Models of real size with random weights: the shapes of Stable Diffusion XL and of Flux, in half precision.

Shapes are those of the published configurations (stabilityai/stable-diffusion-xl-base-1.0 and
black-forest-labs/FLUX.1-dev); nothing is downloaded, and the pictures mean nothing. SDXL takes 7 GB of the disk, Flux
34; both are built on the device.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.tiny_families import build_tiny_flux, build_tiny_xl
from tests.support.tiny_pipeline import SIZE, tokenizer

# The engine's family, and the side of its pictures in pixels.
FAMILIES = {"sdxl": ("stable-diffusion-xl", 1024), "flux": ("flux", 1024)}


def side(family: str, tiny: bool) -> int:
    """The side of the family's pictures, in pixels."""
    return SIZE if tiny else FAMILIES[family][1]


def build(folder: Path, family: str, device: str, tiny: bool = False) -> Path:
    """Writes a pipeline and returns its folder. `tiny` has the same parts, in kilobytes."""
    if tiny:
        return {"sdxl": build_tiny_xl, "flux": build_tiny_flux}[family](folder)
    import torch

    before = torch.get_default_dtype()
    torch.manual_seed(11)
    torch.set_default_dtype(torch.float16)
    try:
        with torch.device(device):
            pipeline = _sdxl() if family == "sdxl" else _flux()
    finally:
        torch.set_default_dtype(before)
    pipeline.save_pretrained(folder, safe_serialization=True, max_shard_size="10GB")
    return folder


def _sdxl() -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=128,
        block_out_channels=(320, 640, 1280),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2, 10),
        attention_head_dim=(5, 10, 20),
        cross_attention_dim=2048,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    )
    return StableDiffusionXLPipeline(
        vae=_vae(4, scaling_factor=0.13025),
        text_encoder=_clip(768, 3072, 12, 12),
        text_encoder_2=_clip(1280, 5120, 32, 20, projected=True),
        tokenizer=tokenizer(),
        tokenizer_2=tokenizer(),
        unet=unet,
        scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012),
        add_watermarker=False,
    )


def _flux() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    second = T5EncoderModel(
        T5Config(
            vocab_size=32128,
            d_model=4096,
            d_kv=64,
            d_ff=10240,
            num_layers=24,
            num_heads=64,
            feed_forward_proj="gated-gelu",
        )
    )
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=_vae(16, scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=_clip(768, 3072, 12, 12),
        tokenizer=tokenizer(),
        text_encoder_2=second,
        tokenizer_2=tokenizer(),
        transformer=FluxTransformer2DModel(
            in_channels=64,
            num_layers=19,
            num_single_layers=38,
            attention_head_dim=128,
            num_attention_heads=24,
            joint_attention_dim=4096,
            pooled_projection_dim=768,
            guidance_embeds=True,
        ),
    )


def _vae(latent_channels: int, **more: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=latent_channels,
        sample_size=1024,
        force_upcast=False,
        **more,
    )


def _clip(width: int, inner: int, layers: int, heads: int, projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    words = tokenizer()
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(
        CLIPTextConfig(
            vocab_size=49408,
            hidden_size=width,
            intermediate_size=inner,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            max_position_embeddings=77,
            projection_dim=width,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        )
    )
