"""A model that comes back: everything about it that can be known when it leaves is known, and only its bytes are read.

Descriptions, heads, places in memory and the parameters' owners take a third of the time that the bytes take, and grow
with the number of tensors. So a plan of them is made when a model is emptied. It holds for exactly the files that were
there then; where one is another now, the model is loaded as if it came for the first time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bullpen_worker.engines.torch.arena import Arena
from bullpen_worker.engines.torch.staging import to_device
from bullpen_worker.engines.torch.weight_files import (
    Run,
    Signature,
    WeightFile,
    places_for,
    read_runs,
    runs_of,
    signature,
)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a tensor goes: the owner's own mapping and the name in it; and where it lies in the file's memory."""

    own: dict[str, torch.Tensor | None]
    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    # In elements of the type.
    offset: int
    parameter: bool
    floating: bool


@dataclass(frozen=True, slots=True)
class _File:
    file: WeightFile
    signature: Signature
    places: dict[str, int]
    runs: list[Run]
    size: int
    targets: list[_Target]


@dataclass(frozen=True, slots=True)
class Refill:
    """How a model's networks get their weights again."""

    files: list[_File]
    networks: Sequence[torch.nn.Module]

    def run(self, device: torch.device, arena: Arena) -> bool:
        """Fills the networks. False where a file is not the one of the plan. Raises OSError, and what the device raises
        when it is full.
        """
        if any(signature(part.file.path) != part.signature for part in self.files):
            return False
        for part in self.files:
            if device.type == "cuda":
                raw = to_device(part.file, part.places, part.size, device)
            else:
                raw = arena.take(part.size)
                read_runs(part.file, part.runs, raw)
            _attach(raw, part.targets)
        for network in self.networks:
            tie = getattr(network, "tie_weights", None)
            if callable(tie):
                tie()
        return True


def plan(
    files: Mapping[str, Sequence[WeightFile]],
    dtype: torch.dtype,
    device: torch.device,
    networks: Mapping[str, torch.nn.Module],
) -> Refill | None:
    """The plan for networks that hold the weights of these files, by component, as `dtype` on the device. None where
    weights have to be converted, or where a network has something else than the files.
    """
    if device.type not in ("cpu", "cuda") or files.keys() != networks.keys():
        return None
    parts = []
    for component, network in networks.items():
        owners = dict(network.named_modules(remove_duplicate=False))
        for file in files[component]:
            part = _of_file(file, dtype, device, owners)
            if part is None:
                return None
            parts.append(part)
    return Refill(parts, list(networks.values()))


def _of_file(
    file: WeightFile, dtype: torch.dtype, device: torch.device, owners: Mapping[str, torch.nn.Module]
) -> _File | None:
    places, size = places_for(file, device)
    targets = []
    for name, entry in file.entries.items():
        if entry.dtype.is_floating_point and entry.dtype != dtype:
            return None
        module, _, leaf = name.rpartition(".")
        owner = owners.get(module)
        if owner is None:
            return None
        parameter = leaf in owner._parameters
        own: Any = owner._parameters if parameter else owner._buffers
        held = own.get(leaf)
        if held is None or held.shape != entry.shape:
            return None
        stride, step = [], 1
        for length in reversed(entry.shape):
            stride.append(step)
            step *= length
        offset, floating = places[name] // entry.dtype.itemsize, entry.dtype.is_floating_point
        targets.append(
            _Target(own, leaf, entry.dtype, entry.shape, tuple(reversed(stride)), offset, parameter, floating)
        )
    try:
        return _File(file, signature(file.path), places, runs_of(file, places), size, targets)
    except OSError:
        return None


def _attach(raw: torch.Tensor, targets: Sequence[_Target]) -> None:
    """Makes the parts of a file's memory the owners' own."""
    bases: dict[torch.dtype, torch.Tensor] = {}
    for target in targets:
        base = bases.get(target.dtype)
        if base is None:
            whole = len(raw) // target.dtype.itemsize * target.dtype.itemsize
            base = bases[target.dtype] = raw[:whole].view(target.dtype)
        tensor = torch.as_strided(base, target.shape, target.stride, target.offset)
        if target.parameter:
            # What the class does for a plain tensor, without asking of what kind it is.
            tensor = torch.Tensor._make_subclass(torch.nn.Parameter, tensor, target.floating)
        target.own[target.name] = tensor
