"""Networks as ONNX files, and the proof that a file computes what the network does.

The exporter is the one that traces: it needs no library beside onnx. Its notices of deprecation are not errors here.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

OPSET = 17


def opened(path: Path, threads: int = 1) -> Any:
    """An onnxruntime session on the CPU with so many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(session: Any, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first output for one (1, 3, h, w) input."""
    out: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: picture})[0]
    return out


def write_onnx(model: nn.Module, example: Tensor, path: Path, *, any_size: bool = False) -> float:
    """Write `model` with input `input` and output `output`; with `any_size` height and width stay open.

    Returns the largest difference between file and network on noise. Raises ValueError when that is above 1e-3.
    """
    axes = {2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": axes, "output": axes} if any_size else None,
        )
    probe = torch.rand(example.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = model(probe).numpy()
    apart = float(np.abs(run(opened(path), probe.numpy()) - wanted).max())
    if apart > 1e-3:
        raise ValueError(f"{path.name} is {apart:.4f} away from the network it was written from")
    return apart
