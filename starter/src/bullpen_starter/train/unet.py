"""The edit network and its noise schedule, in the shapes that the stock InstructPix2Pix pipeline runs unchanged."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch.nn.attention import SDPBackend, sdpa_kernel

from bullpen_starter.train.text import WIDTH
from bullpen_starter.train.vae import CHANNELS

LATENT = 32
WIDTHS = (40, 80, 160)
# The hidden channels that carry the means of the noise.
WIRES = slice(24, 32)
# How much larger than other features they arrive, so that they are heard.
LOUD = 2.5


def build(in_channels: int = 2 * CHANNELS) -> UNet2DConditionModel:
    """6.8 million parameters. The pooled words modulate every block; each is attended to at 16 by 16 and 8 by 8.

    Half of the channels are noise, half the source; text-to-image has the noise alone.
    """
    net = UNet2DConditionModel(
        sample_size=LATENT,
        in_channels=in_channels,
        out_channels=CHANNELS,
        block_out_channels=WIDTHS,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=WIDTHS[0] // 8,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
    )
    wire_noise(net)
    return net


@torch.no_grad()
def edits(painter: UNet2DConditionModel) -> UNet2DConditionModel:
    """An edit network that begins as the text-to-image network `painter` and does not yet see its source.

    The weights of the source's channels begin at zero, as InstructPix2Pix began from Stable Diffusion.
    """
    net, weights = build(), painter.state_dict()
    whole = weights["conv_in.weight"]
    weights["conv_in.weight"] = torch.cat([whole, torch.zeros_like(whole)], dim=1)
    net.load_state_dict(weights)
    return net


@torch.no_grad()
def wire_noise(net: UNet2DConditionModel) -> None:
    """Begin with the block means of the noise laid through to the smallest grid, one channel each.

    What an instruction leaves open is told by these means. Left alone, the network first learns to ignore all noise and
    comes back to it late; a straight wire at the start costs eight channels and saves that.
    """
    eye = torch.eye(CHANNELS)
    first, last = WIRES.start, WIRES.stop
    net.conv_in.weight[WIRES] = 0
    net.conv_in.bias[WIRES] = 0
    net.conv_in.weight[WIRES, :CHANNELS, 1, 1] = eye
    for level in (0, 1):
        block = net.down_blocks[level]
        block.resnets[0].conv2.weight[WIRES] = 0
        block.resnets[0].conv2.bias[WIRES] = 0
        conv = block.downsamplers[0].conv
        conv.weight[WIRES] = 0
        conv.bias[WIRES] = 0
        for attention in getattr(block, "attentions", ()):
            attention.proj_out.weight[WIRES] = 0
            attention.proj_out.bias[WIRES] = 0
        for tap in ((1, 1), (1, 2), (2, 1), (2, 2)):
            conv.weight[WIRES, first:last, tap[0], tap[1]] = eye / 2
        shortcut = net.down_blocks[level + 1].resnets[0].conv_shortcut
        shortcut.weight[WIRES] = 0
        shortcut.bias[WIRES] = 0
        shortcut.weight[WIRES, first:last, 0, 0] = eye * (LOUD if level else 1)


def attention(device: str) -> AbstractContextManager[Any]:
    """The attention kernel to train with: the plain one is the quickest for so few tokens on a CPU."""
    return sdpa_kernel(SDPBackend.MATH) if device == "cpu" else nullcontext()


def scheduler() -> DDIMScheduler:
    """From pure noise (zero terminal SNR), steps counted from the end (Lin et al. 2024); the network says the picture.

    Saying the picture and not the velocity spares a small network the copying of noise at late steps.
    """
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="sample",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
    )


def timesteps(steps: int) -> list[int]:
    """The trailing timesteps of a run, as the scheduler sets them: 4 gives 999, 749, 499, 249."""
    return [round(1000 - i * 1000 / steps) - 1 for i in range(steps)]
