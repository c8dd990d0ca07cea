"""The weights of a pipeline in memory: whose they are, and how much they take."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import torch


def modules(pipeline: Any) -> Iterator[torch.nn.Module]:
    """The networks of a pipeline."""
    return (part for part in pipeline.components.values() if isinstance(part, torch.nn.Module))


def own_module(module: torch.nn.Module, mark: str = "") -> None:
    """Takes the weights of one network out of the files."""
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if tensor.device.type == "cpu" and mark in name:
            tensor.data = tensor.data.clone()


def own(pipeline: Any, mark: str = "", read: Collection[torch.nn.Module] = ()) -> None:
    """Takes weights out of the files: libraries may leave them mapped, and a file that changes then changes them.

    With `mark` only those that have it in their names; not those of networks that were `read`, which have their own.
    """
    for module in modules(pipeline):
        if any(module is one for one in read):
            continue
        own_module(module, mark)


def size_bytes(pipeline: Any) -> int:
    """Bytes of all weights."""
    return sum(
        tensor.numel() * tensor.element_size()
        for module in modules(pipeline)
        for tensor in (*module.parameters(), *module.buffers())
    )
