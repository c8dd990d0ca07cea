"""Where the upscaler starts: features that reach the end, and a last layer that is solved, not learned.

With the usual random start fourteen plain layers pass on next to nothing, the cheapest answer is no answer, and
training stays with the picture enlarged by repetition. Here every inner layer begins as the identity with some noise,
and the last one as the ridge regression from its features to the wanted picture. That is above bicubic within two
seconds, and every feature has a gradient.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from bullpen_starter.networks.srvgg import SRVGGNetCompact
from bullpen_starter.train.upscaler_data import Windows

SLOPE, NOISE, RIDGE = 0.5, 0.3, 1e-4
BATCHES, NUMBER, SIDE = 4, 16, 40


@torch.no_grad()
def pass_through(model: SRVGGNetCompact) -> None:
    """Random features in the first layer, identity with noise in the inner ones."""
    inner = [layer for layer in model.body if isinstance(layer, nn.Conv2d)][:-1]
    for number, layer in enumerate(inner):
        nn.init.kaiming_normal_(layer.weight, a=SLOPE)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        if number > 0:
            layer.weight.mul_(NOISE)
            layer.weight[..., 1, 1] += torch.eye(len(layer.weight))
    for activation in model.body:
        if isinstance(activation, nn.PReLU):
            activation.weight.fill_(SLOPE)


@torch.no_grad()
def solve_last(model: SRVGGNetCompact, windows: Windows) -> None:
    """Write the ridge regression from the features of some windows to their residuals into the last layer."""
    last = model.body[-1]
    moments: Tensor = torch.zeros(())
    for _ in range(BATCHES):
        small, large = windows.batch(NUMBER, SIDE)
        states = small
        for layer in list(model.body)[:-1]:
            states = layer(states)
        around = functional.unfold(states, 3, padding=1)
        around = torch.cat([around, torch.ones_like(around[:, :1])], dim=1)
        enlarged = functional.interpolate(small, scale_factor=float(model.upscale), mode="nearest")
        wanted = functional.pixel_unshuffle(large - enlarged, model.upscale).flatten(2)
        both = torch.cat([around, wanted], dim=1).permute(0, 2, 1).flatten(0, 1).double()
        moments = moments + both.T @ both
    count = around.shape[1]
    inner = moments[:count, :count]
    inner = inner + RIDGE * inner.diagonal().mean() * torch.eye(count, dtype=torch.double)
    found = torch.linalg.solve(inner, moments[:count, count:]).float()
    last.get_parameter("weight").copy_(found[:-1].T.reshape_as(last.get_parameter("weight")))
    last.get_parameter("bias").copy_(found[-1])


def begin(model: SRVGGNetCompact, windows: Windows, fourfold: Path | None = None) -> SRVGGNetCompact:
    """Fill a network; inner layers come from the checkpoint `fourfold` where one is given."""
    if fourfold is None:
        pass_through(model)
    else:
        held = torch.load(fourfold, weights_only=True, map_location="cpu")["final"]
        final = f"body.{len(model.body) - 1}."
        model.load_state_dict({name: p for name, p in held.items() if not name.startswith(final)}, strict=False)
    solve_last(model, windows)
    return model
