"""The chain on one picture: its order, what each step leaves to the next, progress, and stopping."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.engines.base import ModelSpec
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.chain import process_picture
from bullpen_worker.ops.picture import open_layered
from bullpen_worker.ops.tools import Toolbox
from PIL import Image

from tests.worker.ops.networks import cutout_model, tool, upscale_model
from tests.worker.ops.test_cutout import red_square

LIMIT = 1_000_000


def _ref(spec: ModelSpec) -> link_pb2.ToolRef:
    files = [
        link_pb2.ModelFile(
            path=file.path,
            sha256=file.sha256,
            size_bytes=file.mark.size,
            modified_ns=file.mark.modified_ns,
            changed_ns=file.mark.changed_ns,
            inode=file.mark.inode,
        )
        for file in spec.files
    ]
    return link_pb2.ToolRef(model=link_pb2.ModelRef(name=spec.name, path=spec.path, files=files))


def neutral(**changes: object) -> link_pb2.ColorWork:
    values: dict[str, object] = {
        "kelvin": 6504,
        "contrast": 1,
        "lift": [0, 0, 0],
        "gamma": [1, 1, 1],
        "gain": [1, 1, 1],
        "saturation": 1,
        "strength": 1,
    }
    return link_pb2.ColorWork(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def task(tmp_path: Path) -> link_pb2.ProcessPicture:
    """All four steps on a picture of a red square before green."""
    red_square().save(tmp_path / "in.png")
    return link_pb2.ProcessPicture(
        path=str(tmp_path / "in.png"),
        out_path=str(tmp_path / "out.png"),
        texts={"bullpen": '{"how": "so"}'},
        cutout=link_pb2.CutoutWork(tool=_ref(tool(cutout_model(tmp_path / "cut")).model)),
        refine=link_pb2.RefineWork(softness=1),
        upscale=link_pb2.UpscaleWork(tool=_ref(tool(upscale_model(tmp_path / "up")).model), scale=2),
        color=neutral(saturation=0),
    )


def run(task: link_pb2.ProcessPicture, told: list[tuple[str, float]]) -> link_pb2.PictureProcessed:
    return process_picture(task, LIMIT, Toolbox(1), lambda step, share: told.append((step, share)))


def test_j07_all_four_steps_act_in_their_order(task: link_pb2.ProcessPicture) -> None:
    """The square is cut out, twice as large and grey; the file is the one that was told, with its texts."""
    told: list[tuple[str, float]] = []
    done = run(task, told)
    data = Path(task.out_path).read_bytes()
    image = Image.open(task.out_path)
    pixels = np.asarray(image)
    assert (done.width, done.height, done.has_alpha) == (192, 192, True) == (*image.size, image.mode == "RGBA")
    assert (done.sha256, done.size_bytes) == (sha256(data).hexdigest(), len(data))
    assert (pixels[0, 0] == 0).all()
    assert pixels[96, 96, 3] > 250
    assert int(np.ptp(pixels[96, 96, :3])) == 0
    assert done.measures["alpha_coverage"] == pytest.approx(float((pixels[..., 3] > 127).mean()), abs=0.03)
    assert image.text == {"bullpen": '{"how": "so"}'}  # type: ignore[attr-defined]
    steps = list(dict.fromkeys(step for step, _ in told))
    assert (
        steps == ["reading", "cutout", "refine", "upscale", "color", "writing"] == sorted(done.seconds, key=steps.index)
    )


@pytest.mark.parametrize("step", ["cutout", "refine", "upscale", "color"])
def test_j07_each_step_can_be_left_out(task: link_pb2.ProcessPicture, step: str) -> None:
    """A step that is not set leaves no trace of itself; the others act all the same."""
    task.ClearField(step)  # type: ignore[arg-type]
    done = run(task, [])
    assert set(done.seconds) == {"reading", "cutout", "refine", "upscale", "color", "writing"} - {step}
    pixels = np.asarray(Image.open(task.out_path))
    assert done.has_alpha == (step != "cutout") == ("alpha_coverage" in done.measures)
    assert done.width == (96 if step == "upscale" else 192)
    middle = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2]
    assert (np.ptp(middle[:3].astype(int)) == 0) == (step != "color")


def test_a_picture_without_changes_keeps_every_pixel_and_its_transparency(tmp_path: Path) -> None:
    """The neutral profile writes the very pixels that were read, hidden colours under transparency too."""
    pixels = np.random.default_rng(1).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    task = link_pb2.ProcessPicture(path=str(tmp_path / "in.png"), out_path=str(tmp_path / "out.png"), color=neutral())
    assert run(task, []).has_alpha
    assert np.array_equal(np.asarray(Image.open(task.out_path)), pixels)


def test_refining_leaves_a_picture_without_transparency_alone(task: link_pb2.ProcessPicture) -> None:
    """Without a cutout there is no edge to refine."""
    for step in ("cutout", "upscale", "color"):
        task.ClearField(step)
    run(task, [])
    assert np.array_equal(np.asarray(Image.open(task.out_path)), np.asarray(Image.open(task.path)))


def test_a_failed_step_leaves_no_file(task: link_pb2.ProcessPicture) -> None:
    """Where a later step fails nothing was written."""
    task.color.lut_path = task.path
    with pytest.raises(WorkerError) as caught:
        run(task, [])
    assert caught.value.reason == "FIELD_INVALID"
    assert not Path(task.out_path).exists()


def test_who_follows_can_stop_it(task: link_pb2.ProcessPicture) -> None:
    """The work ends where the follower raises, before anything is written."""

    def follow(step: str, share: float) -> None:
        if step == "upscale":
            raise WorkerError("STATE_CONFLICT", "It was stopped.")

    with pytest.raises(WorkerError, match="It was stopped"):
        process_picture(task, LIMIT, Toolbox(1), follow)
    assert not Path(task.out_path).exists()


def test_what_is_written_already_is_not_written_over(task: link_pb2.ProcessPicture) -> None:
    """A result has a place of its own."""
    Path(task.out_path).write_text("mine")
    with pytest.raises(WorkerError, match="there already"):
        run(task, [])
    assert Path(task.out_path).read_text() == "mine"


@pytest.mark.parametrize(
    ("mode", "layered"), [("RGBA", True), ("LA", True), ("P", True), ("L", False), ("I;16", False)]
)
def test_transparency_is_read_from_every_mode(tmp_path: Path, mode: str, layered: bool) -> None:
    """Pictures with transparency come as RGBA, all others as RGB."""
    path = tmp_path / "in.png"
    if mode == "I;16":
        Image.fromarray(np.full((4, 4), 40_000, dtype=np.uint16)).save(path)
    else:
        Image.new("RGBA", (4, 4), (200, 10, 10, 80)).convert(mode).save(path)
    assert open_layered(path, LIMIT).mode == ("RGBA" if layered else "RGB")
