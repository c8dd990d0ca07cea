"""The device's memory as torch and the driver see it: free, taken at the most, given back.

On the processor the device's memory is the machine's. Nothing here decides anything; `memory_rules` does.
"""

from __future__ import annotations

import gc

import torch

from bullpen_worker.machine import available_memory, forget_peak, give_back_memory, peak_memory, process_memory


class DeviceMemory:
    """Memory of one device. Used by the device thread."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = 0
        self._watched = False

    def free(self) -> int:
        """Bytes that models and their work can still take; what torch keeps for reuse counts as free."""
        match self._device.type:
            case "cuda":
                free, _ = torch.cuda.mem_get_info(self._device)
                kept = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
                return int(free + kept)
            case "mps":  # not run in the tests of this project
                return max(0, int(torch.mps.recommended_max_memory()) - int(torch.mps.current_allocated_memory()))
            case _:
                return available_memory()

    def watch(self) -> None:
        """Begins to watch how much is taken at the most."""
        match self._device.type:
            case "cuda":
                torch.cuda.reset_peak_memory_stats(self._device)
                self._before, self._watched = int(torch.cuda.memory_allocated(self._device)), True
            case "mps":  # not run in the tests of this project
                self._before, self._watched = int(torch.mps.driver_allocated_memory()), True
            case _:
                self._watched = forget_peak()
                self._before = process_memory()

    def taken(self) -> int:
        """The most bytes that were taken since `watch` beside what was taken then; 0 where that is not known."""
        if not self._watched:
            return 0
        match self._device.type:
            case "cuda":
                peak = int(torch.cuda.max_memory_allocated(self._device))
            case "mps":  # not run in the tests of this project; Metal tells no peak, and keeps what it took
                peak = int(torch.mps.driver_allocated_memory())
            case _:
                peak = peak_memory()
        return max(0, peak - self._before)

    def give_back(self) -> None:
        """Collects what nobody uses and returns it to the driver or the system."""
        gc.collect()
        match self._device.type:
            case "cuda":
                torch.cuda.empty_cache()
            case "mps":  # not run in the tests of this project
                torch.mps.empty_cache()
            case _:
                give_back_memory()
