"""Judges of pictures small enough to be written by a test: their answers can be told beforehand.

The encoder's point is the mean colour of the picture, from -1 to 1 by channel. The tagger says that somebody stands at
a place where that half of the picture is bright.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 16


def _save(folder: Path, graph: onnx.GraphProto, about: Mapping[str, Any], config: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, folder / "model.onnx")
    (folder / "config.json").write_text(json.dumps(config))
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size": path.stat().st_size}
        for path in (folder / "model.onnx", folder / "config.json")
    }
    manifest = {"schema_version": 1, "title": folder.name, "licence": "Apache-2.0", **about, "files": files}
    (folder / "bullpen-manifest.json").write_text(json.dumps(manifest))
    return folder


def _pictures(side: int = SIDE) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, side, side])


def encoder(folder: Path, capability: str = "style_embedding", **config: Any) -> Path:
    """An encoder of mean colours; `config` goes over its `config.json`."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["picture"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["embedding"]),
    ]
    out = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph(nodes, "encoder", [_pictures()], [out])
    about = {"family": "encoder", "capabilities": [capability]}
    return _save(folder, graph, about, {"height": SIDE, "width": SIDE, "threshold": 0.9, **config})


def tagger(folder: Path, **config: Any) -> Path:
    """A tagger of two places; a bright half is taken."""
    nodes = [
        helper.make_node(
            "AveragePool", ["picture"], ["halves"], kernel_shape=[SIDE, SIDE // 2], strides=[SIDE, SIDE // 2]
        ),
        helper.make_node("ReduceMean", ["halves"], ["brightness"], axes=[1, 2], keepdims=0),
    ]
    outputs = []
    for number, place in enumerate(("left", "right")):
        nodes += [
            helper.make_node("Gather", ["brightness", f"column{number}"], [f"one{number}"], axis=1),
            helper.make_node("MatMul", [f"one{number}", "signs"], [f"{place}.present"]),
        ]
        outputs.append(helper.make_tensor_value_info(f"{place}.present", TensorProto.FLOAT, ["n", 2]))
    constants = [
        numpy_helper.from_array(np.array([0], np.int64), "column0"),
        numpy_helper.from_array(np.array([1], np.int64), "column1"),
        numpy_helper.from_array(np.array([[-1.0, 1.0]], np.float32), "signs"),
    ]
    graph = helper.make_graph(nodes, "tagger", [_pictures()], outputs, constants)
    heads = {"left.present": ["no", "yes"], "right.present": ["no", "yes"]}
    about = {"family": "tagger", "capabilities": ["tag"]}
    return _save(folder, graph, about, {"height": SIDE, "width": SIDE, "heads": heads, **config})


def looking(folder: Path) -> Path:
    """A tagger that tells dark pictures from bright ones, and that nobody stands on the left."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["picture"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"]),
        helper.make_node("MatMul", ["mean", "signs"], ["style"]),
        helper.make_node("MatMul", ["mean", "nobody"], ["left.present"]),
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in ("style", "left.present")]
    constants = [
        numpy_helper.from_array(np.array([[-2.0, 2.0]] * 3, np.float32), "signs"),
        numpy_helper.from_array(np.array([[0.0, 0.0]] * 3, np.float32), "nobody"),
    ]
    graph = helper.make_graph(nodes, "tagger", [_pictures()], outputs, constants)
    heads = {"style": ["noir", "flat"], "left.present": ["no", "yes"]}
    about = {"family": "tagger", "capabilities": ["tag"]}
    return _save(folder, graph, about, {"height": SIDE, "width": SIDE, "heads": heads})
