"""Timesteps of a denoising whose number of steps changes on the way, against schedulers of the library."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest
import torch
from bullpen_worker.engines.base import Controls
from bullpen_worker.engines.torch.respacing import respaces, timesteps
from diffusers import DDIMScheduler, EulerDiscreteScheduler, PNDMScheduler

# diffusers reads a tensor as an array in the way of an older numpy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SCHEDULERS: dict[str, Any] = {
    "ddim": DDIMScheduler(clip_sample=False, prediction_type="sample", rescale_betas_zero_snr=True),
    "trailing": DDIMScheduler(clip_sample=False, prediction_type="sample", timestep_spacing="trailing"),
    "euler": EulerDiscreteScheduler(prediction_type="sample"),
}
PICTURE = torch.linspace(-1, 1, 16).reshape(1, 1, 4, 4)


def denoise(name: str, steps: int, changes: dict[int, int]) -> tuple[list[float], torch.Tensor]:
    """Draws PICTURE with a model that knows it; `changes` are new totals by the number of steps that are done.

    Returns the timesteps that were visited, and the picture.
    """
    scheduler, controls = copy.deepcopy(SCHEDULERS[name]), Controls(1.0, 1.0)
    scheduler.set_timesteps(steps)
    noise = torch.randn(PICTURE.shape, generator=torch.Generator().manual_seed(1))
    latents = noise * scheduler.init_noise_sigma
    visited = []
    for number, total, t in timesteps(scheduler, controls, "cpu"):
        assert number <= total
        scheduler.scale_model_input(latents, t)
        latents = scheduler.step(PICTURE, t, latents).prev_sample
        visited.append(float(t))
        controls.steps = changes.get(number, controls.steps)
    return visited, latents


@pytest.mark.parametrize("name", SCHEDULERS)
def test_without_a_change_the_timesteps_are_the_schedulers_own(name: str) -> None:
    """To the bit, and so is the picture."""
    scheduler = copy.deepcopy(SCHEDULERS[name])
    scheduler.set_timesteps(7)
    visited, _ = denoise(name, 7, {})
    assert visited == [float(t) for t in scheduler.timesteps]


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize(("done", "total"), [(2, 4), (3, 12), (5, 6), (6, 7), (1, 40)])
def test_what_is_left_of_the_noise_is_spread_over_what_remains(name: str, done: int, total: int) -> None:
    """So many steps in all, timesteps that only fall, and no noise at the end: the picture that the model knows."""
    visited, made = denoise(name, 7, {done: total})
    unchanged, _ = denoise(name, 7, {})
    assert visited[: done + 1] == unchanged[: done + 1], "what is done, and what is due, stays"
    assert len(visited) == total
    assert all(later < earlier for earlier, later in pairwise(visited))
    assert torch.allclose(made, PICTURE, atol=2e-2)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_change_repeats(name: str) -> None:
    """Twice changed, the same picture both times."""
    first, second = [denoise(name, 10, {2: 20, 9: 12}) for _ in range(2)]
    assert first[0] == second[0]
    assert torch.equal(first[1], second[1])
    assert len(first[0]) == 12


def test_fewer_steps_than_are_done_end_with_the_next_one() -> None:
    """The step that is due is the last, and goes all the way."""
    visited, made = denoise("ddim", 10, {4: 2})
    assert len(visited) == 5
    assert torch.allclose(made, PICTURE, atol=2e-2)


def test_methods_that_look_back_keep_their_number() -> None:
    """A scheduler that needs its earlier steps is left alone."""
    scheduler = PNDMScheduler()
    assert not respaces(scheduler)
    scheduler.set_timesteps(5)
    before = len(scheduler.timesteps)
    assert [total for _, total, _ in timesteps(scheduler, Controls(1.0, 1.0, steps=3), "cpu")] == [before] * before
