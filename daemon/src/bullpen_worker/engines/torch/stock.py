"""A stock diffusers pipeline as a generator of steps: whatever the library can do, stoppable between any two steps.

The pipelines for edits differ in a hundred details, and all have one thing in common: a callback at the end of a step.
Here such a call runs on a thread of its own, which waits in its callback while the device thread does what is due
between two steps; only one of the two ever runs. So the pixels are the library's own, and nobody but the library has to
know how Flux packs its latents. To stop, the callback raises: unlike the library's flag for it, that ends every
pipeline, and leaves it as it was.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from bullpen_worker.engines.base import Controls, Preview, Step

# Guidance up to here is none: pipelines then leave out the pass without the text, which cannot be begun on the way.
_NO_GUIDANCE = 1.0
_FAINTEST_GUIDANCE = 1.0 + 1e-6

Draw = Callable[[torch.Tensor], Preview | None]


class StoppedError(Exception):
    """Ends a pipeline's call from within."""


@dataclass(slots=True)
class _Turns:
    """Whose turn it is, and what passed between the two threads."""

    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    rest: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    stopped: bool = False
    ended: bool = False
    step: int = 0
    total: int = 0
    latents: torch.Tensor | None = None
    result: Any = None
    error: BaseException | None = None


class StockCall:
    """One call of a pipeline. `draw` makes a preview of the latents that the pipeline works on."""

    def __init__(self, pipeline: Any, arguments: dict[str, Any], controls: Controls, draw: Draw) -> None:
        self._pipeline = pipeline
        self._arguments = arguments
        self._controls = controls
        self._draw = draw
        self._turns = _Turns()
        self._guided = controls.guidance_scale > _NO_GUIDANCE

    def steps(self) -> Generator[Step, None, Any]:
        """Runs the call, and gives what it gives. Closing the generator stops the call within its step."""
        turns = self._turns
        thread = threading.Thread(target=self._run, name="pipeline", daemon=True)
        thread.start()
        try:
            while True:
                turns.go.release()
                turns.rest.acquire()
                if turns.ended:
                    break
                latents = turns.latents
                yield Step(turns.step, turns.total, None if latents is None else partial(self._draw, latents))
        finally:
            turns.stopped = True
            while thread.is_alive() and not turns.ended:
                turns.go.release()
                turns.rest.acquire()
            thread.join()
        if turns.error is not None:
            raise turns.error
        return turns.result

    def _run(self) -> None:
        turns = self._turns
        turns.go.acquire()
        try:
            if not turns.stopped:
                turns.result = self._pipeline(**self._arguments, callback_on_step_end=self._stepped)
        except StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where the generator is read
            turns.error = error
        turns.ended = True
        turns.rest.release()

    def _stepped(self, pipeline: Any, index: int, t: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        turns = self._turns
        turns.step, turns.total = index + 1, int(pipeline.num_timesteps)
        turns.latents = _expected(pipeline, tensors)
        turns.rest.release()
        turns.go.acquire()
        if turns.stopped:
            raise StoppedError
        self._tune(pipeline)
        return tensors

    def _tune(self, pipeline: Any) -> None:
        """What a person changed acts from the next step on, but guidance cannot begin or end on the way."""
        wanted = self._controls.guidance_scale
        if self._guided:
            pipeline._guidance_scale = max(wanted, _FAINTEST_GUIDANCE)
        elif wanted <= _NO_GUIDANCE:
            pipeline._guidance_scale = wanted
        if hasattr(pipeline, "_image_guidance_scale"):
            pipeline._image_guidance_scale = self._controls.image_guidance_scale


def watched(scheduler: Any) -> Any:
    """The scheduler, which from now on remembers what the model expects of the finished picture, as `expected`."""
    step = scheduler.step

    def remembering(*args: Any, **kwargs: Any) -> Any:
        found = step(*args, **kwargs)
        scheduler.expected = found[1] if isinstance(found, tuple) and len(found) > 1 else None
        return found

    # Pipelines look at the signature to see what a scheduler takes.
    remembering.__signature__ = inspect.signature(step)  # type: ignore[attr-defined]  # functions take attributes
    scheduler.expected, scheduler.step = None, remembering
    return scheduler


def _expected(pipeline: Any, tensors: dict[str, Any]) -> torch.Tensor | None:
    latents = tensors.get("latents")
    expected = getattr(pipeline.scheduler, "expected", None)
    if expected is not None and latents is not None and expected.shape == latents.shape:
        found: torch.Tensor = expected
        return found
    return latents
