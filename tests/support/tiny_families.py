"""Builds tiny random models of the large families, and the networks that act beside them, for tests of the real code.

A megabyte at most each, and tenths of a second to build. Weights are random, so the pictures mean nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.tiny_pipeline import LATENT_CHANNELS, SIZE, tokenizer

CROSS = 16
HIDDEN = 16


def build_tiny_xl(folder: Path) -> Path:
    """A Stable Diffusion XL pipeline."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    with _seeded():
        first, second = _text_encoder(), _text_encoder(projected=True)
        unet = UNet2DConditionModel(
            **_unet_shape(),
            cross_attention_dim=2 * HIDDEN,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + HIDDEN,
            use_linear_projection=True,
        )
        with torch.no_grad():
            for parameter in unet.parameters():
                parameter.mul_(1.5)
        pipeline = StableDiffusionXLPipeline(
            vae=_vae(),
            text_encoder=first,
            text_encoder_2=second,
            tokenizer=tokenizer(),
            tokenizer_2=tokenizer(),
            unet=unet,
            scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
            add_watermarker=False,
        )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def build_tiny_flux(folder: Path, kind: str = "FluxPipeline") -> Path:
    """A Flux pipeline; `kind` may be FluxKontextPipeline, which has the same networks."""
    import diffusers
    from transformers import T5Config, T5EncoderModel

    with _seeded():
        transformer = diffusers.FluxTransformer2DModel(
            patch_size=1,
            in_channels=4 * LATENT_CHANNELS,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=HIDDEN,
            pooled_projection_dim=HIDDEN,
            axes_dims_rope=(4, 4, 8),
            guidance_embeds=True,
        )
        words = tokenizer()
        second = T5EncoderModel(
            T5Config(vocab_size=len(words), d_model=HIDDEN, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
        )
        pipeline = getattr(diffusers, kind)(
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
            vae=_vae(shift_factor=0.1),
            text_encoder=_text_encoder(),
            tokenizer=words,
            text_encoder_2=second,
            tokenizer_2=tokenizer(),
            transformer=transformer,
        )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def build_tiny_control(folder: Path, cross: int = CROSS) -> Path:
    """A ControlNet for the tiny Stable Diffusion, in the layout in which they are handed on: no index, no manifest."""
    import torch
    from diffusers import ControlNetModel

    with _seeded():
        shape = {key: value for key, value in _unet_shape().items() if key not in ("out_channels", "up_block_types")}
        del shape["sample_size"]
        network = ControlNetModel(**shape, cross_attention_dim=cross, conditioning_embedding_out_channels=(4, 8))
        with torch.no_grad():
            # Fresh ControlNets begin with zeroes, and would change nothing.
            for parameter in network.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    network.save_pretrained(folder, safe_serialization=True)
    return folder


def build_tiny_ip_adapter(folder: Path, unet: Any) -> Path:
    """An IP-Adapter for a UNet, with its picture encoder, and a manifest that says what it is."""
    import torch
    from safetensors.torch import save_file
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    cross, tokens = int(unet.config.cross_attention_dim), 4
    with _seeded():
        encoder = CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=HIDDEN,
                intermediate_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                image_size=32,
                patch_size=8,
                projection_dim=HIDDEN,
            )
        )
        weights = {
            "image_proj.proj.weight": torch.randn(tokens * cross, HIDDEN),
            "image_proj.proj.bias": torch.zeros(tokens * cross),
            "image_proj.norm.weight": torch.ones(cross),
            "image_proj.norm.bias": torch.zeros(cross),
        }
        attentions = [name for name in unet.attn_processors if "attn2" in name]
        for index, name in enumerate(attentions):
            width = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
            for which in ("to_k_ip", "to_v_ip"):
                weights[f"ip_adapter.{2 * index + 1}.{which}.weight"] = torch.randn(width, cross)
    folder.mkdir(parents=True)
    encoder.save_pretrained(folder / "image_encoder", safe_serialization=True)
    save_file(weights, folder / "ip-adapter.safetensors")
    write_manifest(folder, family="ip-adapter", capabilities=["reference_adapter"], base_family="stable-diffusion")
    return folder


def build_tiny_depth(folder: Path) -> Path:
    """A network that estimates depth."""
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessorPil

    with _seeded():
        network = DPTForDepthEstimation(
            DPTConfig(
                hidden_size=16,
                num_hidden_layers=4,
                num_attention_heads=2,
                intermediate_size=16,
                image_size=32,
                patch_size=16,
                backbone_out_indices=[0, 1, 2, 3],
                neck_hidden_sizes=[8, 8, 8, 8],
                fusion_hidden_size=8,
                reassemble_factors=[4, 2, 1, 0.5],
            )
        )
    network.save_pretrained(folder, safe_serialization=True)
    DPTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def write_manifest(folder: Path, **said: Any) -> None:
    """A manifest that lists every file of the folder with its hash."""
    files = {
        path.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size_bytes": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = {"schema_version": 1, "title": folder.name, "licence": "Apache-2.0", **said, "files": files}
    (folder / "bullpen-manifest.json").write_text(json.dumps(manifest))


@contextmanager
def _seeded() -> Iterator[None]:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20)
        yield


def _unet_shape() -> dict[str, Any]:
    return {
        "sample_size": SIZE // 2,
        "in_channels": LATENT_CHANNELS,
        "out_channels": LATENT_CHANNELS,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "attention_head_dim": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }


def _vae(**more: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=4,
        sample_size=SIZE,
        **more,
    )


def _text_encoder(projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    words = tokenizer()
    kind = CLIPTextModelWithProjection if projected else CLIPTextModel
    return kind(
        CLIPTextConfig(
            vocab_size=len(words),
            hidden_size=HIDDEN,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=77,
            projection_dim=HIDDEN,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        )
    )
