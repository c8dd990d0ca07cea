"""Training of the edit network: diffusion towards the exact answer, from the text-to-image network onward.

An example is the answer with noise of any strength; the network, which sees the source and the instruction as well,
says the picture without the noise. Half of the examples are noise alone, where all must come from source and words.
Besides the distance to the exact answer counts whether the reader (reader.py) finds in it what the answer shows.

The noise is not arbitrary: its block means are the variation field of the target, so colours of a sketch, lit windows,
drops and poses can be read from it. At use the noise of a seed is drawn freely and picks them in the same way.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bullpen_starter.captions import STAGES, instruction
from bullpen_starter.train import data, reader, tagger, unet
from bullpen_starter.train.clock import Average, Budget
from bullpen_starter.train.examples import Batch, Examples, coded_noise
from bullpen_starter.train.painters import averaged
from bullpen_starter.train.parallel import Team
from bullpen_starter.train.sampling import Steps, sample_latents
from bullpen_starter.train.say import say
from bullpen_starter.train.text import Words
from bullpen_starter.train.vae import CHANNELS

BATCH = {"cpu": 8, "cuda": 256}  # per process
# Steps between two averagings of the processes' weights.
TOGETHER = 8
RATE = 8e-4
# So many steps one after the other without a finite gradient are given up.
LOST = 20
# Weight of the region that an edit changes.
EMPHASIS = {"style": 0.0, "time": 0.0, "weather": 2.0, "characters": 5.0}
# Weight of each coefficient's low frequencies: hues are what a seed decides and what makes a hero known.
COARSE = (2.0, 4.0, 4.0, 0.5, 0.5, 0.5, 0.5, 0.5)
# How many examples are noise alone.
BLIND = 0.5
# Weight of what the reader finds missing.
READ = 0.2
# Strengths of noise in thousandths; what the model says from above this one is kept as a source for later edits.
STRENGTHS, ROUGH = 4, 400


def error(out: Tensor, target: Tensor, source: Tensor, emphasis: Tensor, coarse: Tensor) -> Tensor:
    """Loss per example: absolute and squared error, the changed region weighted; its low frequencies once more."""
    changed = ((target - source).abs().mean(dim=1, keepdim=True) > 0.3).float()
    weight = 1 + emphasis[:, None, None, None] * changed
    weight = weight / weight.mean(dim=(1, 2, 3), keepdim=True).sqrt()
    miss = out - target
    fine = (weight * (miss.abs() + miss.square())).mean(dim=(1, 2, 3))
    low = functional.avg_pool2d(miss, 4) * coarse
    return fine + (low.abs() + low.square()).mean(dim=(1, 2, 3))


class Trainer:
    """Holds data, network and the batch on its way; `step()` does one update."""

    def __init__(self, team: Team, cache: Path, device: str, minutes: float) -> None:
        self.team, self.cache, self.device, self.minutes = team, cache, device, minutes
        torch.manual_seed(3)
        self.words = Words(cache, device)
        self.examples = Examples(cache, "train", device, self.words)
        self.path, self.reader = Steps(device), reader.load(cache, device)
        self.shows = reader.labels(cache, "train").to(device)
        self.net = unet.edits(averaged(cache, "generate")).to(device, memory_format=torch.channels_last)
        self.average = Average(self.net, 0.992)
        self.optimiser = torch.optim.AdamW(self._groups(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
        self.budget, self.share, self.steps, self.lost = Budget(minutes), 0.0, 0, 0
        self.emphasis = torch.tensor([EMPHASIS[stage] for stage in STAGES], device=device)
        self.coarse = torch.tensor(COARSE, device=device)[:, None, None]
        self.losses = torch.zeros(2, len(STAGES) + STRENGTHS, device=device)
        self.unread, self.reported = torch.zeros((), device=device), 0
        self._reseed(3)

    @property
    def count(self) -> int:
        """Examples of a batch."""
        return BATCH.get(self.device, BATCH["cuda"])

    def _reseed(self, seed: int) -> None:
        """Every process draws its own examples."""
        torch.manual_seed(seed * 1000 + self.team.rank)

    def _groups(self) -> list[dict[str, object]]:
        groups: dict[float, list[torch.nn.Parameter]] = defaultdict(list)
        for name, p in self.net.named_parameters():
            groups[3.0 if "conv_in" in name else 1.5 if "attentions" in name else 1.0].append(p)
        return [{"params": params, "factor": factor} for factor, params in groups.items()]

    def _times(self) -> Tensor:
        """Timesteps of a batch: 999 where there is noise alone, and any other, stronger noise more often."""
        chance = torch.rand(2, self.count, device=self.device)
        return torch.where(chance[0] < BLIND, 999, (999 * chance[1].sqrt()).long())

    def step(self) -> None:
        """One update on a fresh batch."""
        batch, at = self.examples.draw(self.count, own=0.3 if self.share > 0.3 else 0.0), self._times()
        noisy = self.path.noised(batch.target, batch.noise, at)
        words = self.words.embed(batch.tokens)
        model_input = torch.cat([noisy, batch.source], dim=1).contiguous(memory_format=torch.channels_last)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16), unet.attention(self.device):
            clean = self.net(model_input, at, encoder_hidden_states=words).sample
        clean = clean.float()
        stage = self.examples.stage[batch.edit]
        losses = error(clean, batch.target, batch.source, self.emphasis[stage], self.coarse)
        unread = self._unread(batch, clean, at)
        for group in self.optimiser.param_groups:
            group["lr"] = RATE * group["factor"] * self.budget.rate(at=self.share)
        self.optimiser.zero_grad(set_to_none=True)
        (losses.mean() + READ * unread).backward()  # type: ignore[no-untyped-call]
        self._update(torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0))
        self.steps += 1
        if self.steps % TOGETHER == 0:
            self.share = self.team.average(self.net, self.budget.share)
        if self.steps % 4 == 0:
            self.average.update(self.net)
        self._note(stage, at, losses.detach())
        self.unread += unread.detach()
        if self.share > 0.3:
            self.examples.keep(batch, clean.detach(), at > ROUGH)

    def _unread(self, batch: Batch, clean: Tensor, at: Tensor) -> Tensor:
        """What the reader does not find in answers from strong noise; nothing is asked of those that change nothing."""
        asked = (at > ROUGH) & ~batch.plain
        return tagger.loss(self.reader(clean[asked]), self.shows[self.examples.target[batch.edit[asked]]])

    def _update(self, norm: Tensor) -> None:
        """Step, unless a gradient is infinite: one such step would be the end of the network.

        Raises FloatingPointError when that happens again and again.
        """
        if bool(torch.isfinite(norm)):
            self.optimiser.step()
            self.lost = 0
            return
        self.lost += 1
        if self.lost == LOST:
            raise FloatingPointError(f"no finite gradient in {LOST} steps; try a lower rate than {RATE}")

    def _note(self, stage: Tensor, at: Tensor, losses: Tensor) -> None:
        key = torch.where(at == 999, stage, len(STAGES) + at * STRENGTHS // 1000)
        self.losses.index_add_(1, key, torch.stack([losses, torch.ones_like(losses)]))

    def report(self) -> None:
        """Print the losses since the last report, by stage for noise alone, by strength for the rest."""
        total, count = self.losses.cpu()
        names = (*STAGES, *(f"to {1000 * (n + 1) // STRENGTHS}" for n in range(STRENGTHS)))
        shown = {name: round(float(t / n), 3) for name, t, n in zip(names, total, count, strict=True) if n}
        missing = self.unread / max(1, self.steps - self.reported)
        say(f"edit {self.budget.seconds / 60:.1f} min, {self.steps} steps", shown, f"unread {float(missing):.2f}")
        self.losses.zero_()
        self.unread.zero_()
        self.reported = self.steps

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
            "batch": self.count * self.team.size,
            "device": self.device,
        }
        torch.save(state, self.cache / "edit.tmp")
        (self.cache / "edit.tmp").replace(self.cache / "edit.pt")

    def restore(self) -> None:
        """Go on from the checkpoint."""
        state = torch.load(self.cache / "edit.pt", weights_only=True, map_location=self.device)
        self.net.load_state_dict(state["net"])
        self.average.values, self.average.steps = state["average"], state["average_steps"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.budget = Budget(self.minutes, state["used"])
        self.steps = self.reported = state["steps"]
        self._reseed(self.steps)


@torch.no_grad()
def check(trainer: Trainer) -> None:
    """Does the instruction change the output? Errors against the truth on unseen layouts, in one and eight steps."""
    net = unet.build().to(trainer.device)
    trainer.average.copy_to(net)
    net.eval()
    _, _, pairs = data.load(trainer.cache, "validation")
    latents = torch.from_numpy(np.load(trainer.cache / "validation.latents.npy")).float()
    shape, generator, lines = (CHANNELS, unet.LATENT, unet.LATENT), torch.Generator().manual_seed(5), []
    for kind in ("sketch", "style", "time", "weather", "characters"):
        chosen = [pair for pair in pairs if pair.kind == kind][:32]
        source = latents[[pair.source for pair in chosen]].to(trainer.device)
        target = latents[[pair.target for pair in chosen]].to(trainer.device)
        words = trainer.words([instruction(pair.edit) for pair in chosen])
        noise = [coded_noise(pair.seed, torch.randn(shape, generator=generator)) for pair in chosen]
        told = torch.stack(noise).to(trainer.device)
        one, eight = (sample_latents(net, source, words, told, steps) for steps in (1, 8))
        swapped = sample_latents(net, source, words.roll(1, 0), told, 1)
        reseeded = sample_latents(net, source, words, told.roll(1, 0), 1)
        errors = {
            "unedited": source - target,
            "one": one - target,
            "eight": eight - target,
            "swapped": swapped - target,
        }
        errors |= {"instruction moves": swapped - one, "seed moves": reseeded - one}
        shown = ", ".join(f"{name} {float(value.square().mean()):.3f}" for name, value in errors.items())
        lines.append(f"{kind}: {shown}")
    say("  check " + "\n        ".join(lines))


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
        if trainer.steps % (50 if device == "cpu" else 500) == 0:
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
