"""Tiny ONNX networks, made where a test needs one."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from bullpen_worker.engines.base import FileSpec, Mark, ModelSpec
from bullpen_worker.ops.tools import Tool
from onnx import TensorProto, helper, numpy_helper


def _save(path: Path, nodes: list[Any], before: list[Any], after: list[Any], constants: dict[str, Any]) -> Path:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, before)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, after)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def write_upscaler(path: Path, scale: int, fixed: tuple[int, int] | None = None, reach: int = 1) -> Path:
    """A blur that reads `reach` pixels around and then repeats each pixel `scale` times each way."""
    side = 2 * reach + 1
    kernel = np.zeros((3, 3, side, side), dtype=np.float32)
    for channel in range(3):
        kernel[channel, channel] = 1 / side**2
    nodes = [
        helper.make_node("Conv", ["input", "kernel"], ["soft"], pads=[reach] * 4),
        helper.make_node("Resize", ["soft", "", "scales"], ["output"], mode="nearest"),
    ]
    height, width = fixed or ("height", "width")
    constants = {"kernel": kernel, "scales": np.array([1, 1, scale, scale], dtype=np.float32)}
    return _save(path, nodes, [1, 3, height, width], [1, 3, None, None], constants)


def write_cutter(path: Path) -> Path:
    """A network of U²-Net's form that finds what is redder than it is green."""
    nodes = [
        helper.make_node("Conv", ["input", "kernel"], ["more"]),
        helper.make_node("Sigmoid", ["more"], ["output"]),
    ]
    kernel = np.array([4.0, -4.0, 0.0], dtype=np.float32).reshape(1, 3, 1, 1)
    return _save(path, nodes, [1, 3, 320, 320], [1, 1, 320, 320], {"kernel": kernel})


def write_model(folder: Path, family: str, capability: str, runtime: dict[str, Any]) -> Path:
    """The manifest of a folder whose networks lie in it already."""
    files = {
        path.name: {"sha256": sha256(path.read_bytes()).hexdigest(), "size": path.stat().st_size}
        for path in sorted(folder.iterdir())
    }
    manifest = {
        "schema_version": 1,
        "name": folder.name,
        "title": f"Tiny {capability}",
        "licence": "Apache-2.0",
        "family": family,
        "capabilities": [capability],
        "runtime": runtime,
        "files": files,
    }
    (folder / "bullpen-manifest.json").write_text(json.dumps(manifest))
    return folder


def upscale_model(folder: Path, factors: tuple[int, ...] = (2,), **runtime: Any) -> Path:
    """A model of upscalers, as the starter's is laid out."""
    folder.mkdir(parents=True)
    for factor in factors:
        write_upscaler(folder / f"x{factor}.onnx", factor)
    named = {"library": "onnxruntime", "files": {str(f): f"x{f}.onnx" for f in factors}, "overlap": 2, **runtime}
    return write_model(folder, "srvgg", "upscale", named)


def cutout_model(folder: Path, session: str = "u2net_custom") -> Path:
    """A cutout model, as the starter's is laid out."""
    folder.mkdir(parents=True)
    write_cutter(folder / "cut.onnx")
    return write_model(folder, "matting", "cutout", {"library": "rembg", "session": session, "file": "cut.onnx"})


def tool(folder: Path, file: str = "") -> Tool:
    """What a worker is told of a model folder, with its files as they are now."""
    listed = {} if file else json.loads((folder / "bullpen-manifest.json").read_text())["files"]
    files = tuple(
        FileSpec(name, entry["sha256"], Mark.of((folder / name).stat())) for name, entry in sorted(listed.items())
    )
    return Tool(ModelSpec(f"models/{folder.name}", "", str(folder), "", files), file)
