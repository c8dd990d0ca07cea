"""From what is asked to what a worker is told: defaults, models, profiles, and every refusal with its field."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from bullpen_api.v1.postprocess_pb2 import ColorStep, CutoutStep, PostProcess, RefineStep, UpscaleStep
from bullpend.errors import (
    BullpenError,
    FieldInvalid,
    ModelCorrupt,
    ModelNotFound,
    ModelUnsafe,
    ModelUnsupported,
    PathNotAllowed,
    PathNotFound,
    ResourceNotFound,
)
from bullpend.models.registry import Registry
from bullpend.postprocess.resolving import Resolver
from bullpend.postprocess.settings import CHAIN_FILE, COLOUR_FILE
from bullpend.remote.catalogue import Catalogue

from tests.postprocess.test_settings import colours, write
from tests.worker.ops.networks import cutout_model, upscale_model

SETTINGS = Path(__file__).resolve().parents[2] / "settings"


@pytest.fixture
def resolver(tmp_path: Path) -> Resolver:
    """Two upscalers, one cutout model, and settings of its own."""
    upscale_model(tmp_path / "models" / "alpha-up", (2, 4))
    upscale_model(tmp_path / "models" / "beta-up", (3,))
    cutout_model(tmp_path / "models" / "cut")
    (tmp_path / "models" / "broken.pth").write_bytes(b"pickle")
    (tmp_path / "models" / "lone.onnx").write_bytes(b"network")
    write(
        tmp_path / "settings", COLOUR_FILE, colours(neutral={}, dusk={"exposure": -1, "strength": 0.5, "lut": "a.cube"})
    )
    (tmp_path / "look.cube").write_text("LUT_1D_SIZE 2\n0 0 0\n1 1 1\n")
    return Resolver(Registry([tmp_path / "models"]), [tmp_path / "settings"], [tmp_path])


def test_everything_left_open_comes_from_the_settings(resolver: Resolver, tmp_path: Path) -> None:
    """Empty steps take the first model by name that can, and the settings' values; the answer says which."""
    wish = resolver.configured()
    found = resolver.resolve(wish)
    done, work = found.post_process, found.work
    assert done.cutout.model == "models/cut"
    assert done.refine.softness == pytest.approx(0.6)
    assert (done.upscale.model, done.upscale.scale) == ("models/alpha-up", 2)
    assert (done.color.profile, done.color.strength) == ("neutral", 1)
    assert {file.path for file in work.upscale.tool.model.files} == {"x2.onnx", "x4.onnx"}
    assert work.upscale.tool.model.path == str(tmp_path / "models" / "alpha-up")
    assert (work.color.kelvin, list(work.color.gain)) == (6504, [1, 1, 1])
    write(tmp_path / "settings", CHAIN_FILE, {"schema_version": 1, "upscale": {"enabled": False, "scale": 3}})
    assert not resolver.configured().HasField("upscale")
    assert resolver.resolve(PostProcess(upscale=UpscaleStep())).work.upscale.scale == 3


def test_what_is_asked_stands_over_the_settings(resolver: Resolver, tmp_path: Path) -> None:
    """Model, factor, softness, profile and strength of the request count; steps that are not asked for are left out."""
    wish = PostProcess(
        refine=RefineStep(softness=0),
        upscale=UpscaleStep(model="models/beta-up", scale=3),
        color=ColorStep(profile="dusk", strength=0.25),
    )
    work = resolver.resolve(wish).work
    assert not work.HasField("cutout")
    assert work.refine.softness == 0
    assert (work.upscale.tool.model.name, work.upscale.scale) == ("models/beta-up", 3)
    assert (work.color.exposure, work.color.strength) == (-1, 0.25)
    assert work.color.lut_path == str(tmp_path / "settings" / "a.cube")


def test_a_lookup_table_needs_no_profile(resolver: Resolver, tmp_path: Path) -> None:
    """A table alone acts on the picture as it is."""
    look = str(tmp_path / "look.cube")
    found = resolver.resolve(PostProcess(color=ColorStep(lut_path=look)))
    assert found.post_process.color.profile == ""
    assert (found.work.color.exposure, found.work.color.lut_path) == (0, look)


def test_a_lone_file_is_taken_by_its_path(resolver: Resolver, tmp_path: Path) -> None:
    """A network that is no model of the registry is named by its file; its factor is its own."""
    path = str(tmp_path / "models" / "lone.onnx")
    work = resolver.resolve(PostProcess(upscale=UpscaleStep(model=path))).work
    assert (work.upscale.tool.model.path, work.upscale.tool.file) == (str(tmp_path / "models"), "lone.onnx")
    assert work.upscale.scale == 0


def test_a_session_of_rembg_goes_to_the_worker_by_name(resolver: Resolver) -> None:
    """The worker has the list of sessions that may be used."""
    assert resolver.resolve(PostProcess(cutout=CutoutStep(model="rembg:u2netp"))).work.cutout.session == "u2netp"


@pytest.mark.parametrize(
    ("wish", "error", "field"),
    [
        (PostProcess(), FieldInvalid, "at"),
        (PostProcess(color=ColorStep(profile="neutrall")), ResourceNotFound, "at.color.profile"),
        (PostProcess(color=ColorStep(profile="neutral", strength=1.5)), FieldInvalid, "at.color.strength"),
        (PostProcess(color=ColorStep(lut_path="{tmp}/none.cube")), PathNotFound, "at.color.lut_path"),
        (PostProcess(color=ColorStep(lut_path="/etc/passwd")), PathNotAllowed, "at.color.lut_path"),
        (PostProcess(color=ColorStep(profile="dusk", lut_path="{tmp}/look.cube")), FieldInvalid, "at.color.lut_path"),
        (PostProcess(refine=RefineStep(softness=float("nan"))), FieldInvalid, "at.refine.softness"),
        (PostProcess(upscale=UpscaleStep(scale=9)), FieldInvalid, "at.upscale.scale"),
        (PostProcess(upscale=UpscaleStep(scale=-1)), FieldInvalid, "at.upscale.scale"),
        (PostProcess(upscale=UpscaleStep(model="models/nobody")), ModelNotFound, "at.upscale.model"),
        (PostProcess(upscale=UpscaleStep(model="models/cut")), ModelUnsupported, "at.upscale.model"),
        (PostProcess(upscale=UpscaleStep(model="models/broken")), ModelUnsafe, "at.upscale.model"),
        (PostProcess(upscale=UpscaleStep(model="{tmp}/models/broken.pth")), ModelUnsafe, "at.upscale.model"),
        (PostProcess(upscale=UpscaleStep(model="{tmp}/none.onnx")), PathNotFound, "at.upscale.model"),
        (PostProcess(upscale=UpscaleStep(model="/etc/x.onnx")), PathNotAllowed, "at.upscale.model"),
        (PostProcess(cutout=CutoutStep(model="{tmp}/x.safetensors")), ModelUnsupported, "at.cutout.model"),
    ],
)
def test_a_refusal_names_its_field(
    resolver: Resolver, tmp_path: Path, wish: PostProcess, error: type[BullpenError], field: str
) -> None:
    """Whatever cannot be done is refused before a worker is asked, with the field and what to do."""
    (tmp_path / "x.safetensors").write_bytes(b"")
    for step, key in (("color", "lut_path"), ("upscale", "model"), ("cutout", "model")):
        if wish.HasField(step):  # type: ignore[arg-type]
            part = getattr(wish, step)
            setattr(part, key, getattr(part, key).replace("{tmp}", str(tmp_path)))
    with pytest.raises(error) as caught:
        resolver.resolve(wish, "at")
    assert caught.value.field == field
    assert caught.value.remedy


def test_an_unknown_profile_names_the_nearest(resolver: Resolver) -> None:
    """The refusal lists what there is."""
    with pytest.raises(ResourceNotFound, match="The nearest is neutral") as caught:
        resolver.resolve(PostProcess(color=ColorStep(profile="neutrall")))
    assert caught.value.metadata["resource"] == "profiles/neutrall"
    assert "dusk, neutral" in caught.value.remedy


def test_a_damaged_model_is_refused(resolver: Resolver, tmp_path: Path) -> None:
    """Weights that are not those of the manifest never reach a worker."""
    file = tmp_path / "models" / "beta-up" / "x3.onnx"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(ModelCorrupt) as caught:
        resolver.resolve(PostProcess(upscale=UpscaleStep(model="models/beta-up")))
    assert caught.value.field == "post_process.upscale.model"


def test_without_a_model_the_refusal_says_what_is_missing(tmp_path: Path) -> None:
    """Where nothing can cut out, the error says so and where models belong."""
    empty = Resolver(Registry([tmp_path / "models"]), [tmp_path], [tmp_path])
    with pytest.raises(ModelNotFound, match="No installed model can do cutout") as caught:
        empty.resolve(PostProcess(cutout=CutoutStep()))
    assert caught.value.field == "post_process.cutout.model"


def test_the_folders_are_looked_at_anew(resolver: Resolver, tmp_path: Path) -> None:
    """A model that was taken away or put in since the last look counts as it is now."""
    assert resolver.resolve(PostProcess(upscale=UpscaleStep())).post_process.upscale.model == "models/alpha-up"
    shutil.rmtree(tmp_path / "models" / "alpha-up")
    upscale_model(tmp_path / "models" / "aardvark-up")
    assert resolver.resolve(PostProcess(upscale=UpscaleStep())).post_process.upscale.model == "models/aardvark-up"


@pytest.fixture
def remote(tmp_path: Path) -> Resolver:
    """No cutout model here, but those of providers."""
    models = Registry([tmp_path / "models"], remote=Catalogue([SETTINGS]))
    return Resolver(models, [tmp_path / "settings"], [tmp_path])


def test_a_provider_s_model_is_taken_by_its_name(remote: Resolver) -> None:
    """A named one is passed on for a provider; what cannot cut out is refused, and so is one without a price."""
    found = remote.resolve(PostProcess(cutout=CutoutStep(model="photoroom:segment@a")))
    assert found.work.cutout.provider == found.post_process.cutout.model == "models/photoroom:segment@a"
    with pytest.raises(ModelUnsupported):
        remote.resolve(PostProcess(cutout=CutoutStep(model="openai:gpt-image-1")))
    with pytest.raises(ModelNotFound) as missing:
        remote.resolve(PostProcess(cutout=CutoutStep(model="photoroom:unheard-of")))
    assert missing.value.field == "post_process.cutout.model"


def test_a_paid_fallback_is_taken_only_where_nothing_runs_here(
    remote: Resolver, resolver: Resolver, tmp_path: Path
) -> None:
    """Without the setting a provider is never chosen; with it, where no local model can, and never for a named one."""
    shutil.rmtree(tmp_path / "models" / "cut")
    with pytest.raises(ModelNotFound):
        remote.resolve(PostProcess(cutout=CutoutStep()))
    chain = {"schema_version": 1, "cutout": {"fallback": "remove_bg:removebg"}}
    write(tmp_path / "settings", CHAIN_FILE, chain)
    assert remote.resolve(PostProcess(cutout=CutoutStep())).post_process.cutout.model == "models/remove_bg:removebg"
    with pytest.raises(ModelNotFound):
        remote.resolve(PostProcess(cutout=CutoutStep(model="models/not-there")))
    cutout_model(tmp_path / "models" / "cut")
    assert remote.resolve(PostProcess(cutout=CutoutStep())).post_process.cutout.model == "models/cut"
