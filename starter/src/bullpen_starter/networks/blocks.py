"""The one building block of the small recognisers: convolution, batch norm, SiLU."""

from torch import nn


def convolution(inner: int, outer: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """`inner` channels to `outer`, reduced `stride`-fold (rounded up), then normalised and bent."""
    return nn.Sequential(
        nn.Conv2d(inner, outer, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outer),
        nn.SiLU(inplace=True),
    )
