"""Reads how a picture is to be made from the frame that asks for it."""

from __future__ import annotations

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.engines.base import ControlSpec, MaskSpec, MethodSpec, ReferenceSpec
from bullpen_worker.model_spec import model_spec


def method_spec(method: link_pb2.Method) -> MethodSpec:
    """The method of a job; that of an unset message is the way of the model's family."""
    return MethodSpec(
        strategy=method.strategy,
        strength=method.strength,
        control=_control(method.control) if method.HasField("control") else None,
        references=_references(method.references) if method.HasField("references") else None,
        mask=mask_spec(method.mask) if method.HasField("mask") else None,
    )


def _control(control: link_pb2.ControlRef) -> ControlSpec:
    estimator = model_spec(control.estimator) if control.HasField("estimator") else None
    return ControlSpec(model_spec(control.model), control.kind, control.scale, estimator)


def _references(references: link_pb2.ReferenceRef) -> ReferenceSpec:
    return ReferenceSpec(
        model_spec(references.model), references.weight_file, references.scale, tuple(references.paths)
    )


def mask_spec(mask: link_pb2.MaskWork) -> MaskSpec:
    """Where an inpainting paints."""
    boxes = tuple((box.left, box.top, box.right, box.bottom) for box in mask.boxes)
    return MaskSpec(boxes, mask.compared_path, mask.feather)
