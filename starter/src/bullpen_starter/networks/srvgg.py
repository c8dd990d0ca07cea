"""The upscaler network: SRVGGNetCompact, the compact member of the ESRGAN family.

Reimplemented from its description (Wang et al., Real-ESRGAN, 2021): all convolutions at the small size, pixel shuffle
at the end, added to the picture enlarged by repetition. The names in the state dict are those of the family
(`body.0.weight`, …), so readers of it, spandrel among them, find scale and width in the shapes.
"""

from torch import Tensor, nn
from torch.nn import functional


class SRVGGNetCompact(nn.Module):
    """RGB (n, 3, h, w) in 0..1 to (n, 3, h * upscale, w * upscale), not clipped; any h and w.

    A pixel depends on those within `reach` pixels of the small picture.
    """

    def __init__(self, num_feat: int = 32, num_conv: int = 12, upscale: int = 4) -> None:
        super().__init__()
        self.upscale = upscale
        self.reach = num_conv + 2
        layers: list[nn.Module] = [nn.Conv2d(3, num_feat, 3, 1, 1), nn.PReLU(num_feat)]
        for _ in range(num_conv):
            layers += [nn.Conv2d(num_feat, num_feat, 3, 1, 1), nn.PReLU(num_feat)]
        layers.append(nn.Conv2d(num_feat, 3 * upscale * upscale, 3, 1, 1))
        self.body = nn.ModuleList(layers)
        self.upsampler = nn.PixelShuffle(upscale)

    def forward(self, picture: Tensor) -> Tensor:
        """The enlarged picture."""
        out = picture
        for layer in self.body:
            out = layer(out)
        enlarged: Tensor = self.upsampler(out)
        return enlarged + functional.interpolate(picture, scale_factor=float(self.upscale), mode="nearest")
