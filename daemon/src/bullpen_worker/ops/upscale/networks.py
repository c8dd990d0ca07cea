"""Upscalers: which file of a model is opened, by which library, and the proof that it does enlarge.

ONNX files run through onnxruntime. Safetensors are read by spandrel where that is installed, which knows the families
of ESRGAN by their weights; it is also what would read pickled `.pth` files, and those never come here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.onnx_file import OnnxFile
from bullpen_worker.ops.tools import Tool, Toolbox

FloatArray = NDArray[np.float32]

# A side that nothing reads further than: enough for the compact networks, as their own tools have it.
DEFAULT_OVERLAP = 16
_MOST_OVERLAP = 256
_PROBE = 16
_SPANDREL = "Install it: pip install 'bullpen[spandrel]', or use the model as ONNX."


@dataclass(frozen=True, slots=True)
class Upscaler:
    """A network that enlarges (1, 3, h, w) in 0..1 by `scale`; a pixel depends on none further than `overlap`."""

    run: Callable[[FloatArray], FloatArray]
    scale: int
    overlap: int
    fixed: tuple[int, int] | None = None


def upscaler(tool: Tool, scale: int, toolbox: Toolbox) -> Upscaler:
    """The network for a factor; 0 takes the largest that the model has.

    Raises WorkerError MODEL_UNSUPPORTED (no such factor), MODEL_UNSAFE, MODEL_CORRUPT.
    """
    return toolbox.take("upscale", tool, scale, lambda: _open(tool, scale, toolbox.threads))


def _open(tool: Tool, scale: int, threads: int) -> Upscaler:
    if tool.file:
        found = _network(tool.weights(tool.file), DEFAULT_OVERLAP, threads)
        if scale not in (0, found.scale):
            raise _no_such_factor(tool, scale, [found.scale])
        return found
    runtime = tool.runtime()
    files = _by_factor(tool, runtime.get("files"))
    weights = _by_factor(tool, runtime.get("weights"))
    factors = sorted({*files, *weights})
    if not factors:
        raise WorkerError("MODEL_CORRUPT", f"The manifest of {tool.model.name} names no files by their factor.")
    wanted = scale or factors[-1]
    if wanted not in factors:
        raise _no_such_factor(tool, scale, factors)
    overlap = runtime.get("overlap", DEFAULT_OVERLAP)
    if not isinstance(overlap, int) or not 0 <= overlap <= _MOST_OVERLAP:
        raise WorkerError("MODEL_CORRUPT", f"The manifest of {tool.model.name}: overlap is not from 0 to 256 pixels.")
    found = _network(tool.weights(files.get(wanted, weights.get(wanted))), overlap, threads)
    if found.scale != wanted:
        message = f"{tool.model.name} enlarges {found.scale} times where its manifest says {wanted}."
        raise WorkerError("MODEL_CORRUPT", message)
    return found


def _network(path: Path, overlap: int, threads: int) -> Upscaler:
    if path.suffix.lower() == ".safetensors":
        run, fixed = _spandrel(path), None
    else:
        network = OnnxFile(path, threads)
        run, fixed = network.run, network.fixed
    probe = np.zeros((1, 3, *(fixed or (_PROBE, _PROBE))), dtype=np.float32)
    out = run(probe)
    scale = out.shape[-1] // probe.shape[-1] if out.ndim == 4 else 0
    if scale not in range(1, 9) or out.shape != (1, 3, probe.shape[2] * scale, probe.shape[3] * scale):
        raise WorkerError("MODEL_UNSUPPORTED", f"{path.name} does not enlarge a picture by a whole factor up to 8.")
    # A network of one size cannot spare more than a quarter of it on each side.
    return Upscaler(run, scale, min(overlap, min(fixed) // 4) if fixed else overlap, fixed)


def _spandrel(path: Path) -> Callable[[FloatArray], FloatArray]:
    try:
        import spandrel
        import torch
    except ImportError as error:
        message = f"{path.name} needs the library spandrel, which is not installed here."
        raise WorkerError("MODEL_UNSUPPORTED", message, _SPANDREL) from error
    try:
        found: Any = spandrel.ModelLoader(device="cpu").load_from_file(str(path))
    except Exception as error:
        raise WorkerError("MODEL_UNSUPPORTED", f"{path.name} is of no family that spandrel knows: {error}.") from error
    if not isinstance(found, spandrel.ImageModelDescriptor) or (found.input_channels, found.output_channels) != (3, 3):
        raise WorkerError("MODEL_UNSUPPORTED", f"{path.name} does not make an RGB picture of an RGB picture.")
    found.eval()

    def run(picture: FloatArray) -> FloatArray:
        with torch.inference_mode():
            out: FloatArray = found(torch.from_numpy(picture)).float().numpy()
        return out

    return run


def _by_factor(tool: Tool, named: object) -> dict[int, object]:
    if named is None:
        return {}
    if not isinstance(named, Mapping) or not all(isinstance(key, str) and key.isdigit() for key in named):
        raise WorkerError("MODEL_CORRUPT", f"The manifest of {tool.model.name} does not name files by their factor.")
    return {int(key): value for key, value in named.items()}


def _no_such_factor(tool: Tool, scale: int, factors: list[int]) -> WorkerError:
    can = " or ".join(f"{factor} times" for factor in factors)
    return WorkerError(
        "MODEL_UNSUPPORTED",
        f"{tool.model.name} does not enlarge {scale} times; it can do {can}.",
        f"Ask for {can}, or choose another model.",
    )
