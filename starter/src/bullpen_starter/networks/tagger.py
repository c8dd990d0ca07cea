"""The tagger: a picture of a panel in, the attributes of the scene and of each of the three places out.

One trunk sees the picture. A branch for the whole panel names style, time, weather and kind of scene; a second branch
looks at the three bands in which characters stand, with the same weights for each, so that every character teaches
all three places. The vocabulary is not written here: it comes with the weights, in `config.json`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from bullpen_starter.networks.blocks import convolution

SIZE = 128
GRID = 32  # cells of the trunk's output on a side
BAND = 14  # width of a band, cells
HEADROOM = 4  # rows above every character, cells


class Tagger(nn.Module):
    """Pictures (n, 3, 128, 128) in -1..1 to logits (n, words) per head.

    `heads` gives the number of words per head, those of a place named like `left.hair`; all places have the same.
    `places` gives the centre of each place from 0 (left edge) to 1.
    """

    def __init__(self, heads: Mapping[str, int], places: Mapping[str, float]) -> None:
        super().__init__()
        self.whole = {name: count for name, count in heads.items() if "." not in name}
        first = next(iter(places))
        self.parts = {n.removeprefix(f"{first}."): c for n, c in heads.items() if n.startswith(f"{first}.")}
        self.order = tuple(heads)
        wanted = {*self.whole, *(f"{place}.{part}" for place in places for part in self.parts)}
        if wanted != set(heads):
            raise ValueError(f"the places differ in their heads: {', '.join(sorted(wanted ^ set(heads)))}")
        self.starts = {
            place: min(GRID - BAND, max(0, round(centre * GRID) - BAND // 2)) for place, centre in places.items()
        }
        self.trunk = nn.Sequential(convolution(3, 16, 2, 5), convolution(16, 32, 2), convolution(32, 48))
        self.panel = nn.Sequential(convolution(48, 64, 2), convolution(64, 96, 2))
        self.panel_out = nn.Linear(96 * 18, sum(self.whole.values()))
        self.band = nn.Sequential(convolution(48, 64, 2), convolution(64, 64), convolution(64, 96, 2))
        rows, columns = (GRID - HEADROOM + 3) // 4, (BAND + 3) // 4
        self.band_mix = nn.Linear(96 * rows * columns, 128)
        self.band_out = nn.Linear(128, sum(self.parts.values()))

    @classmethod
    def from_folder(cls, folder: Path) -> "Tagger":
        """The shipped tagger in fp32, ready to judge; reads `config.json` and `model.safetensors`."""
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model = cls({name: len(words) for name, words in config["heads"].items()}, config["places"])
        model.load_state_dict({name: value.float() for name, value in load_file(folder / "model.safetensors").items()})
        return model.eval()

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        """Logits per head, in the order of `heads`."""
        states = self.trunk(picture)
        seen = self.panel(states)
        # A coarse map for what lies where, beside the strongest and the mean answer for rain, snow and hatching.
        flat = torch.cat([functional.avg_pool2d(seen, 2).flatten(1), *_summary(seen)], dim=1)
        found = dict(zip(self.whole, self.panel_out(flat).split(list(self.whole.values()), dim=1), strict=True))
        bands = torch.cat([states[:, :, HEADROOM:, start : start + BAND] for start in self.starts.values()])
        mixed = functional.silu(self.band_mix(self.band(bands).flatten(1)))
        for place, logits in zip(self.starts, self.band_out(mixed).chunk(len(self.starts)), strict=True):
            parts = logits.split(list(self.parts.values()), dim=1)
            found |= {f"{place}.{part}": values for part, values in zip(self.parts, parts, strict=True)}
        return {name: found[name] for name in self.order}


def _summary(states: Tensor) -> tuple[Tensor, Tensor]:
    flat = states.flatten(2)
    return flat.mean(dim=2), flat.amax(dim=2)
