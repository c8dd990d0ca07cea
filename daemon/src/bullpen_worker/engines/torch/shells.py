"""Pipelines without their weights, kept for the day when their model comes back.

Building a pipeline's networks takes a time that reading the weights from the page cache does not: thousands of objects.
So a model that leaves the memory leaves its empty networks behind, which take next to nothing, and when the very same
files are loaded again they are only filled.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from bullpen_worker.engines.base import ModelSpec
from bullpen_worker.engines.torch.refilling import Refill

_MOST = 4


@dataclass(frozen=True, slots=True)
class Shell:
    """An emptied model, its networks by component, small tensors that no file has, by (component, name), and how all
    others come back.
    """

    model: Any
    networks: Mapping[str, torch.nn.Module]
    computed: Mapping[tuple[str, str], torch.Tensor]
    refill: Refill

    def restore(self) -> None:
        """Puts back what no file has."""
        for (component, name), tensor in self.computed.items():
            place, _, leaf = name.rpartition(".")
            self.networks[component].get_submodule(place)._buffers[leaf] = tensor


class Shells:
    """The latest few, by content of the model."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], Shell] = OrderedDict()

    def take(self, spec: ModelSpec) -> Shell | None:
        """The shell of exactly this model, which is then no longer kept."""
        return self._kept.pop(_key(spec), None) if spec.digest else None

    def keep(self, spec: ModelSpec, shell: Shell) -> None:
        """Keeps a shell, and forgets the oldest where there are too many."""
        if spec.digest:
            self._kept[_key(spec)] = shell
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)


def computed(networks: Mapping[str, torch.nn.Module]) -> dict[tuple[str, str], torch.Tensor]:
    """What of the networks is in no file, such as positions. To be asked before they are emptied."""
    found = {}
    for component, network in networks.items():
        stored = network.state_dict().keys()
        for name, tensor in network.named_buffers():
            if name not in stored:
                found[component, name] = tensor
    return found


def _key(spec: ModelSpec) -> tuple[str, str, str]:
    return spec.digest, spec.path, spec.family
