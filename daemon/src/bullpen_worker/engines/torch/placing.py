"""Where a pipeline's weights are while it works: all on the device, or brought there network by network, or layer by
layer. The means are those of diffusers (`enable_model_cpu_offload`, `enable_sequential_cpu_offload`).

On the processor there is one placement only: its memory is the device's memory.
"""

from __future__ import annotations

from typing import Any

import torch

from bullpen_worker.memory_rules import Placement


def placements(device: torch.device) -> frozenset[Placement]:
    """What can be done on a device."""
    return frozenset(Placement) if device.type == "cuda" else frozenset({Placement.WHOLE})


def place(pipeline: Any, placement: Placement, device: torch.device) -> None:
    """Places a pipeline that is in main memory, or partly on the device already."""
    match placement:
        case Placement.WHOLE:
            pipeline.to(device)
        case Placement.PARTS:
            pipeline.enable_model_cpu_offload(device=device)
        case Placement.PIECES:
            pipeline.enable_sequential_cpu_offload(device=device)
    pipeline.works_on = pipeline._execution_device


def device_of(pipeline: Any) -> torch.device:
    """Where a pipeline computes. diffusers finds that out by walking through all its layers, each time it is asked."""
    known: torch.device | None = getattr(pipeline, "works_on", None)
    return pipeline._execution_device if known is None else known


def rest(pipeline: Any) -> None:
    """After a job: what is still on the device of a pipeline that works in parts goes back to main memory."""
    for hook in getattr(pipeline, "_all_hooks", ()):
        hook.offload()


def displace(pipeline: Any) -> None:
    """Undoes `place`, so that the pipeline's weights can be given up."""
    if getattr(pipeline, "_all_hooks", None) or getattr(pipeline, "_offload_device", None) is not None:
        pipeline.remove_all_hooks()
