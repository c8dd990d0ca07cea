"""The judge: a small network that names the attributes of a panel, trained on true renders only.

It measures edits and is not shipped. It never sees a generated picture in training; a little blur and noise keep it
from leaning on pixels that no generated picture has.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bullpen_starter.render import COLOURS, HAIRS, PLACES, SKETCH, STYLES, TIMES, WEATHERS, PanelSpec
from bullpen_starter.render.spec import BUILDS, OUTFITS
from bullpen_starter.train import data
from bullpen_starter.train.clock import Budget
from bullpen_starter.train.say import say
from bullpen_starter.train.vae import to_tensor

HEADS: dict[str, tuple[str, ...]] = {
    "style": (*STYLES, SKETCH),
    "time": TIMES,
    "weather": WEATHERS,
    "place": ("nowhere", *PLACES),
    "hair": HAIRS,
    "colour": COLOURS,
    "build": BUILDS,
    "outfit": OUTFITS,
}


def labels(spec: PanelSpec) -> list[int]:
    """Class numbers in the order of `HEADS`; -100 where the panel does not show the attribute."""
    who = spec.characters[0] if spec.characters else None
    values: dict[str, str | None] = {
        "style": spec.style,
        "time": None if spec.style == SKETCH else spec.time,
        "weather": None if spec.style == SKETCH else spec.weather,
        "place": who.place if who else "nowhere",
        **{name: getattr(who, name) if who else None for name in ("hair", "colour", "build", "outfit")},
    }
    return [-100 if (value := values[name]) is None else words.index(value) for name, words in HEADS.items()]


class Judge(nn.Module):
    """Pictures (n, 3, 128, 128) in -1..1 to logits per head."""

    def __init__(self) -> None:
        super().__init__()

        def block(inner: int, outer: int, stride: int) -> list[nn.Module]:
            return [nn.Conv2d(inner, outer, 3, stride, 1), nn.BatchNorm2d(outer), nn.SiLU()]

        self.body = nn.Sequential(
            nn.Conv2d(3, 48, 6, 4, 1),
            nn.BatchNorm2d(48),
            nn.SiLU(),
            *block(48, 48, 1),
            *block(48, 96, 2),
            *block(96, 96, 1),
            *block(96, 128, 2),
            *block(128, 128, 1),
        )
        self.heads = nn.ModuleDict({name: nn.Linear(128 * 20, len(words)) for name, words in HEADS.items()})

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        """Pooled to a 4 by 4 grid (places matter) beside 2 by 2 maxima (small things matter)."""
        states = self.body(picture)
        flat = torch.cat(
            [
                functional.adaptive_avg_pool2d(states, 4).flatten(1),
                functional.adaptive_max_pool2d(states, 2).flatten(1),
            ],
            dim=1,
        )
        return {name: head(flat) for name, head in self.heads.items()}


def _roughen(picture: Tensor) -> Tensor:
    """Blur some pictures and add a little noise."""
    soft = functional.avg_pool2d(functional.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = torch.rand(len(picture), 1, 1, 1, device=picture.device) * (torch.rand(len(picture), 1, 1, 1) < 0.5)
    return picture + (soft - picture) * share + 0.03 * torch.randn_like(picture)


@torch.no_grad()
def judge(model: Judge, pictures: Tensor) -> dict[str, Tensor]:
    """Class numbers per head, on the CPU."""
    model.eval()
    parts = [model(part) for part in torch.split(pictures, 64)]
    return {name: torch.cat([part[name] for part in parts]).argmax(dim=1).cpu() for name in HEADS}


def train(cache: Path, device: str, minutes: float) -> None:
    """Train for `minutes` and write `classifier.pt` under `cache`."""
    torch.manual_seed(4)
    rng = np.random.default_rng(4)
    panels, specs, _ = data.load(cache, "train")
    known = torch.tensor([labels(spec) for spec in specs])
    model = Judge().to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    budget, step = Budget(minutes), 0
    while budget.share < 1:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * budget.rate()
        picks = np.sort(rng.integers(0, len(panels), 48))
        model.train()
        logits = model(_roughen(to_tensor(panels[picks], device)))
        wanted = known[picks].to(device)
        loss = sum(
            (
                functional.cross_entropy(logits[name], wanted[:, i], label_smoothing=0.02)
                for i, name in enumerate(HEADS)
            ),
            torch.zeros((), device=device),
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        step += 1
    pictures, truth, _ = data.load(cache, "unseen")
    wanted = torch.tensor([labels(spec) for spec in truth])
    found = judge(model, to_tensor(pictures, device))
    scores = {}
    for i, name in enumerate(HEADS):
        shown = wanted[:, i] >= 0
        scores[name] = round(float((found[name] == wanted[:, i])[shown].float().mean()), 3)
    say(f"classifier: {step} steps, right on unseen renders", scores)
    torch.save(model.state_dict(), cache / "classifier.pt")


def load(cache: Path, device: str) -> Judge:
    """The trained judge."""
    model = Judge().to(device)
    model.load_state_dict(torch.load(cache / "classifier.pt", weights_only=True, map_location=device))
    return model.eval()
