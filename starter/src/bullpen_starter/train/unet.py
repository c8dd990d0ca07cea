"""The edit network and its noise schedule, in the shapes that the stock InstructPix2Pix pipeline runs unchanged."""

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

from bullpen_starter.train.text import WIDTH
from bullpen_starter.train.vae import CHANNELS

LATENT = 32
# The hidden channels that carry the means of the noise.
WIRES = slice(24, 32)
# How much larger than other features they arrive, so that they are heard.
LOUD = 2.5


def build(in_channels: int = 2 * CHANNELS) -> UNet2DConditionModel:
    """5.9 million parameters. The pooled instruction modulates every block; words are attended to at 8 by 8.

    Half of the channels are noise, half the source; text-to-image has the noise alone.
    """
    net = UNet2DConditionModel(
        sample_size=LATENT,
        in_channels=in_channels,
        out_channels=CHANNELS,
        block_out_channels=(32, 64, 160),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=4,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
    )
    wire_noise(net)
    if in_channels > CHANNELS:
        wire_source(net)
    return net


@torch.no_grad()
def wire_source(net: UNet2DConditionModel) -> None:
    """Begin with the source as the answer: an edit keeps most of a picture, and learning to copy takes long.

    The source is laid through the first skip to the output. Since silu(x) - silu(-x) = x, two channels of either sign
    carry one through the last activation; the norm before it divides by their spread, which is near one.
    """
    eye = torch.eye(CHANNELS)
    net.conv_in.weight[:CHANNELS] = 0
    net.conv_in.bias[:CHANNELS] = 0
    net.conv_in.weight[:CHANNELS, CHANNELS:, 1, 1] = eye
    last = net.up_blocks[-1].resnets[-1]
    skip = last.conv_shortcut.weight.shape[1] - net.conv_in.weight.shape[0]
    pairs = torch.repeat_interleave(eye, 2, dim=0) * torch.tensor([1.0, -1.0] * CHANNELS)[:, None]
    last.conv2.weight[: 2 * CHANNELS] = 0
    last.conv2.bias[: 2 * CHANNELS] = 0
    last.conv_shortcut.weight[: 2 * CHANNELS] = 0
    last.conv_shortcut.bias[: 2 * CHANNELS] = 0
    last.conv_shortcut.weight[: 2 * CHANNELS, skip : skip + CHANNELS, 0, 0] = pairs
    net.conv_out.weight *= 0.2
    net.conv_out.bias.zero_()
    net.conv_out.weight[:, : 2 * CHANNELS] = 0
    net.conv_out.weight[:, : 2 * CHANNELS, 1, 1] = pairs.T


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
        for tap in ((1, 1), (1, 2), (2, 1), (2, 2)):
            conv.weight[WIRES, first:last, tap[0], tap[1]] = eye / 2
        shortcut = net.down_blocks[level + 1].resnets[0].conv_shortcut
        shortcut.weight[WIRES] = 0
        shortcut.bias[WIRES] = 0
        shortcut.weight[WIRES, first:last, 0, 0] = eye * (LOUD if level else 1)


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
