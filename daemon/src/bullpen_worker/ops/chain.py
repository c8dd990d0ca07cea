"""Post-process of one picture: cutout → refining → upscaling → colour, in this order, those that are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from bullpen_api.worker.v1 import link_pb2
from numpy.typing import NDArray
from PIL import Image

from bullpen_worker.failures import WorkerError
from bullpen_worker.model_spec import model_spec
from bullpen_worker.ops.colour import grade as colour
from bullpen_worker.ops.colour.cube import read_cube
from bullpen_worker.ops.cutout.mask import drop_specks, redraw_edge, refine, with_alpha
from bullpen_worker.ops.cutout.sessions import custom_cutter, named_cutter
from bullpen_worker.ops.finish import encode_png
from bullpen_worker.ops.likeness import alpha_coverage
from bullpen_worker.ops.picture import open_layered, pictures_in
from bullpen_worker.ops.provider import answered_alpha
from bullpen_worker.ops.store import digest, write_all
from bullpen_worker.ops.tools import Tool, Toolbox
from bullpen_worker.ops.upscale.enlarge import enlarge
from bullpen_worker.ops.upscale.networks import upscaler

ByteArray = NDArray[np.uint8]
# Told the step and the share of it that is done, often; raises to stop the work.
Follow = Callable[[str, float], None]


class _Steps:
    """The seconds of each step, and who follows them."""

    def __init__(self, follow: Follow) -> None:
        self.seconds: dict[str, float] = {}
        self._follow = follow

    @contextmanager
    def of(self, name: str) -> Iterator[Callable[[float], None]]:
        """Times a step; gives what is told its share. Whatever ends it knows the step (`step` of the exception)."""
        began = time.perf_counter()
        self._follow(name, 0.0)
        try:
            yield partial(self._follow, name)
        except Exception as error:
            error.step = name  # type: ignore[attr-defined]  # read where the failure is told
            raise
        self.seconds[name] = round(time.perf_counter() - began, 4)


def process_picture(
    task: link_pb2.ProcessPicture, max_pixels: int, toolbox: Toolbox, follow: Follow
) -> link_pb2.PictureProcessed:
    """Writes the processed picture as PNG. Nothing is left of it where something fails.

    Raises WorkerError (PATH_NOT_FOUND, PICTURE_…, MODEL_…, FIELD_INVALID, ENGINE_FAILED), OSError for a full disk, and
    what `follow` raises.
    """
    steps = _Steps(follow)
    step = steps.of
    with step("reading"):
        picture: ByteArray = np.asarray(open_layered(task.path, max_pixels))
        count = pictures_in(task.path, max_pixels)
    if task.HasField("cutout"):
        with step("cutout"):
            picture = _cut(picture, task.cutout, toolbox, max_pixels)
    if task.HasField("refine"):
        with step("refine"):
            picture = _refine(picture, task.refine) if picture.shape[2] == 4 else picture
    coverage = alpha_coverage(Image.fromarray(picture[..., 3])) if picture.shape[2] == 4 else None
    if task.HasField("upscale"):
        with step("upscale") as advance:
            network = upscaler(_tool(task.upscale.tool), task.upscale.scale, toolbox)
            picture = enlarge(picture, network, max_pixels, advance)
    if task.HasField("color"):
        with step("color") as advance:
            picture = colour.apply(picture, grade_of(task.color), advance)
    measures = {"alpha_coverage": coverage} if coverage is not None else {}
    if count > 1:
        # Of an animation only the first picture was taken; whoever asked should know.
        measures["pictures_in_file"] = count
    with step("writing"):
        data = encode_png(Image.fromarray(picture), task.texts)
        _write(Path(task.out_path), data)
    return link_pb2.PictureProcessed(
        sha256=digest(data),
        size_bytes=len(data),
        width=picture.shape[1],
        height=picture.shape[0],
        has_alpha=picture.shape[2] == 4,
        seconds=steps.seconds,
        measures=measures,
    )


def grade_of(work: link_pb2.ColorWork) -> colour.Grade:
    """The profile that the daemon sent, its lookup table read. Raises WorkerError PATH_NOT_FOUND, FIELD_INVALID."""
    found = colour.Grade(
        exposure=work.exposure,
        kelvin=work.kelvin,
        duv=work.duv,
        contrast=work.contrast,
        lift=_three(work.lift),
        gamma=_three(work.gamma),
        gain=_three(work.gain),
        saturation=work.saturation,
        strength=work.strength,
    )
    return replace(found, lut=read_cube(work.lut_path)) if work.lut_path else found


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return (red, green, blue)


def _cut(picture: ByteArray, work: link_pb2.CutoutWork, toolbox: Toolbox, max_pixels: int) -> ByteArray:
    if work.WhichOneof("by") == "answer_path":
        return with_alpha(picture, answered_alpha(work.answer_path, picture.shape[1], picture.shape[0], max_pixels))
    if work.WhichOneof("by") == "session":
        cutter = named_cutter(work.session, toolbox)
    else:
        cutter = custom_cutter(_tool(work.tool), toolbox)
    alpha = drop_specks(cutter.alpha(Image.fromarray(np.ascontiguousarray(picture[..., :3]))))
    return with_alpha(picture, alpha)


def _refine(picture: ByteArray, work: link_pb2.RefineWork) -> ByteArray:
    if work.HasField("redrawn"):
        size = (work.redrawn.width, work.redrawn.height)
        redrawn = Image.frombytes("RGB", size, Path(work.redrawn.path).read_bytes())
        picture = redraw_edge(picture, redrawn)
    return refine(picture, work.softness)


def _tool(ref: link_pb2.ToolRef) -> Tool:
    return Tool(model_spec(ref.model), ref.file)


def _write(path: Path, data: bytes) -> None:
    try:
        with path.open("xb", buffering=0) as stream:
            write_all(stream.fileno(), data)
    except FileExistsError as error:
        raise WorkerError("INTERNAL", f"{path} is there already.") from error
    except OSError:
        path.unlink(missing_ok=True)
        raise
