"""Training of the edit network: few-step regression along the model's own sampling path.

Most examples stand at the first timestep, where the answer must be found from the source, the instruction and the noise
alone. A part of them then walks on: the next input is built from the model's own, detached prediction by the sampler's
rule, and the answer stays the truth, so that later steps learn to mend what earlier ones left.

The noise is not arbitrary: its block means are the variation field of the target, so colours of a sketch, lit windows,
drops and poses are all told by the noise. At use the noise of a seed is drawn freely and picks them in the same way.
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from bullpen_starter.captions import instruction, sample
from bullpen_starter.render.variation import CELLS, fields
from bullpen_starter.train import data, unet
from bullpen_starter.train.clock import Average, Budget
from bullpen_starter.train.parallel import Team
from bullpen_starter.train.say import say
from bullpen_starter.train.text import Embeddings
from bullpen_starter.train.vae import CHANNELS

BATCH = 8  # per process
# Steps between two averagings of the processes' weights.
TOGETHER = 8
RATE = 1.2e-3
# Weight of the region that an edit changes.
EMPHASIS = {"style": 0.0, "time": 0.0, "weather": 2.0, "characters": 5.0}
# Weight of each coefficient's low frequencies: hues are what a seed decides and what makes a hero known.
COARSE = (2.0, 4.0, 4.0, 0.5, 0.5, 0.5, 0.5, 0.5)
WALKS = (2, 3, 4, 4, 4, 6, 8)


@dataclass(slots=True)
class Slot:
    """One example on its way along the sampling path."""

    pair: data.Pair
    source: Tensor
    target: Tensor
    text: str
    noisy: Tensor
    path: list[int]
    at: int = 0
    plain: bool = False


def coded_noise(seed: int, fresh: Tensor) -> Tensor:
    """Noise (8, 32, 32) whose block means are the field of `seed`; standard normal when seed and `fresh` are."""
    block = unet.LATENT // CELLS
    means = functional.avg_pool2d(fresh[None], block)
    wanted = torch.from_numpy(np.array(fields(seed)))[None] / block
    return fresh + functional.interpolate(wanted - means, scale_factor=block, mode="nearest")[0]


class Steps:
    """The sampler's own table of alphas, and its deterministic step."""

    def __init__(self, device: str) -> None:
        alphas = unet.scheduler().alphas_cumprod.double().clamp(0, 1)
        self.signal = alphas.sqrt().float().to(device)
        self.noise = (1 - alphas).sqrt().float().to(device)

    def onward(self, noisy: Tensor, clean: Tensor, at: Tensor, to: Tensor) -> Tensor:
        """One step from `at` to `to`, the network having said `clean`."""
        eps = (noisy - self.signal[at][:, None, None, None] * clean) / self.noise[at][:, None, None, None]
        out: Tensor = self.signal[to][:, None, None, None] * clean + self.noise[to][:, None, None, None] * eps
        return out


def error(out: Tensor, target: Tensor, source: Tensor, emphasis: Tensor) -> Tensor:
    """Loss per example: absolute and squared error, the changed region weighted; its low frequencies once more."""
    changed = ((target - source).abs().mean(dim=1, keepdim=True) > 0.3).float()
    weight = 1 + emphasis[:, None, None, None] * changed
    weight = weight / weight.mean(dim=(1, 2, 3), keepdim=True).sqrt()
    miss = out - target
    fine = (weight * (miss.abs() + miss.square())).mean(dim=(1, 2, 3))
    coarse = functional.avg_pool2d(miss, 4) * torch.tensor(COARSE, device=miss.device)[:, None, None]
    return fine + (coarse.abs() + coarse.square()).mean(dim=(1, 2, 3))


class Trainer:
    """Holds data, network and slots; `step()` does one update."""

    def __init__(self, team: Team, cache: Path, device: str, minutes: float) -> None:
        self.team = team
        torch.manual_seed(3)
        self.cache, self.device = cache, device
        _, _, pairs = data.load(cache, "train")
        self.pairs, self.weights = pairs, list(accumulate(pair.weight for pair in pairs))
        self.latents = torch.from_numpy(np.load(cache / "train.latents.npy"))
        self.words = Embeddings(cache, device)
        self.path = Steps(device)
        self.net = unet.build().to(device, memory_format=torch.channels_last)
        self._reseed(3)
        self.average = Average(self.net, 0.992)
        self.optimiser = torch.optim.AdamW(self._groups(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
        self.minutes = minutes
        self.budget = Budget(minutes)
        self.share = 0.0
        self.steps = 0
        self.own: dict[int, Tensor] = {}
        self.slots: list[Slot] = []
        self.losses: dict[str, list[float]] = defaultdict(list)

    def _reseed(self, seed: int) -> None:
        """Every process draws its own examples."""
        self.random = Random(seed * 1000 + self.team.rank)
        torch.manual_seed(seed * 1000 + self.team.rank)

    def _groups(self) -> list[dict[str, object]]:
        groups: dict[float, list[torch.nn.Parameter]] = defaultdict(list)
        for name, p in self.net.named_parameters():
            groups[2.0 if "attentions" in name else 1.5 if "add_embedding" in name else 1.0].append(p)
        return [{"params": params, "factor": factor} for factor, params in groups.items()]

    def _walk_share(self) -> float:
        """How many examples walk on past the first step: none in the first tenth, then rising to a quarter."""
        return 0.25 * min(1.0, max(0.0, (self.share - 0.1) / 0.25))

    def _start(self) -> Slot:
        (pair,) = self.random.choices(self.pairs, cum_weights=self.weights)
        source, target = self.latents[pair.source].float(), self.latents[pair.target].float()
        if pair.source in self.own and self.random.random() < 0.3:
            source = self.own[pair.source].float()
        text, chance, plain = sample(pair.edit, self.random), self.random.random(), False
        if chance < 0.02:
            text, target, plain = "", source, True
        noisy = coded_noise(pair.seed, torch.randn(CHANNELS, unet.LATENT, unet.LATENT))
        walk = self.random.random() < self._walk_share()
        path = unet.timesteps(self.random.choice(WALKS)) if walk else [999]
        return Slot(pair, source, target, text, noisy, path, plain=plain)

    def step(self) -> None:
        """One update on the current slots; each then walks on or is replaced."""
        while len(self.slots) < BATCH:
            self.slots.append(self._start())
        slots = self.slots
        noisy = torch.stack([slot.noisy for slot in slots]).to(self.device)
        source = torch.stack([slot.source for slot in slots]).to(self.device)
        target = torch.stack([slot.target for slot in slots]).to(self.device)
        at = torch.tensor([slot.path[slot.at] for slot in slots], device=self.device)
        emphasis = torch.tensor([0.0 if s.plain else EMPHASIS[s.pair.edit.stage] for s in slots], device=self.device)
        words = self.words([slot.text for slot in slots])
        model_input = torch.cat([noisy, source], dim=1).contiguous(memory_format=torch.channels_last)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            clean = self.net(model_input, at, encoder_hidden_states=words).sample
        clean = clean.float()
        losses = error(clean, target, source, emphasis)
        for group in self.optimiser.param_groups:
            group["lr"] = RATE * group["factor"] * self.budget.rate(at=self.share)
        self.optimiser.zero_grad(set_to_none=True)
        losses.mean().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.steps += 1
        if self.steps % TOGETHER == 0:
            self.share = self.team.average(self.net, self.budget.share)
        if self.steps % 4 == 0:
            self.average.update(self.net)
        self._advance(slots, noisy, clean.detach(), at, losses.detach())

    def _advance(self, slots: list[Slot], noisy: Tensor, clean: Tensor, at: Tensor, losses: Tensor) -> None:
        following = [slot.path[slot.at + 1] if slot.at + 1 < len(slot.path) else 0 for slot in slots]
        onward = self.path.onward(noisy, clean, at, torch.tensor(following, device=self.device)).cpu()
        kept: list[Slot] = []
        for i, slot in enumerate(slots):
            name = slot.pair.edit.stage if slot.at == 0 else f"step{min(slot.at + 1, 5)}"
            self.losses["empty" if slot.plain else name].append(float(losses[i]))
            if slot.at + 1 < len(slot.path):
                slot.noisy, slot.at = onward[i], slot.at + 1
                kept.append(slot)
            elif not slot.plain and self.share > 0.3:
                self.own[slot.pair.target] = clean[i].cpu().half()
        self.slots = kept

    def report(self) -> None:
        """Print the losses since the last report, by stage at the first step and by step after it."""
        shown = {name: round(float(np.mean(values)), 3) for name, values in sorted(self.losses.items())}
        say(f"edit {self.budget.seconds / 60:.1f} min, {self.steps} steps, own {len(self.own)}", shown)
        self.losses.clear()

    def save(self) -> None:
        """Write the checkpoint atomically."""
        state = {
            "net": self.net.state_dict(),
            "average": self.average.values,
            "average_steps": self.average.steps,
            "optimiser": self.optimiser.state_dict(),
            "used": self.budget.seconds,
            "steps": self.steps,
            "minutes": self.minutes,
        }
        torch.save(state, self.cache / "edit.tmp")
        (self.cache / "edit.tmp").replace(self.cache / "edit.pt")

    def restore(self) -> None:
        """Go on from the checkpoint."""
        state = torch.load(self.cache / "edit.pt", weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.values, self.average.steps = state["average"], state["average_steps"]
        factors = [group["factor"] for group in self.optimiser.param_groups]
        self.optimiser.load_state_dict(state["optimiser"])
        for group, factor in zip(self.optimiser.param_groups, factors, strict=True):
            group["factor"] = factor
        self.budget, self.steps = Budget(self.minutes, state["used"]), state["steps"]
        self._reseed(self.steps)


def averaged(cache: Path, device: str = "cpu") -> UNet2DConditionModel:
    """The network with averaged weights from the checkpoint."""
    state = torch.load(cache / "edit.pt", weights_only=True, map_location=device)
    net = unet.build().to(device)
    with torch.no_grad():
        for name, p in net.named_parameters():
            p.copy_(state["average"][name])
    return net.eval()


@torch.no_grad()
def sample_latents(net: UNet2DConditionModel, source: Tensor, words: Tensor, noise: Tensor, steps: int) -> Tensor:
    """Run the sampler from `noise` as the pipeline does without guidance; all (n, 8, 32, 32)."""
    path, noisy = Steps(str(source.device)), noise
    times = unet.timesteps(steps)
    for number, time in enumerate(times):
        at = torch.full((len(noisy),), time, device=source.device)
        clean: Tensor = net(torch.cat([noisy, source], dim=1), at, encoder_hidden_states=words).sample
        if number + 1 == len(times):
            return clean
        noisy = path.onward(noisy, clean, at, torch.full_like(at, times[number + 1]))
    return noisy


@torch.no_grad()
def check(trainer: Trainer) -> None:
    """Does the instruction change the output? Squared errors against the truth on unseen layouts, one step and four."""
    net = unet.build()
    trainer.average.copy_to(net)
    net.eval()
    _, _, pairs = data.load(trainer.cache, "validation")
    latents = torch.from_numpy(np.load(trainer.cache / "validation.latents.npy")).float()
    parts = []
    for kind in ("sketch", "style", "time", "weather", "characters"):
        chosen = [pair for pair in pairs if pair.kind == kind][:16]
        source = torch.stack([latents[pair.source] for pair in chosen])
        target = torch.stack([latents[pair.target] for pair in chosen])
        texts = [instruction(pair.edit) for pair in chosen]
        generator = torch.Generator().manual_seed(5)
        noise = torch.stack(
            [
                coded_noise(pair.seed, torch.randn(CHANNELS, unet.LATENT, unet.LATENT, generator=generator))
                for pair in chosen
            ]
        )
        right = sample_latents(net, source, trainer.words(texts), noise, 1)
        four = sample_latents(net, source, trainer.words(texts), noise, 4)
        swapped = sample_latents(net, source, trainer.words(texts[1:] + texts[:1]), noise, 1)
        reseeded = sample_latents(net, source, trainer.words(texts), noise.roll(1, 0), 1)
        errors = [float((x - target).square().mean()) for x in (source, right, four, swapped)]
        moved = [float((x - right).square().mean()) for x in (swapped, reseeded)]
        parts.append(
            f"{kind}: unedited {errors[0]:.3f} one {errors[1]:.3f} four {errors[2]:.3f}"
            f" swapped {errors[3]:.3f}"
            f" | instruction moves {moved[0]:.3f} seed moves {moved[1]:.3f}"
        )
    say("  check " + "\n        ".join(parts))


def train(team: Team, cache: Path, device: str, minutes: float, resume: bool) -> None:
    """Train by the clock; writes `edit.pt` under `cache` every two minutes and at the end."""
    trainer = Trainer(team, cache, device, minutes)
    if resume and (cache / "edit.pt").exists():
        trainer.restore()
    saved, checks = trainer.budget.seconds, 0
    while trainer.share < 1:
        trainer.step()
        if team.rank:
            continue
        if trainer.steps % 50 == 0:
            trainer.report()
        if trainer.budget.seconds - saved > 120:
            saved, checks = trainer.budget.seconds, checks + 1
            trainer.save()
            if checks <= 3 or checks % 4 == 0:
                check(trainer)
    if team.rank == 0:
        trainer.save()
        trainer.report()
        check(trainer)
