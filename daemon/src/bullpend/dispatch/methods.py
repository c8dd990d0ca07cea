"""How a worker is told what a run's strategy works with: networks that were checked, and pictures as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2

from bullpend.models.loading import References
from bullpend.runs.method import Inputs, Method
from bullpend.runs.model import Strategy


def pack_method(
    method: Method, inputs: Inputs, models: References, pictures: Mapping[str, Path]
) -> link_pb2.Method | None:
    """The wire form of a strategy; `pictures` are the files of the inputs' assets. None for a model's own way."""
    if method.strategy is Strategy.INSTRUCTION_EDIT:
        return None
    packed = link_pb2.Method(strategy=method.strategy.value, strength=method.strength or 0.0)
    if (control := method.companion("control")) is not None:
        estimator = method.companion("estimator")
        packed.control.CopyFrom(
            link_pb2.ControlRef(
                model=models.beside[control.name].model,
                kind=control.kind,
                scale=method.control_scale or 0.0,
                estimator=models.beside[estimator.name].model if estimator is not None else None,
            )
        )
    if (adapter := method.companion("adapter")) is not None:
        found = models.beside[adapter.name]
        packed.references.CopyFrom(
            link_pb2.ReferenceRef(
                model=found.model,
                weight_file=found.weight_file,
                scale=method.reference_scale or 0.0,
                paths=[str(pictures[item.asset]) for item in inputs.references],
            )
        )
    elif method.strategy is Strategy.REFERENCE:
        # A provider's model needs no network beside it.
        packed.references.paths.extend(str(pictures[item.asset]) for item in inputs.references)
    if method.strategy is Strategy.INPAINT:
        packed.mask.CopyFrom(
            link_pb2.MaskWork(
                boxes=[
                    link_pb2.MaskBox(left=left, top=top, right=right, bottom=bottom)
                    for left, top, right, bottom in inputs.boxes
                ],
                compared_path=str(pictures[inputs.compared.asset]) if inputs.compared is not None else "",
                feather=method.feather or 0.0,
            )
        )
    return packed
