"""The encoder, written down instead of trained: eight linear coefficients for each patch of 4 by 4 pixels.

Three are the mean colour of the patch (luma and two chroma, so that no hue is lost), five the strongest principal
components of what is left of its luma. All have unit variance, which the stock pipeline needs, since it does not scale
the latents of the source picture. They are laid into the weights of an ordinary AutoencoderKL encoder: its strided
convolutions gather the patch, its residual branches are zero, and large constant channels hold the norms still.
Only the decoder is left to learn.
"""

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor

COEFFICIENTS = 8
PATCH = 4
STILL = 16.0
LUMA = np.array([0.299, 0.587, 0.114])
COLOUR = np.stack([LUMA, np.array([-0.169, -0.331, 0.5]), np.array([0.5, -0.419, -0.081])])


def basis(panels: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kernel (8, 3, 4, 4) and bias (8) that take patches of -1..1 colours to coefficients of unit variance."""
    count, height, width, _ = panels.shape
    pixels = panels.astype(np.float64) / 127.5 - 1
    patches = pixels.reshape(count, height // PATCH, PATCH, width // PATCH, PATCH, 3)
    patches = patches.transpose(0, 1, 3, 2, 4, 5).reshape(-1, PATCH * PATCH, 3)
    luma = patches @ LUMA
    detail = luma - luma.mean(axis=1, keepdims=True)
    strength, vectors = np.linalg.eigh(detail.T @ detail / len(detail))
    kernel = np.zeros((COEFFICIENTS, 3, PATCH * PATCH))
    kernel[:3] = COLOUR[:, :, None] / PATCH**2
    strongest = vectors[:, np.argsort(-strength)[: COEFFICIENTS - 3]].T
    strongest *= np.sign(strongest[np.arange(5), np.abs(strongest).argmax(axis=1)])[:, None]
    kernel[3:] = LUMA[None, :, None] * (strongest - strongest.mean(axis=1, keepdims=True))[:, None, :]
    values = np.einsum("npc,kcp->nk", patches, kernel)
    mean, std = values.mean(axis=0), values.std(axis=0)
    return (kernel / std[:, None, None]).reshape(COEFFICIENTS, 3, PATCH, PATCH), -mean / std


@torch.no_grad()
def install(vae: AutoencoderKL, kernel: NDArray[np.float64], bias: NDArray[np.float64]) -> None:
    """Write the coefficients into the encoder of `vae`, for channels (16, 32, 64) and two norm groups."""
    for p in vae.encoder.parameters():
        p.zero_()
    encoder, weights = vae.encoder, torch.from_numpy(kernel).float()
    eye = torch.eye(64)
    encoder.conv_in.weight[:3, :, 1, 1] = eye[:3, :3]
    gather = encoder.down_blocks[0].downsamplers[0].conv.weight
    for tap in range(4):
        gather[3 * tap : 3 * tap + 3, :3, tap // 2, tap % 2] = eye[:3, :3]
    encoder.down_blocks[1].resnets[0].conv_shortcut.weight[:12, :12, 0, 0] = eye[:12, :12]
    project = encoder.down_blocks[1].downsamplers[0].conv.weight
    for coarse in range(4):
        for tap in range(4):
            y, x = 2 * (coarse // 2) + tap // 2, 2 * (coarse % 2) + tap % 2
            project[:COEFFICIENTS, 3 * tap : 3 * tap + 3, coarse // 2, coarse % 2] = weights[:, :, y, x]
    spread = encoder.down_blocks[2].resnets[0].conv_shortcut.weight
    spread[:COEFFICIENTS, :COEFFICIENTS, 0, 0] = eye[:8, :8]
    spread[COEFFICIENTS : 2 * COEFFICIENTS, :COEFFICIENTS, 0, 0] = -eye[:8, :8]
    # Channels 16 to 31 only carry constants of either sign; with them the first norm group divides by a constant.
    still = torch.tensor([STILL, -STILL] * 8)
    encoder.mid_block.resnets[-1].conv2.bias[16:32] = still
    encoder.conv_norm_out.weight[:16] = STILL * 0.5**0.5
    # silu(x) - silu(-x) = x, so two channels of either sign pass a value through unchanged.
    encoder.conv_out.weight[:8, :8, 1, 1] = eye[:8, :8]
    encoder.conv_out.weight[:8, 8:16, 1, 1] = -eye[:8, :8]
    encoder.conv_out.bias[8:] = -12.0
    quant = vae.quant_conv
    assert quant is not None
    quant.weight[:, :, 0, 0] = eye[:16, :16]
    quant.bias.zero_()
    quant.bias[:8] = torch.from_numpy(bias).float()


@torch.no_grad()
def coefficients(pictures: Tensor, kernel: NDArray[np.float64], bias: NDArray[np.float64]) -> Tensor:
    """The same numbers by one convolution: pictures (n, 3, h, w) in -1..1 to (n, 8, h/4, w/4)."""
    weights = torch.from_numpy(kernel).to(pictures)
    return torch.nn.functional.conv2d(pictures, weights, torch.from_numpy(bias).to(pictures), stride=PATCH)


@torch.no_grad()
def start_decoder(vae: AutoencoderKL, kernel: NDArray[np.float64], bias: NDArray[np.float64]) -> None:
    """Let the untrained decoder begin with the right mean colours; details are left to training."""
    decoder, post = vae.decoder, vae.post_quant_conv
    assert post is not None
    post.weight[:, :, 0, 0] = torch.eye(8)
    post.bias.zero_()
    for name, p in decoder.named_parameters():
        if name.endswith(("conv2.weight", "conv2.bias")):
            p.zero_()
    means = np.linalg.inv(kernel[:3].sum(axis=(2, 3)))
    decoder.conv_in.weight[:3] = 0
    decoder.conv_in.weight[:3, :3, 1, 1] = torch.from_numpy(means).float()
    decoder.conv_in.bias[:3] = torch.from_numpy(-means @ bias[:3]).float()
    smooth = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    for block in decoder.up_blocks[:2]:
        conv = block.upsamplers[0].conv
        conv.weight[:3] = 0
        conv.bias[:3] = 0
        for channel in range(3):
            conv.weight[channel, channel] = smooth
    half = decoder.up_blocks[1].resnets[0].conv_shortcut
    half.weight[:3], half.bias[:3] = 0, 0
    half.weight[:3, :3, 0, 0] = torch.eye(3)
    last = decoder.up_blocks[2].resnets[0].conv_shortcut
    last.weight[:8], last.bias[:8] = 0, 0
    last.weight[:3, :3, 0, 0] = torch.eye(3)
    last.weight[3:6, :3, 0, 0] = -torch.eye(3)
    decoder.up_blocks[2].resnets[-1].conv2.bias[6:8] = torch.tensor([3.0, -3.0])
    decoder.conv_norm_out.weight[:8] = (2 * 9 / 8 + 6 / 8 * 0.4) ** 0.5
    decoder.conv_out.weight *= 0.1
    decoder.conv_out.weight[:, :8] = 0
    decoder.conv_out.weight[:, :3, 1, 1] = torch.eye(3)
    decoder.conv_out.weight[:, 3:6, 1, 1] = -torch.eye(3)
