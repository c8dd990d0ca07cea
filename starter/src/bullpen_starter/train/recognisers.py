"""What the recognisers share: a training run with its checkpoint, and the files of a finished network.

A run is timed, resumable, averaged; the averaged weights get batch statistics of their own at the end. A finished
network is written three times: safetensors in half precision, ONNX for runtimes without torch, and its `config.json`.
"""

import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from bullpen_starter.train import onnxfile
from bullpen_starter.train.clock import Average, Budget
from bullpen_starter.train.say import say


class Run:
    """One training of `model` with a checkpoint at `path`; iterate it for steps, and `learn` from each loss.

    `minutes` counts all runs together; on a CPU they are minutes of processor time, so that a training on a busy
    machine is as long as on a quiet one. A checkpoint is written every minute; `resume` goes on from it.
    """

    def __init__(self, name: str, model: nn.Module, path: Path, rate: float, minutes: float, resume: bool) -> None:
        self.name, self.model, self.path, self.rate = name, model, path, rate
        self.average = Average(model, 0.995)
        self.optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02, fused=True)
        self.steps, self._loss, used = 0, 0.0, 0.0
        if resume and path.exists():
            saved = torch.load(path, weights_only=True, map_location=next(model.parameters()).device)
            model.load_state_dict(saved["model"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.average.values, self.average.steps = saved["average"], saved["steps"]
            self.steps, used = saved["steps"], saved["used"]
        on_cpu = next(model.parameters()).device.type == "cpu"
        self.budget = Budget(minutes, used, time.process_time if on_cpu else time.monotonic)
        self._saved = self.budget.seconds

    def __iter__(self) -> Iterator[int]:
        """Numbers of steps until the time is spent."""
        while self.budget.share < 1:
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate * self.budget.rate(hold=0.3)
            self.model.train()
            yield self.steps
            if self.budget.seconds - self._saved > 60:
                self._saved = self.budget.seconds
                say(f"{self.name}: {self._saved / 60:.1f} min, step {self.steps}, loss {self._loss:.3f}")
                self.save()

    def learn(self, loss: Tensor) -> None:
        """One step down the gradient of a loss."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimiser.step()
        self.average.update(self.model)
        self.steps += 1
        self._loss += (float(loss.detach()) - self._loss) / min(self.steps, 100)

    def save(self, finished: dict[str, Tensor] | None = None) -> None:
        """Write the checkpoint, in one rename; `finished` are the weights to use."""
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.values,
            "steps": self.steps,
            "used": self.budget.seconds,
            "finished": finished or {},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.path)

    def finish(self, look: Callable[[], object], looks: int = 30) -> None:
        """Keep the averaged weights with fresh batch statistics; `look()` runs the model on one batch."""
        learned = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.average.copy_to(self.model)
        norms = [module for module in self.model.modules() if isinstance(module, nn.BatchNorm2d)]
        before = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        self.model.train()
        with torch.no_grad():
            for _ in range(looks):
                look()
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum
        finished = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(learned)
        self.save(finished)
        say(f"{self.name}: done, {self.steps} steps in {self.budget.seconds / 60:.1f} min, loss {self._loss:.3f}")


def finished(path: Path, model: nn.Module) -> dict[str, Any]:
    """Load the finished weights of a checkpoint into `model`; the rest of the checkpoint comes back.

    Raises ValueError for a training that was never finished.
    """
    saved: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    if not saved["finished"]:
        raise ValueError(f"{path.name} holds a training that has not finished; resume it")
    model.load_state_dict(saved["finished"])
    model.eval()
    return saved


def write(folder: Path, model: nn.Module, config: dict[str, Any], example: Tensor, outputs: list[str]) -> None:
    """`model.safetensors` (fp16), `model.onnx` (the same values in fp32) and `config.json` into an empty folder.

    The input is called `picture`; its first dimension is free. Afterwards `model` holds the rounded values.
    """
    half = {name: value.half() for name, value in model.state_dict().items() if value.is_floating_point()}
    save_file({name: value.contiguous() for name, value in half.items()}, folder / "model.safetensors")
    model.load_state_dict({name: value.float() for name, value in half.items()}, strict=False)
    model.to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that writes one small self-contained file calls itself old
        torch.onnx.export(
            model,
            (example.contiguous(),),
            folder / "model.onnx",
            dynamo=False,
            opset_version=onnxfile.OPSET,
            input_names=["picture"],
            output_names=outputs,
            dynamic_axes={name: {0: "n"} for name in ("picture", *outputs)},
        )
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def onnx_outputs(folder: Path, pictures: Tensor) -> dict[str, np.ndarray[Any, Any]]:
    """What the exported ONNX file says, by output name, on one thread."""
    session = onnxfile.opened(folder / "model.onnx")
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"picture": pictures.contiguous().numpy()}), strict=True))


def checked(folder: Path, model: nn.Module, pictures: Tensor, limit: float = 2e-3) -> float:
    """The largest difference between the ONNX file and the network on these pictures.

    Raises ValueError when it is above `limit`.
    """
    with torch.no_grad():
        said = model(pictures)
    wanted = list(said.values()) if isinstance(said, dict) else [said]
    found = onnx_outputs(folder, pictures).values()
    apart = max(float(np.abs(a - b.numpy()).max()) for a, b in zip(found, wanted, strict=True))
    if apart > limit:
        raise ValueError(f"{folder.name}: the ONNX file is {apart:.4f} away from the network it was written from")
    return apart


def training(cache: Path, checkpoint: str, **more: Any) -> dict[str, Any]:
    """The training configuration of a finished checkpoint for the manifest."""
    saved = torch.load(cache / checkpoint, weights_only=True, map_location="cpu")
    return {
        "data": "procedural renders of bullpen_starter.render",
        "steps": saved["steps"],
        "processor_minutes": round(saved["used"] / 60, 1),
        **more,
    }
