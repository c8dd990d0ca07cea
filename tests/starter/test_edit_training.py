"""How the edit model is taught: what its data asks, what its network begins with, how results are compared."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from bullpen_starter.render.spec import SKETCH, PanelSpec
from bullpen_starter.render.variation import fields
from bullpen_starter.train import data, fidelity, unet
from bullpen_starter.train.examples import coded_noise
from bullpen_starter.train.sampling import Steps
from bullpen_starter.train.vae import CHANNELS


@pytest.mark.parametrize("layout", [3, 1_000_200, 2_000_007])
def test_an_edit_changes_what_it_says_and_nothing_else(layout: int) -> None:
    """Source and target of each pair differ in the attribute of the instruction and in what a seed leaves open."""
    specs, pairs = data.chain(layout)
    assert len(specs) == data.PER_LAYOUT
    for pair in pairs:
        before, after = specs[pair.source], specs[pair.target]
        like = replace(before, variation=after.variation, **{pair.edit.stage: getattr(after, pair.edit.stage)})
        if before.style == SKETCH:
            like = replace(like, time=after.time, weather=after.weather)
        assert like == after, pair
        if isinstance(pair.edit.value, str):
            assert getattr(after, pair.edit.stage) == pair.edit.value
        else:
            assert set(after.characters) == {*before.characters, *pair.edit.value}


def test_the_seed_of_an_edit_is_one_that_its_answer_shows() -> None:
    """The noise tells the field of the target: its seed stands in the target's variation."""
    specs, pairs = data.chain(11)
    for pair in pairs:
        held = specs[pair.target].variation
        if pair.kind != "same":
            assert pair.seed in (held.colours, held.sky, held.drops, held.pose), pair


def test_splits_do_not_meet() -> None:
    """Training, validation and unseen layouts are far apart."""
    firsts = sorted(data.SPLITS.values())
    assert firsts == [0, data.VALIDATION, data.UNSEEN]
    assert np.diff(firsts).min() > 500_000


def test_an_edit_begins_as_text_to_image() -> None:
    """Before training the edit network paints what the text-to-image network paints, whatever its source is."""
    torch.manual_seed(0)
    painter = unet.build(CHANNELS).eval()
    net = unet.edits(painter).eval()
    noisy, source = torch.randn(2, 2, CHANNELS, unet.LATENT, unet.LATENT)
    words = torch.randn(2, 9, 128)
    with torch.no_grad():
        edited = net(torch.cat([noisy, source], 1), 700, encoder_hidden_states=words).sample
        painted = painter(noisy, 700, encoder_hidden_states=words).sample
    assert torch.allclose(edited, painted, atol=1e-4)


def test_wires_bring_the_means_of_the_noise_to_the_smallest_grid() -> None:
    """The block means of the noise arrive in the deepest features, though nothing has been learned."""
    torch.manual_seed(0)
    net, deep = unet.build().eval(), []
    net.down_blocks[2].resnets[0].register_forward_hook(lambda module, given, out: deep.append(out[:, unet.WIRES]))
    noise = torch.randn(4, CHANNELS, unet.LATENT, unet.LATENT)
    with torch.no_grad():
        net(torch.cat([noise, torch.randn_like(noise)], 1), 999, encoder_hidden_states=torch.randn(4, 9, 128))
    means = torch.nn.functional.avg_pool2d(noise, 4)
    assert np.corrcoef(means.flatten(), deep[0].flatten())[0, 1] > 0.8


def test_noise_carries_the_field_and_stays_noise() -> None:
    """Block means are the field; the spread within blocks is that of the fresh noise."""
    fresh = torch.randn(CHANNELS, unet.LATENT, unet.LATENT, generator=torch.Generator().manual_seed(1))
    coded = coded_noise(42, fresh)
    means = torch.nn.functional.avg_pool2d(coded[None], 4)[0] * 4
    assert torch.allclose(means, torch.from_numpy(np.array(fields(42))), atol=1e-4)
    assert abs(float(coded.std()) - 1) < 0.05


def test_steps_are_those_of_the_sampler() -> None:
    """Our own step along the path and the stock scheduler give the same numbers."""
    scheduler = unet.scheduler()
    scheduler.set_timesteps(4)
    assert scheduler.timesteps.tolist() == unet.timesteps(4)
    noisy, clean = torch.randn(1, 8, 4, 4), torch.randn(1, 8, 4, 4)
    theirs = scheduler.step(clean, 999, noisy).prev_sample
    ours = Steps("cpu").onward(noisy, clean, torch.tensor([999]), torch.tensor([749]))
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_noise_is_added_as_the_scheduler_adds_it() -> None:
    """A picture with noise of some strength is the stock scheduler's."""
    clean, noise, at = torch.randn(3, 8, 4, 4), torch.randn(3, 8, 4, 4), torch.tensor([3, 500, 999])
    theirs = unet.scheduler().add_noise(clean, noise, at)
    assert torch.allclose(Steps("cpu").noised(clean, noise, at), theirs, atol=1e-3)


def _checks(shift: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rows, columns = np.indices((64, 64))
    lines = (((rows // 8 + (columns + shift) // 8) % 2) * 255).astype(np.uint8)
    return np.stack([np.repeat(lines[..., None], 3, axis=2)])


def test_edges_are_found_again_near_by_and_not_elsewhere() -> None:
    """A picture has its own edges; shifted by one pixel still; shifted by half a square no longer."""
    assert fidelity.edge_f1(_checks(), _checks()) == 1
    assert fidelity.edge_f1(_checks(1), _checks()) > 0.9
    assert fidelity.edge_f1(_checks(4), _checks()) < 0.7
    everywhere = np.ones((1, 64, 64), dtype=bool)
    assert fidelity.edge_f1(_checks(4), _checks(), everywhere) == 1


def test_a_box_limits_the_pixels_that_count() -> None:
    """PSNR inside of a box ignores what is wrong outside."""
    truth = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    out = truth.copy()
    out[:, :16] = 90
    mask = np.zeros((1, 32, 32), dtype=bool)
    mask[0, 20, 5] = mask[0, 28, 12] = True
    box = fidelity.boxes(mask)
    assert int(box.sum()) == 9 * 8
    assert fidelity.psnr(out, truth, box) > 90 > fidelity.psnr(out, truth)


def test_variation_is_the_mean_difference_of_pairs() -> None:
    """Three flat pictures of 0, 10 and 40 levels differ by 10, 40 and 30."""
    seeds = np.stack([np.full((4, 4, 3), level, dtype=np.uint8) for level in (0, 10, 40)])
    assert fidelity.variation(seeds) == pytest.approx(80 / 3)


def test_a_wrong_place_is_no_panel() -> None:
    """Two characters cannot stand in one place."""
    specs, _ = data.chain(5)
    who = specs[8].characters[0]
    with pytest.raises(ValueError, match="one place"):
        PanelSpec("pier", 1, characters=(who, who))
