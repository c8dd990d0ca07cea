"""The encoders: a picture in, a point on the unit sphere out; the dot product of two points says how alike they are.

The identity encoder sees the crop of one character and keeps where things are (hair above, coat below). The style
encoder sees a whole panel and keeps only statistics of its texture and colours, so that the scene does not matter.
Both bring their threshold in `config.json`: at or above it two pictures show the same character, or the same style.
"""

import json
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from bullpen_starter.networks.blocks import convolution

Pooling = Literal["map", "statistics"]


class Encoder(nn.Module):
    """Pictures (n, 3, height, width) in -1..1 to unit vectors (n, size).

    `height` and `width` are multiples of 16. `pooling` is `map` (place matters) or `statistics` (it does not).
    """

    def __init__(self, height: int, width: int, size: int, pooling: Pooling) -> None:
        super().__init__()
        self.height, self.width, self.size, self.pooling = height, width, size, pooling
        if pooling == "map":
            self.body = nn.Sequential(
                convolution(3, 24, 2, 5),
                convolution(24, 48, 2),
                convolution(48, 64),
                convolution(64, 96, 2),
                convolution(96, 96),
                convolution(96, 128, 2),
            )
            self.out = nn.Linear(128 * (height // 16) * (width // 16), size)
        else:
            self.body = nn.Sequential(
                convolution(3, 24, 2, 5), convolution(24, 40), convolution(40, 64, 2), convolution(64, 64)
            )
            self.out = nn.Linear(2 * 64, size)

    @classmethod
    def from_folder(cls, folder: Path) -> "Encoder":
        """A shipped encoder in fp32, ready to use; reads `config.json` and `model.safetensors`."""
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model = cls(config["height"], config["width"], config["size"], config["pooling"])
        model.load_state_dict({name: value.float() for name, value in load_file(folder / "model.safetensors").items()})
        return model.eval()

    def raw(self, picture: Tensor) -> Tensor:
        """The vectors before they are brought to unit length (n, size)."""
        states = self.body(picture)
        if self.pooling == "map":
            flat = states.flatten(1)
        else:
            values = states.flatten(2)
            mean = values.mean(dim=2)
            spread = (values - mean[..., None]).square().mean(dim=2).add(1e-4).sqrt()
            flat = torch.cat([mean, spread], dim=1)
        out: Tensor = self.out(flat)
        return out

    def forward(self, picture: Tensor) -> Tensor:
        """Unit vectors (n, size)."""
        return functional.normalize(self.raw(picture), dim=1)
