"""The cutout network: a small U-Net from a picture to the alpha of the characters in it, and its calibrated form.

The calibrated form is what is shipped. rembg's custom sessions stretch whatever they get to 0..1 by its own minimum
and maximum, so a picture without characters would come back full of stretched noise. `Calibrated` makes that stretch
the identity: where the alpha does not reach 1 (or 0) by itself, one corner pixel is set to it. The price is a single
bright pixel in the corner of an otherwise empty mask.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

# What rembg's `u2net_custom` session does to a picture before it asks the network.
SIDE = 320
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

WIDTHS = (16, 32, 64, 96, 128)


def _step(inner: int, outer: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inner, outer, 3, stride, dilation, dilation, bias=False),
        nn.BatchNorm2d(outer),
        nn.ReLU(inplace=True),
    )


class Matting(nn.Module):
    """Pictures (n, 3, h, w), normalised as rembg does it, to logits of alpha (n, 1, h, w); h and w in steps of 32.

    Works at half resolution on 2 by 2 blocks of pixels, so that no pixel is thrown away and none is paid for twice.
    """

    def __init__(self, widths: tuple[int, int, int, int, int] = WIDTHS) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.fold = nn.PixelUnshuffle(2)
        self.enter = _step(12, a)
        self.down = nn.ModuleList(
            [
                nn.Sequential(_step(a, b, 2), _step(b, b)),
                nn.Sequential(_step(b, c, 2), _step(c, c)),
                nn.Sequential(_step(c, d, 2), _step(d, d)),
                nn.Sequential(_step(d, e, 2), _step(e, e, dilation=2), _step(e, e, dilation=2)),
            ]
        )
        self.up = nn.ModuleList(
            [_step(e + d, d), _step(d + c, c), nn.Sequential(_step(c + b, b), _step(b, b)), _step(b + a, a)]
        )
        self.hints = nn.ModuleList([nn.Conv2d(c, 1, 1), nn.Conv2d(b, 1, 1)])
        self.leave = nn.Sequential(_step(a, a), nn.Conv2d(a, 4, 3, 1, 1), nn.PixelShuffle(2))

    def forward(self, picture: Tensor) -> Tensor:
        """Logits of alpha at full size."""
        logits: Tensor = self.all(picture)[0]
        return logits

    def all(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits at full size, and coarse ones at an eighth and a quarter, which only training looks at."""
        states = [self.enter(self.fold(picture))]
        for level in self.down:
            states.append(level(states[-1]))
        now = states.pop()
        hints = []
        for number, level in enumerate(self.up):
            now = functional.interpolate(now, scale_factor=2.0, mode="nearest")
            now = level(torch.cat([now, states.pop()], dim=1))
            if number in (1, 2):
                hints.append(self.hints[number - 1](now))
        return self.leave(now), hints[0], hints[1]


def alpha(logits: Tensor) -> Tensor:
    """Alpha in 0..1 that does reach both ends."""
    return (torch.sigmoid(logits) * 1.04 - 0.02).clamp(0, 1)


class Calibrated(nn.Module):
    """A `Matting` whose output a stretch by minimum and maximum leaves as it is; for one picture at a time."""

    def __init__(self, network: Matting, side: int = SIDE) -> None:
        super().__init__()
        self.network = network
        self.rest = side - 1

    def forward(self, picture: Tensor) -> Tensor:
        """Alpha (1, 1, side, side) with a smallest value near 0 and a largest near 1."""
        out = alpha(self.network(picture))
        dark = (out.amax(dim=(1, 2, 3), keepdim=True) < 0.99).float()
        bright = (out.amin(dim=(1, 2, 3), keepdim=True) > 0.01).float()
        # Padded to full size, the two answers need no pictures of corners in the file.
        first = functional.pad(dark, (0, self.rest, 0, self.rest))
        last = functional.pad(bright, (self.rest, 0, self.rest, 0))
        return torch.minimum(torch.maximum(out, first), 1 - last)
