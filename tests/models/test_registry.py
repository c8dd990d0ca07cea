"""The registry: what is found on a disk, what is refused, and what is remembered."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from bullpend.errors import (
    FieldInvalid,
    ModelCorrupt,
    ModelNotFound,
    ModelUnsafe,
    ModelUnsupported,
    PathNotAllowed,
    PathNotFound,
)
from bullpend.models.hashes import Hashes, Mark, digest
from bullpend.models.model import INSTRUCTION_EDIT, TEXT_TO_IMAGE, ModelState
from bullpend.models.registry import Registry
from bullpend.models.rules import require

from tests.models.folders import later, make_model, write


def test_a_diffusers_folder_is_recognised_by_its_index(tmp_path: Path) -> None:
    """Family, capability, size and weights come from the descriptions in the folder."""
    make_model(tmp_path / "mine")
    (model,) = Registry([tmp_path]).scan()
    assert (model.name, model.state, model.family) == ("models/mine", ModelState.READY, "instruct-pix2pix")
    assert model.capabilities == (INSTRUCTION_EDIT,)
    assert (model.default_width, model.default_height, model.default_steps) == (128, 128, 20)
    assert model.size_bytes == 70
    assert model.digest == ""


def test_a_manifest_completes_the_description(tmp_path: Path) -> None:
    """Title, licence and defaults come from the manifest beside the model."""
    defaults = {"steps": 6, "guidance_scale": 1.0, "image_guidance_scale": 1, "width": 64, "height": 96}
    make_model(tmp_path / "mine", manifest={"title": "Mine", "licence": "Apache-2.0", "defaults": defaults})
    (model,) = Registry([tmp_path]).scan()
    assert (model.title, model.licence) == ("Mine", "Apache-2.0")
    assert (model.default_steps, model.default_guidance_scale, model.default_image_guidance_scale) == (6, 1.0, 1.0)
    assert (model.default_width, model.default_height) == (64, 96)


def test_the_digest_is_that_of_the_files(tmp_path: Path) -> None:
    """It depends on every file that decides pixels and on nothing else."""
    registry = Registry([tmp_path])
    make_model(tmp_path / "a", manifest={})
    make_model(tmp_path / "b")
    first = registry.verify("models/a").digest
    assert len(first) == 64
    assert registry.verify("models/b").digest == first
    (tmp_path / "b" / "README.md").write_text("Notes.")
    assert registry.verify("models/b").digest == first
    write(tmp_path / "b" / "scheduler" / "scheduler_config.json", {"beta": 1})
    assert registry.verify("models/b").digest != first


def test_a_checked_model_is_not_read_again_until_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashes are remembered by path, size and time of change."""
    make_model(tmp_path / "a", manifest={})
    registry = Registry([tmp_path], hashes=Hashes(later))
    found = registry.verify("models/a")
    monkeypatch.setattr(Hashes, "of", lambda *_: pytest.fail("the file was read again"))
    assert registry.verify("models/a") == found
    assert registry.models()[0].digest == found.digest


def test_a_file_of_a_moment_ago_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second write within one tick of the file system's clock leaves no trace, so a fresh mark is not trusted."""
    weights = make_model(tmp_path / "a") / "unet" / "diffusion_pytorch_model.safetensors"
    mark = Mark.of(weights.stat())
    monkeypatch.setattr(Mark, "of", lambda _: mark)
    fresh, settled = Hashes(lambda: mark.modified_ns + 1_000_000), Hashes(later)
    before = fresh.of(weights)
    assert settled.of(weights) == before
    content = bytes(reversed(weights.read_bytes()))
    weights.write_bytes(content)
    assert fresh.of(weights) == (hashlib.sha256(content).hexdigest(), mark)
    assert settled.of(weights) == before, "a mark that is old enough is trusted"


def test_words_for_people_may_be_mended(tmp_path: Path) -> None:
    """A card that was corrected spoils no model."""
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "CARD.md").write_text("A card.")
    make_model(folder, manifest={})
    (folder / "CARD.md").write_text("A card, corrected.")
    assert Registry([tmp_path]).verify("models/a").state is ModelState.READY


def test_what_is_loaded_is_what_was_planned_with(tmp_path: Path) -> None:
    """The files come with hash and mark; a model that was replaced since is refused, and the old one is taken again."""
    folder = make_model(tmp_path / "a")
    registry = Registry([tmp_path])
    planned = registry.verify("models/a").digest
    model, files = registry.loadable("models/a", planned)
    assert digest({file.path: file.sha256 for file in files}) == planned == model.digest
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    (entry,) = (file for file in files if file.path == "unet/diffusion_pytorch_model.safetensors")
    assert entry.mark == Mark.of(weights.stat())
    content = weights.read_bytes()
    weights.write_bytes(bytes(reversed(content)))
    with pytest.raises(ModelCorrupt, match=planned[:12]):
        registry.loadable("models/a", planned)
    weights.write_bytes(content)
    assert registry.loadable("models/a", planned)[0].digest == planned


@pytest.mark.parametrize(
    ("pipeline", "family"),
    [("Flux2Pipeline", "flux2"), ("StableDiffusion3Pipeline", "sd3"), ("NewPipeline", "NewPipeline")],
)
def test_other_families_are_listed_and_refused(tmp_path: Path, pipeline: str, family: str) -> None:
    """What this version cannot run is shown with the reason, not hidden."""
    make_model(tmp_path / "other", pipeline)
    registry = Registry([tmp_path])
    (model,) = registry.scan()
    assert (model.state, model.family) == (ModelState.UNSUPPORTED, family)
    with pytest.raises(ModelUnsupported, match=pipeline):
        registry.verify("models/other")


def test_files_and_nested_folders_are_found(tmp_path: Path) -> None:
    """Lone checkpoints are listed as unusable; folders of folders and hidden things are handled."""
    make_model(tmp_path / "studio" / "inner")
    make_model(tmp_path / ".hidden")
    (tmp_path / "old.ckpt").write_bytes(b"x")
    (tmp_path / "new.safetensors").write_bytes(b"xy")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    registry = Registry([tmp_path])
    assert [model.name for model in registry.scan()] == ["models/new", "models/old", "models/studio--inner"]
    with pytest.raises(ModelUnsafe):
        registry.verify("models/old")
    with pytest.raises(ModelUnsupported):
        registry.verify("models/new")


def test_a_lone_checkpoint_that_is_named_by_its_path_is_refused_as_what_it_is(tmp_path: Path) -> None:
    """As from a model folder, and not as a path that is no folder; what is no weights at all is."""
    registry = Registry([tmp_path / "models"], roots=[tmp_path])
    for name, refusal in (("old.ckpt", ModelUnsafe), ("new.safetensors", ModelUnsupported), ("a.txt", FieldInvalid)):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(refusal, match=name):
            registry.verify(str(tmp_path / name))


def test_a_hugging_face_cache_is_read_in_place(tmp_path: Path) -> None:
    """The snapshot that `main` names is the model; its files are links to blobs."""
    entry = tmp_path / "models--studio--edit"
    make_model(entry / "snapshots" / "aaa")
    make_model(entry / "snapshots" / "bbb")
    weights = entry / "snapshots" / "aaa" / "unet" / "diffusion_pytorch_model.safetensors"
    blob = entry / "blobs" / "1234"
    blob.parent.mkdir()
    weights.rename(blob)
    weights.symlink_to(blob)
    (entry / "refs").mkdir()
    (entry / "refs" / "main").write_text("aaa")
    (tmp_path / "models--studio--text" / "snapshots").mkdir(parents=True)
    registry = Registry([tmp_path])
    (model,) = registry.scan()
    assert model.name == "models/studio--edit"
    assert model.path.endswith("snapshots/aaa")
    assert registry.verify(model.name).digest


def test_names_are_unique_and_the_first_folder_wins(tmp_path: Path) -> None:
    """A second model of the same name gets a number; the same folder twice is one model."""
    make_model(tmp_path / "one" / "edit")
    make_model(tmp_path / "two" / "edit")
    (tmp_path / "two" / "link").symlink_to(tmp_path / "one" / "edit")
    registry = Registry([tmp_path / "one", tmp_path / "two", tmp_path / "nothing"])
    assert [(model.name, Path(model.path).parent.name) for model in registry.scan()] == [
        ("models/edit", "one"),
        ("models/edit-2", "two"),
    ]


def test_a_local_folder_may_be_named_by_its_path(tmp_path: Path) -> None:
    """Inside the roots only; a folder that is listed keeps its listed name."""
    known = make_model(tmp_path / "models" / "known")
    mine = make_model(tmp_path / "work" / "mine")
    make_model(tmp_path / "outside" / "theirs")
    registry = Registry([tmp_path / "models"], roots=[tmp_path / "work"])
    model = registry.verify(str(mine))
    assert (model.name, model.state) == (str(mine), ModelState.READY)
    assert registry.verify(model.name).digest == model.digest
    assert registry.get(str(known)).name == "models/known"
    with pytest.raises(PathNotAllowed) as caught:
        registry.get(str(tmp_path / "outside" / "theirs"))
    assert caught.value.field == "model"
    with pytest.raises(PathNotAllowed):
        registry.get(str(tmp_path / "work" / ".." / "outside" / "theirs"))
    with pytest.raises(PathNotFound):
        registry.get(str(tmp_path / "work" / "nothing"))
    (tmp_path / "work" / "plain").mkdir()
    with pytest.raises(ModelUnsupported, match=r"model_index\.json"):
        registry.verify(str(tmp_path / "work" / "plain"))


def test_a_model_that_is_not_installed_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    """The remedy names the folders; a model installed since the last scan is found."""
    make_model(tmp_path / "starter-edit")
    registry = Registry([tmp_path])
    with pytest.raises(ModelNotFound, match="models/starter-edit") as caught:
        registry.get("models/starter-edt")
    assert caught.value.field == "model"
    assert str(tmp_path) in caught.value.remedy
    make_model(tmp_path / "later")
    assert registry.get("later").name == "models/later"
    (tmp_path / "later").rename(tmp_path.parent / "gone")
    with pytest.raises(ModelNotFound):
        registry.get("models/later")


def test_the_scripted_model_exists_for_tests_only(tmp_path: Path) -> None:
    """It is there only where the setting asks for it."""
    model = Registry([tmp_path], scripted=True).verify("models/scripted")
    assert (model.family, model.engine, model.capabilities) == (
        "scripted",
        "scripted",
        (INSTRUCTION_EDIT, TEXT_TO_IMAGE, "img2img", "inpaint"),
    )
    with pytest.raises(ModelNotFound):
        Registry([tmp_path]).get("models/scripted")


def test_a_capability_is_needed(tmp_path: Path) -> None:
    """A sound model that cannot do what is asked is refused."""
    make_model(tmp_path / "a")
    model = Registry([tmp_path]).get("models/a")
    assert require(model, INSTRUCTION_EDIT) is model
    with pytest.raises(ModelUnsupported, match="text_to_image"):
        require(model, "text_to_image")


def test_a_digest_does_not_depend_on_the_order_of_files() -> None:
    """It is taken over sorted paths, and changes with any path or hash."""
    assert digest({"a": "1", "b": "2"}) == digest({"b": "2", "a": "1"})
    assert len({digest({"a": "1"}), digest({"b": "1"}), digest({"a": "2"})}) == 3


def test_looking_at_models_imports_no_model_library(tmp_path: Path) -> None:
    """A scan in a fresh process leaves torch, numpy, PIL and the starter unimported."""
    make_model(tmp_path / "a", manifest={})
    code = (
        "import sys; from pathlib import Path; from bullpend.settings import load;"
        "from bullpend.models.registry import from_settings;"
        f"found = from_settings(load(Path({str(tmp_path)!r}), {{'paths.model_folders': [{str(tmp_path)!r}]}}, {{}}));"
        "found.verify('models/a');"
        "print(sorted({'torch', 'numpy', 'PIL', 'diffusers', 'bullpen_starter'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
