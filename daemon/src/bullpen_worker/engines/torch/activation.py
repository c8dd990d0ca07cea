"""Weights from files into memory that is already there: one read, no copy in between, no page fault for each page.

The networks of a pipeline are built empty from their descriptions, while a thread beside reads their files straight
into an arena (`arena.py`) or, for an accelerator, through page-locked buffers onto the device. Then each parameter
becomes a view of what was read. A network for which this cannot be exact (names that its library would translate,
parameters that would be left empty, quantised weights) is left to the library, which loads it as it always did.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import init_empty_weights

from bullpen_worker.engines.torch.arena import Arena
from bullpen_worker.engines.torch.model_files import ModelFolder
from bullpen_worker.engines.torch.staging import to_device
from bullpen_worker.engines.torch.weight_files import (
    Entry,
    WeightFile,
    component_files,
    layout,
    places_for,
    read_head,
    read_into,
)

_LIBRARIES = frozenset({"diffusers", "transformers"})


def stock(pipeline_class: Any, folder: ModelFolder, dtype: torch.dtype) -> Any:
    """The library's own pipeline from safetensors on this machine, with the networks that are built already."""
    return pipeline_class.from_pretrained(
        folder.path,
        dtype=dtype,
        variant=folder.variant,
        use_safetensors=True,
        local_files_only=True,
        **folder.parts,
    )


@dataclass(frozen=True, slots=True)
class _Component:
    name: str
    library: str
    class_name: str
    files: list[WeightFile]


def activate(folder: ModelFolder, dtype: torch.dtype, device: torch.device, arena: Arena) -> dict[str, torch.nn.Module]:
    """The folder's networks by component, with their weights as `dtype` on `device`; those that cannot be are left out.

    Raises OSError where a file cannot be read, and what the device raises when it is full.
    """
    components = list(_components(folder, dtype))
    built: dict[str, torch.nn.Module] = {}
    with ThreadPoolExecutor(1, thread_name_prefix="read-weights") as reader:
        reads = [reader.submit(_read, component, dtype, device, arena) for component in components]
        try:
            for component, read in zip(components, reads, strict=True):
                network = _fill(folder, component, read)
                if network is not None:
                    built[component.name] = network
        except BaseException:
            reader.shutdown(cancel_futures=True)
            raise
    return built


def heads(folder: ModelFolder, dtype: torch.dtype) -> dict[str, list[WeightFile]]:
    """The files of the networks that are activated, by component. Raises OSError, ValueError or KeyError."""
    return {component.name: component.files for component in _components(folder, dtype)}


def _components(folder: ModelFolder, dtype: torch.dtype) -> Iterator[_Component]:
    index = json.loads((folder.path / "model_index.json").read_text(encoding="utf-8"))
    for name, described in sorted(index.items()):
        if name.startswith("_") or not isinstance(described, list) or described[0] not in _LIBRARIES:
            continue
        config = folder.path / name / "config.json"
        files = component_files(folder, name)
        if not files or not config.is_file() or "quantization_config" in config.read_text(encoding="utf-8"):
            continue
        found = getattr(importlib.import_module(described[0]), described[1], None)
        if found is None or (dtype != torch.float32 and getattr(found, "_keep_in_fp32_modules", None)):
            continue
        yield _Component(name, described[0], described[1], [read_head(path) for path in files])


def _fill(folder: ModelFolder, component: _Component, read: Future[dict[str, torch.Tensor]]) -> torch.nn.Module | None:
    """The network with its weights; None where something of it would stay empty or unused."""
    network = _empty(folder, component)
    return network.eval() if _attach(network, read.result()) else None


def _attach(network: torch.nn.Module, tensors: dict[str, torch.Tensor]) -> bool:
    """Makes tensors the network's own. False where something of it would stay empty, or something has no place."""
    owners = dict(network.named_modules(remove_duplicate=False))
    for name, tensor in tensors.items():
        module, _, leaf = name.rpartition(".")
        owner = owners.get(module)
        if owner is None:
            return False
        own = owner._parameters if leaf in owner._parameters else owner._buffers
        before = own.get(leaf)
        if before is None or before.shape != tensor.shape:
            return False
        if own is owner._parameters:
            tensor = torch.nn.Parameter(tensor, requires_grad=tensor.dtype.is_floating_point)
        own[leaf] = tensor
    tie = getattr(network, "tie_weights", None)
    if callable(tie):
        tie()
    held = (held for owner in owners.values() for held in (*owner._parameters.values(), *owner._buffers.values()))
    return not any(tensor is not None and tensor.is_meta for tensor in held)


def _empty(folder: ModelFolder, component: _Component) -> torch.nn.Module:
    """A network without weights; what it computes itself, such as positions, is there."""
    found = getattr(importlib.import_module(component.library), component.class_name)
    place = folder.path / component.name
    with init_empty_weights(include_buffers=False):
        if component.library == "diffusers":
            network: torch.nn.Module = found.from_config(found.load_config(place))
        else:
            network = found(found.config_class.from_pretrained(place, local_files_only=True))
    return network


def _read(component: _Component, dtype: torch.dtype, device: torch.device, arena: Arena) -> dict[str, torch.Tensor]:
    """All tensors of a component, by name. Runs on the reading thread."""
    tensors: dict[str, torch.Tensor] = {}
    for file in component.files:
        places, size = places_for(file, device)
        raw = to_device(file, places, size, device) if device.type == "cuda" else arena.take(size)
        if device.type != "cuda":
            read_into(file, places, raw)
        held = {name: _view(raw, places[name], entry) for name, entry in file.entries.items()}
        same = all(entry.dtype == dtype or not entry.dtype.is_floating_point for entry in file.entries.values())
        if not same or device.type not in ("cuda", "cpu"):
            held = _converted(file, held, dtype, device, arena)
        tensors.update(held)
    return tensors


def _view(memory: torch.Tensor, place: int, entry: Entry) -> torch.Tensor:
    return memory[place : place + entry.end - entry.begin].view(entry.dtype).view(entry.shape)


def _converted(
    file: WeightFile, tensors: dict[str, torch.Tensor], dtype: torch.dtype, device: torch.device, arena: Arena
) -> dict[str, torch.Tensor]:
    """The same as `dtype`, in memory of their own."""
    held = {name: dtype if tensor.dtype.is_floating_point else tensor.dtype for name, tensor in tensors.items()}
    if device.type != "cpu":
        return {name: tensor.to(device, held[name]) for name, tensor in tensors.items()}
    places, end = layout(file, dtype)
    memory = arena.take(end)
    made = {}
    for name, tensor in tensors.items():
        size = tensor.numel() * held[name].itemsize
        made[name] = memory[places[name] : places[name] + size].view(held[name]).view(tensor.shape).copy_(tensor)
    return made
