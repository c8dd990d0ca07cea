"""What both encoders share: the contrastive loss, pairs of pictures, and the threshold between same and different.

Loss: supervised contrastive learning (Khosla and others, 2020, the form with the sum outside of the logarithm). The
threshold is the one with the best F1 on validation pairs; figures are taken on test pairs with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bullpen_starter.networks.encoder import Encoder
from bullpen_starter.train import recognisers
from bullpen_starter.train.packing import pack

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Indices of two pictures each, (n,) and (n,), and whether both show the same."""

    first: Numbers
    second: Numbers
    same: NDArray[np.bool_]

    def __add__(self, other: "Pairs") -> "Pairs":
        """Both collections."""
        return Pairs(
            np.concatenate([self.first, other.first]),
            np.concatenate([self.second, other.second]),
            np.concatenate([self.same, other.same]),
        )


def contrastive(points: Tensor, groups: Tensor, temperature: float = 0.1) -> Tensor:
    """How badly unit vectors (n, size) of one group lie apart and those of different groups together; a scalar.

    Pictures that are alone in their group only push.
    """
    likeness = points @ points.T / temperature
    itself = torch.eye(len(points), dtype=torch.bool, device=points.device)
    likeness = likeness.masked_fill(itself, float("-inf"))
    friends = (groups[:, None] == groups[None]) & ~itself
    share = likeness - likeness.logsumexp(dim=1, keepdim=True)
    pulled = share.masked_fill(~friends, 0.0).sum(dim=1) / friends.sum(dim=1).clamp_min(1)
    return -pulled.sum() / (friends.any(dim=1)).sum().clamp_min(1)


@torch.no_grad()
def embed(model: Encoder, pictures: Tensor) -> NDArray[np.float32]:
    """Unit vectors (n, size) of pictures in -1..1, on the CPU."""
    model.eval()
    points: NDArray[np.float32] = torch.cat([model(part) for part in torch.split(pictures, 64)]).cpu().numpy()
    return points


def likeness(points: NDArray[np.float32], pairs: Pairs) -> NDArray[np.float32]:
    """Dot products of pairs, (n,)."""
    found: NDArray[np.float32] = (points[pairs.first] * points[pairs.second]).sum(axis=1)
    return found


def scores(values: NDArray[np.float32], same: NDArray[np.bool_], threshold: float) -> dict[str, float]:
    """F1, precision, recall and the share of different pairs taken for the same, at a threshold."""
    said = values >= threshold
    hits, wrong = int((said & same).sum()), int((said & ~same).sum())
    precision, recall = hits / max(1, hits + wrong), hits / max(1, int(same.sum()))
    return {
        "f1": 2 * precision * recall / max(1e-9, precision + recall),
        "precision": precision,
        "recall": recall,
        "false_accept": wrong / max(1, int((~same).sum())),
    }


def calibrate(values: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    """The threshold of the best F1 on these pairs, in the middle of the gap to the next value below."""
    order = np.argsort(-values)
    hits = np.cumsum(same[order])
    f1 = 2 * hits / (np.arange(1, len(values) + 1) + same.sum())
    best = int(np.argmax(f1))
    ranked = values[order]
    return float((ranked[best] + ranked[min(best + 1, len(ranked) - 1)]) / 2)


def plain(model: nn.Module) -> nn.Module:
    """A network in the memory order that convolutions on a CPU like best."""
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def packed(
    name: str,
    model: Encoder,
    some: Tensor,
    about: dict[str, Any],
    metrics: dict[str, Any],
    card: Callable[[Mapping[str, Any]], str],
    **more: Any,
) -> Path:
    """Write `models/<name>`; `some` pictures (n, 3, height, width) prove the ONNX file and the half precision.

    `more` goes into `config.json` beside sizes and threshold.
    """
    config = {
        "architecture": name,
        "height": model.height,
        "width": model.width,
        "size": model.size,
        "pooling": model.pooling,
        "range": [-1.0, 1.0],
        "threshold": metrics["threshold"],
        **more,
    }
    before = embed(model, some)

    def fill(folder: Path) -> None:
        recognisers.write(folder, model, config, some[:2], ["embedding"])
        metrics["onnx_difference"] = recognisers.checked(folder, model, some)
        metrics["half_precision_difference"] = float(np.abs(embed(model, some) - before).max())

    shape = {"width": model.width, "height": model.height, "threshold": metrics["threshold"]}
    return pack(name, fill, {**about, **shape, "metrics": metrics}, card(metrics))
