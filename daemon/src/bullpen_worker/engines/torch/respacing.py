"""The timesteps of a denoising whose number of steps may change on the way.

Until somebody changes it, they are the scheduler's own, to the bit. When `total` changes after `done` steps, what is
left of the noise is spread over the steps that remain: between the timestep that is due now and the end, in the same
proportions as before. Works for schedulers that need nothing but the two ends of a step: DDIM, which is told where each
step leads (Song, Meng, Ermon, https://arxiv.org/abs/2010.02502, equation 12), and Euler's method over sigmas (Karras et
al., https://arxiv.org/abs/2206.00364, algorithm 2). Methods that look back at earlier steps keep their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from bullpen_worker.engines.base import Controls

_FIRST_ORDER = ("DDIMScheduler", "EulerDiscreteScheduler")


def respaces(scheduler: Any) -> bool:
    """Whether the number of steps may change on the way."""
    return type(scheduler).__name__ in _FIRST_ORDER


def timesteps(scheduler: Any, controls: Controls, device: Any) -> Iterator[tuple[int, int, torch.Tensor]]:
    """(number of the step from 1, steps in all, timestep) for a scheduler whose timesteps are set."""
    done, total = 0, len(scheduler.timesteps)
    changed = False
    while done < len(scheduler.timesteps):
        wanted = max(controls.steps or total, done + 1)
        if wanted != len(scheduler.timesteps) and controls.steps and respaces(scheduler):
            _respace(scheduler, done, wanted, device)
            changed = True
        if changed and hasattr(scheduler, "num_inference_steps") and not hasattr(scheduler, "sigmas"):
            _aim(scheduler, done)
        yield done + 1, len(scheduler.timesteps), scheduler.timesteps[done]
        done += 1


def _respace(scheduler: Any, done: int, total: int, device: Any) -> None:
    """Gives the scheduler `total` timesteps, of which the first `done` stay and the next one is the one that is due."""
    before = scheduler.timesteps.cpu().double().numpy()
    # Places on the old way, counted in old steps: from the one that is due to the end.
    places = np.linspace(done, len(before), total - done + 1)
    if hasattr(scheduler, "sigmas"):
        # The last of the scheduler's own sigmas stays the last before the picture: below it no model was trained.
        places = np.linspace(done, len(before) - 1, total - done)
        sigmas = scheduler.sigmas.cpu().double().numpy()
        left = np.append(np.interp(places, np.arange(len(sigmas)), sigmas), 0.0)
        scheduler.sigmas = torch.cat(
            [scheduler.sigmas[:done], torch.tensor(left, dtype=scheduler.sigmas.dtype, device=scheduler.sigmas.device)]
        )
        times = np.interp(places, np.arange(len(before)), before)
    else:
        # Beyond the last timestep lies the picture itself, one below 0.
        times = np.interp(places[:-1], np.arange(len(before) + 1), np.append(before, -1.0))
        # Whole numbers that fall by one at least; where there are too few, there are fewer steps.
        whole = np.round(times).astype(int)
        whole[0] = int(before[done])
        times = np.array([t for at, t in enumerate(whole) if at == 0 or 0 <= t < whole[at - 1]], dtype=float)
    kept = scheduler.timesteps[:done]
    fresh = torch.tensor(times, dtype=scheduler.timesteps.dtype, device=device)
    scheduler.timesteps = torch.cat([kept.to(device), fresh])


def _aim(scheduler: Any, done: int) -> None:
    """DDIM takes the length of a step from the number of steps; here it is that of the step that is due."""
    now = int(scheduler.timesteps[done])
    after = int(scheduler.timesteps[done + 1]) if done + 1 < len(scheduler.timesteps) else -1
    scheduler.num_inference_steps = Fraction(int(scheduler.config.num_train_timesteps), max(now - after, 1))
