"""Strategies on the torch engine: the stock pipelines' pixels, stoppable, repeatable, and gone when they are over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bullpen_worker.engines.base import (
    MAX_PREVIEW_BYTES,
    Controls,
    ControlSpec,
    JobSpec,
    MaskSpec,
    MethodSpec,
    ModelSpec,
    Picture,
    ReferenceSpec,
    Step,
)
from bullpen_worker.engines.torch.engine import TorchEngine, TorchModel
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.inpaint_mask import keep_outside
from bullpen_worker.ops.lines import canny
from PIL import Image

from tests.support.tiny_families import (
    build_tiny_control,
    build_tiny_depth,
    build_tiny_flux,
    build_tiny_ip_adapter,
    build_tiny_xl,
)
from tests.support.tiny_pipeline import SIZE, TEXT_FAMILY, build_tiny_pipeline
from tests.worker.conftest import drawing

XL, FLUX, KONTEXT = "stable-diffusion-xl", "flux", "flux-kontext"
STEPS = 4
STRENGTH = 0.75
IMG2IMG = MethodSpec("img2img", STRENGTH)
INPAINT = MethodSpec("inpaint", STRENGTH, mask=MaskSpec(((0.5, 0.0, 1.0, 1.0),)))
BUILDERS: dict[str, Callable[[Path], Path]] = {
    TEXT_FAMILY: lambda place: build_tiny_pipeline(place, family=TEXT_FAMILY),
    XL: build_tiny_xl,
    FLUX: build_tiny_flux,
    KONTEXT: lambda place: build_tiny_flux(place, "FluxKontextPipeline"),
}
Load = Callable[[str], TorchModel]


@pytest.fixture(scope="module")
def engine(one_thread: None) -> TorchEngine:
    return TorchEngine("cpu", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def load(engine: TorchEngine, folder: Path) -> Load:
    """Loads a tiny model of a family, once."""
    loaded: dict[str, TorchModel] = {}

    def get(family: str) -> TorchModel:
        if family not in loaded:
            place = BUILDERS[family](folder / family)
            loaded[family] = engine.load(ModelSpec(f"models/{family}", family, str(place)))
        return loaded[family]

    return get


@pytest.fixture(scope="module")
def control(folder: Path) -> ControlSpec:
    place = build_tiny_control(folder / "canny")
    return ControlSpec(ModelSpec("models/canny", "controlnet", str(place)), "canny", 0.8)


def spec(source: Path, method: MethodSpec, **changes: Any) -> JobSpec:
    values: dict[str, Any] = {"prompt": "a pier at night", "negative_prompt": "", "attempt": 1, "max_pixels": 10**6}
    shape = {"source_path": str(source), "steps": STEPS, "width": SIZE, "height": SIZE}
    return JobSpec(**{**shape, **values, **changes}, method=method)


def finish(denoising: Generator[Step, None, Picture]) -> Picture:
    while True:
        try:
            next(denoising)
        except StopIteration as stop:
            picture: Picture = stop.value
            return picture


def make(
    engine: TorchEngine, model: TorchModel, source: Path, method: MethodSpec, scale: float = 5.0, **changes: Any
) -> Picture:
    return finish(engine.prepare(model, spec(source, method, **changes)).denoise(1, 3, Controls(scale, 1.5)))


def stock(model: TorchModel, name: str, source: Path, **more: Any) -> Image.Image:
    """What the library makes of the same, called as its documentation says."""
    import diffusers
    import torch

    companions = {"controlnet": more.pop("controlnet")} if "controlnet" in more else {}
    view = getattr(diffusers, name).from_pipe(model.pipeline, dtype=torch.float32, **companions)
    view.set_progress_bar_config(disable=True)
    made: Image.Image = view(
        prompt="a pier at night",
        image=Image.open(source),
        num_inference_steps=STEPS,
        guidance_scale=5.0,
        generator=torch.Generator("cpu").manual_seed(3),
        **more,
    ).images[0]
    return made


@pytest.mark.parametrize(
    ("family", "name"),
    [
        (TEXT_FAMILY, "StableDiffusionImg2ImgPipeline"),
        (XL, "StableDiffusionXLImg2ImgPipeline"),
        (FLUX, "FluxImg2ImgPipeline"),
    ],
)
def test_image_to_image_gives_the_stock_pipelines_pixels(
    engine: TorchEngine, load: Load, picture: Path, family: str, name: str
) -> None:
    """Of every family, equal to the bit; and the strength matters."""
    model = load(family)
    ours = make(engine, model, picture, IMG2IMG)
    size = {"width": SIZE, "height": SIZE} if family == FLUX else {}
    theirs = stock(model, name, picture, strength=STRENGTH, **size)
    assert ours.rgb == theirs.tobytes()
    assert np.asarray(theirs).std() > 3
    assert ours.rgb == make(engine, model, picture, IMG2IMG).rgb
    assert ours.rgb != make(engine, model, picture, MethodSpec("img2img", 0.5)).rgb


def test_kontext_follows_an_instruction(engine: TorchEngine, load: Load, picture: Path) -> None:
    """Flux Kontext starts from noise beside the source, at the job's own size."""
    model, method = load(KONTEXT), MethodSpec("instruction_edit")
    ours = make(engine, model, picture, method)
    size = {"width": SIZE, "height": SIZE, "max_area": SIZE * SIZE, "_auto_resize": False}
    assert ours.rgb == stock(model, "FluxKontextPipeline", picture, **size).tobytes()
    assert make(engine, model, picture, method, prompt="make it day").rgb != ours.rgb
    assert make(engine, model, picture, MethodSpec()).rgb == ours.rgb


@pytest.mark.parametrize("family", [XL, FLUX])
def test_large_families_also_draw_from_text_alone(engine: TorchEngine, load: Load, picture: Path, family: str) -> None:
    """Without a source and without a strategy."""
    made = make(engine, load(family), picture, MethodSpec(), source_path="", width=2 * SIZE)
    assert (made.width, made.height) == (2 * SIZE, SIZE)
    assert np.frombuffer(made.rgb, np.uint8).std() > 3


def test_a_controlnet_holds_the_structure(engine: TorchEngine, load: Load, picture: Path, control: ControlSpec) -> None:
    """The stock pipeline's pixels with the edges of the source; without it the picture is that of before."""
    from diffusers import ControlNetModel

    model = load(TEXT_FAMILY)
    before = make(engine, model, picture, IMG2IMG)
    ours = make(engine, model, picture, MethodSpec("structure_control", STRENGTH, control=control))
    theirs = stock(
        model,
        "StableDiffusionControlNetImg2ImgPipeline",
        picture,
        strength=STRENGTH,
        controlnet=ControlNetModel.from_pretrained(control.model.path),
        control_image=canny(Image.open(picture)),
        controlnet_conditioning_scale=0.8,
    )
    assert ours.rgb == theirs.tobytes()
    assert ours.rgb != before.rgb
    assert make(engine, model, picture, IMG2IMG).rgb == before.rgb


def test_depth_is_estimated_where_a_controlnet_wants_it(
    engine: TorchEngine, load: Load, picture: Path, control: ControlSpec, folder: Path
) -> None:
    """By a network from a local folder; without one it says so."""
    model = load(TEXT_FAMILY)
    estimator = ModelSpec("models/depth", "depth-estimator", str(build_tiny_depth(folder / "depth")))
    made = {
        make(
            engine,
            model,
            picture,
            MethodSpec("structure_control", STRENGTH, control=ControlSpec(control.model, kind, 0.8, estimator)),
        ).rgb
        for kind in ("depth", "line", "canny")
    }
    assert len(made) == 3
    method = MethodSpec("structure_control", STRENGTH, control=ControlSpec(control.model, "depth", 0.8))
    with pytest.raises(WorkerError, match="Depth has to be estimated"):
        engine.prepare(model, spec(picture, method))


@pytest.mark.parametrize("family", [TEXT_FAMILY, XL, FLUX])
def test_inpainting_keeps_what_lies_outside_to_the_pixel(
    engine: TorchEngine, load: Load, picture: Path, family: str
) -> None:
    """Under the mask it is the stock pipeline's picture, elsewhere the source's own pixels."""
    model = load(family)
    ours = make(engine, model, picture, INPAINT)
    mask = Image.new("L", (SIZE, SIZE))
    mask.paste(255, (SIZE // 2, 0, SIZE, SIZE))
    mark = {TEXT_FAMILY: "StableDiffusion", XL: "StableDiffusionXL", FLUX: "Flux"}[family]
    size = {"width": SIZE, "height": SIZE}
    theirs = stock(model, f"{mark}InpaintPipeline", picture, strength=STRENGTH, mask_image=mask, **size)
    source = Image.open(picture)
    assert ours.rgb == keep_outside(theirs, source, mask).tobytes()
    made = Image.frombytes("RGB", (SIZE, SIZE), ours.rgb)
    left = (0, 0, SIZE // 2, SIZE)
    assert made.crop(left).tobytes() == source.crop(left).tobytes()
    assert made.tobytes() != source.tobytes()


@pytest.mark.parametrize("family", [TEXT_FAMILY, XL])
def test_references_steer_and_leave_nothing_behind(
    engine: TorchEngine, load: Load, picture: Path, folder: Path, tmp_path: Path, family: str
) -> None:
    """Other references, and another scale, give other pictures; without them the model is what it was."""
    model = load(family)
    before = make(engine, model, picture, IMG2IMG)
    place = build_tiny_ip_adapter(folder / f"{family}-adapter", model.pipeline.unet)
    other = tmp_path / "reference.png"
    drawing(48, 40).rotate(90, expand=True).save(other)
    adapter = ModelSpec("models/adapter", "ip-adapter", str(place))

    def steered(scale: float, *paths: Path) -> bytes:
        references = ReferenceSpec(adapter, "ip-adapter.safetensors", scale, tuple(str(path) for path in paths))
        return make(engine, model, picture, MethodSpec("reference", STRENGTH, references=references)).rgb

    made = [steered(0.8, other), steered(0.4, other), steered(0.8, picture), steered(0.8, other, picture)]
    assert len({*made, before.rgb}) == 5
    assert steered(0.8, other) == made[0]
    assert make(engine, model, picture, IMG2IMG).rgb == before.rgb


@pytest.mark.parametrize("family", [TEXT_FAMILY, FLUX])
def test_a_stopped_edit_leaves_the_model_as_it_was(engine: TorchEngine, load: Load, picture: Path, family: str) -> None:
    """Stopped before the first step, or after one or two; no thread of it goes on."""
    model = load(family)
    before = make(engine, model, picture, IMG2IMG)
    for taken in (0, 1, 2):
        denoising = engine.prepare(model, spec(picture, IMG2IMG)).denoise(1, 9, Controls(5.0, 1.5))
        for number in range(1, taken + 1):
            step = next(denoising)
            assert (step.number, step.total) == (number, 3)
            assert step.preview is not None
            preview = step.preview()
            assert preview is not None
            assert 0 < len(preview.image) <= MAX_PREVIEW_BYTES
        denoising.close()
        assert "pipeline" not in {thread.name for thread in threading.enumerate()}
    assert make(engine, model, picture, IMG2IMG).rgb == before.rgb


def test_guidance_may_change_between_steps(engine: TorchEngine, load: Load, picture: Path) -> None:
    """From the next step on; what was begun with guidance keeps a little of it, and nothing breaks."""
    model = load(TEXT_FAMILY)

    def changed(then: float, first: float = 5.0) -> bytes:
        controls = Controls(first, 1.5)
        denoising = engine.prepare(model, spec(picture, IMG2IMG)).denoise(1, 3, controls)
        next(denoising)
        controls.guidance_scale = then
        return finish(denoising).rgb

    assert len({changed(5.0), changed(9.0), changed(0.0)}) == 3
    assert changed(9.0) == changed(9.0)
    assert changed(7.0, first=1.0) == changed(1.0, first=1.0)


def test_a_wide_source_keeps_its_shape(engine: TorchEngine, load: Load, tmp_path: Path) -> None:
    """Also under a mask: the canvas is the model's, the picture has the source's proportions."""
    source = tmp_path / "wide.png"
    drawing(80, 40).save(source)
    for method in (IMG2IMG, INPAINT):
        made = make(engine, load(TEXT_FAMILY), source, method)
        assert (made.width, made.height) == (SIZE, SIZE // 2)


def test_a_faint_edit_still_takes_one_step(engine: TorchEngine, load: Load, picture: Path) -> None:
    """Four steps at a strength of 0.05 would be none."""
    prepared = engine.prepare(load(TEXT_FAMILY), spec(picture, MethodSpec("img2img", 0.05)))
    denoising = prepared.denoise(1, 3, Controls(5.0, 1.5))
    assert next(denoising).total == 1
    assert finish(denoising).width == SIZE


@pytest.mark.parametrize(
    ("family", "method", "reason", "words"),
    [
        (KONTEXT, IMG2IMG, "MODEL_UNSUPPORTED", "cannot do img2img; it can do: instruction_edit"),
        (TEXT_FAMILY, MethodSpec("instruction_edit"), "MODEL_UNSUPPORTED", "cannot do instruction_edit"),
        (TEXT_FAMILY, MethodSpec("structure_control", 0.5), "MODEL_UNSUPPORTED", "No ControlNet"),
        (TEXT_FAMILY, MethodSpec("inpaint", 0.5), "FIELD_INVALID", "No place to paint"),
        (TEXT_FAMILY, MethodSpec("inpaint", 0.5, mask=MaskSpec()), "FIELD_INVALID", "No place to paint"),
        (TEXT_FAMILY, MethodSpec("reference", 0.5), "FIELD_INVALID", "No reference"),
    ],
)
def test_what_is_missing_is_said(
    engine: TorchEngine, load: Load, picture: Path, family: str, method: MethodSpec, reason: str, words: str
) -> None:
    """Before anything is denoised."""
    with pytest.raises(WorkerError, match=words) as caught:
        engine.prepare(load(family), spec(picture, method))
    assert caught.value.reason == reason


def test_a_companion_that_does_not_fit_is_refused(
    engine: TorchEngine, load: Load, picture: Path, folder: Path, control: ControlSpec
) -> None:
    """A folder that is no such network, and an IP-Adapter without a sound encoder; the model goes on without them."""
    model = load(TEXT_FAMILY)
    before = make(engine, model, picture, IMG2IMG).rgb
    empty = folder / "empty"
    empty.mkdir()
    wrong = ModelSpec("models/empty", "controlnet", str(empty))
    method = MethodSpec("structure_control", 0.5, control=ControlSpec(wrong, "canny", 1))
    with pytest.raises(WorkerError, match="cannot act on") as caught:
        engine.prepare(model, spec(picture, method))
    assert caught.value.reason == "MODEL_UNSUPPORTED"
    references = ReferenceSpec(wrong, "ip-adapter.safetensors", 1.0, (str(picture),))
    with pytest.raises(WorkerError, match="image_encoder"):
        engine.prepare(model, spec(picture, MethodSpec("reference", 0.5, references=references)))
    assert make(engine, model, picture, IMG2IMG).rgb == before
