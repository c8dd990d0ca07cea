"""What the bible refers to must exist: assets, characters, looks, reference sets, LoRAs, stages, style roots."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import asset_pb2, model_pb2
from bullpen_api.v1 import bible_pb2 as pb
from bullpen_client import Session, errors

from tests.bible.desk import CHARACTER, SCENE, SET, STYLE, TEMPLATE, Sort
from tests.support.daemon import Daemon
from tests.support.pictures import write_picture
from tests.support.studio import Studio
from tests.support.tiny_lora import WEIGHTS, write_manifest

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that takes pictures of a style from where the tests write theirs."""
    roots = {"paths.style_roots": str(tmp_path_factory.getbasetemp())}
    with Daemon(tmp_path_factory.mktemp("d") / "home", roots) as running:
        yield running


LOOKS = pb.ReferenceSet.PURPOSE_STYLE
FACES = pb.ReferenceSet.PURPOSE_CHARACTER


async def test_reference_set_keeps_the_order_of_its_items(studio: Studio) -> None:
    """Items come back in their order with captions and weights, also after they were put into another order."""
    session, project = studio.session, await studio.project()
    assets = [(await studio.picture(project, number)).name for number in (1, 2, 3)]
    items = [pb.ReferenceItem(asset=asset, caption=f"No. {n}") for n, asset in enumerate(assets)]
    items[1].weight = 2.5
    made = await SET.create(session, project, "pier", pb.ReferenceSet(purpose=FACES, items=items))
    assert list(made.items) == items
    given = pb.ReferenceSet(name=made.name, items=items[::-1])
    assert list((await SET.update(session, given, "items")).items) == items[::-1]


async def test_unknown_assets_are_named_by_their_place(studio: Studio) -> None:
    """Wherever an asset is named, one that is not there, or is another project's, is refused by its path."""
    session, project, other = studio.session, await studio.project(), await studio.project()
    good, foreign = (await studio.picture(project, 1)).name, (await studio.picture(other, 2)).name
    cases: list[tuple[Sort, Any, str]] = [
        (STYLE, pb.StyleGuide(anchors=[good, foreign]), "style_guide.anchors[1]"),
        (CHARACTER, pb.Character(references=[foreign]), "character.references[0]"),
        (
            CHARACTER,
            pb.Character(looks=[pb.Look(look_id="a"), pb.Look(look_id="b", references=[good, foreign])]),
            "character.looks[1].references[1]",
        ),
        (SCENE, pb.Scene(source_asset=foreign), "scene.source_asset"),
        (
            SET,
            pb.ReferenceSet(purpose=FACES, items=[pb.ReferenceItem(asset=good), pb.ReferenceItem(asset=foreign)]),
            "reference_set.items[1].asset",
        ),
    ]
    for number, (sort, message, field) in enumerate(cases):
        with pytest.raises(errors.ResourceNotFound) as refused:
            await sort.create(session, project, "one", message)
        assert refused.value.field == field
        made = await sort.create(session, project, f"fine-{number}")
        message.name = made.name
        with pytest.raises(errors.ResourceNotFound) as refused:
            await sort.update(session, message)
        assert refused.value.field == field
        assert await sort.call(session, "Get", name=made.name) == made


async def test_scene_names_characters_and_their_looks(studio: Studio) -> None:
    """A character must be there and outside the trash to be newly named; a look must be one of the character's."""
    session, project = studio.session, await studio.project()
    mara = await CHARACTER.create(session, project, "mara", pb.Character(looks=[pb.Look(look_id="coat")]))
    with pytest.raises(errors.ResourceNotFound) as refused:
        await SCENE.create(session, project, "pier", pb.Scene(characters=[mara.name, f"{project}/characters/rosa"]))
    assert refused.value.field == "scene.characters[1]"
    with pytest.raises(errors.ResourceNotFound) as no_look:
        await SCENE.create(session, project, "pier", pb.Scene(characters=[mara.name], looks={"mara": "suit"}))
    assert no_look.value.field == "scene.looks.mara"
    assert "coat" in no_look.value.remedy
    scene = await SCENE.create(session, project, "pier", pb.Scene(characters=[mara.name], looks={"mara": "coat"}))
    await CHARACTER.call(session, "Delete", name=mara.name)
    with pytest.raises(errors.ResourceNotFound) as trashed:
        await SCENE.create(session, project, "quay", pb.Scene(characters=[mara.name]))
    assert "trash" in trashed.value.message
    scene.title = "Renamed"
    assert (await SCENE.update(session, scene, "*")).characters == scene.characters


async def test_set_without_items_is_refused_where_some_are_needed(studio: Studio) -> None:
    """Style guide and character need a set with items for their purpose, and it cannot be emptied under them."""
    session, project = studio.session, await studio.project()
    asset = (await studio.picture(project, 1)).name
    empty = await SET.create(session, project, "empty", pb.ReferenceSet(purpose=LOOKS))
    for sort, message in ((STYLE, pb.StyleGuide()), (CHARACTER, pb.Character())):
        message.reference_set = f"{project}/referenceSets/none"
        with pytest.raises(errors.ResourceNotFound) as missing:
            await sort.create(session, project, "one", message)
        assert missing.value.field == f"{sort.singular}.reference_set"
    with pytest.raises(errors.ReferenceSetEmpty) as refused:
        await STYLE.create(session, project, "ink", pb.StyleGuide(reference_set=empty.name))
    assert refused.value.field == "style_guide.reference_set"
    with pytest.raises(errors.FieldInvalid) as wrong:
        await CHARACTER.create(session, project, "mara", pb.Character(reference_set=empty.name))
    assert wrong.value.field == "character.reference_set"
    full = pb.ReferenceSet(name=empty.name, items=[pb.ReferenceItem(asset=asset)])
    await SET.update(session, full, "items")
    guide = await STYLE.create(session, project, "ink", pb.StyleGuide(reference_set=empty.name))
    with pytest.raises(errors.ReferenceSetEmpty) as emptied:
        await SET.update(session, pb.ReferenceSet(name=empty.name), "items")
    assert (emptied.value.field, emptied.value.metadata["users"]) == ("reference_set.items", guide.name)
    with pytest.raises(errors.FieldInvalid) as turned:
        await SET.update(session, pb.ReferenceSet(name=empty.name, purpose=FACES), "purpose")
    assert turned.value.field == "reference_set.purpose"
    await STYLE.call(session, "Delete", name=guide.name)
    assert not (await SET.update(session, pb.ReferenceSet(name=empty.name), "items")).items


async def test_template_uses_what_is_declared(studio: Studio) -> None:
    """An undeclared variable and an unknown stage have reasons of their own; a stage lends its variables."""
    session, project = studio.session, await studio.project()
    with pytest.raises(errors.TemplateVariableUnknown) as refused:
        await TEMPLATE.create(session, project, "one", pb.PromptTemplate(text="Draw {what} in {style}."))
    assert (refused.value.field, refused.value.metadata["variable"]) == ("prompt_template.text", "what")
    with pytest.raises(errors.StageUnknown) as unknown:
        await TEMPLATE.create(session, project, "one", pb.PromptTemplate(text="x", stage="stages/none"))
    assert unknown.value.field == "prompt_template.stage"
    made = await TEMPLATE.create(session, project, "one", pb.PromptTemplate(text="In {style}.", stage="stages/style"))
    with pytest.raises(errors.TemplateVariableUnknown):
        await TEMPLATE.update(session, pb.PromptTemplate(name=made.name), "stage")


async def test_template_is_filled_from_scene_and_style_guide(studio: Studio) -> None:
    """The style guide, the first character with its look, the scene and the request give values, the last one most."""
    session, project = studio.session, await studio.project()
    mara = pb.Character(description="a woman", looks=[pb.Look(look_id="coat", description="in a red coat")])
    mara = await CHARACTER.create(session, project, "mara", mara)
    guide = await STYLE.create(session, project, "ink", pb.StyleGuide(variables={"style": "ink", "time": "noon"}))
    scene = pb.Scene(characters=[mara.name], looks={"mara": "coat"}, variables={"time": "dusk"})
    scene = await SCENE.create(session, project, "pier", scene)
    text = "{character} at {time}, {style}, {what}"
    declared = [pb.TemplateVariable(variable=name) for name in ("character", "time", "style", "what")]
    made = await TEMPLATE.create(session, project, "one", pb.PromptTemplate(text=text, variables=declared))
    request = pb.RenderPromptTemplateRequest(
        name=made.name, scene=scene.name, style_guide=guide.name, values={"what": "a lamp"}
    )
    filled = await session.bible.RenderPromptTemplate(request)
    assert filled.text == "a woman, in a red coat at dusk, ink, a lamp"
    assert filled.values["time"] == "dusk"
    request.values["nobody"] = "x"
    with pytest.raises(errors.TemplateVariableUnknown) as refused:
        await session.bible.RenderPromptTemplate(request)
    assert refused.value.field == "values.nobody"
    del request.values["nobody"], request.values["what"]
    with pytest.raises(errors.FieldInvalid) as missing:
        await session.bible.RenderPromptTemplate(request)
    assert missing.value.field == "values.what"
    await TEMPLATE.call(session, "Delete", name=made.name)
    with pytest.raises(errors.StateConflict):
        await session.bible.RenderPromptTemplate(request)


def write_lora(folder: Path) -> Path:
    """A folder that its manifest calls a LoRA; nothing loads it."""
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(b"weights")
    write_manifest(folder, "tiny")
    return folder


async def test_lora_must_be_one(studio: Studio, daemon: Daemon) -> None:
    """A LoRA that is not installed, and a model that is none, are refused by their place; one that went since stays."""
    session, project = studio.session, await studio.project()
    nobody = pb.Character(loras=[model_pb2.LoraUse(model="models/nobody")])
    with pytest.raises(errors.ModelNotFound) as missing:
        await CHARACTER.create(session, project, "mara", nobody)
    assert missing.value.field == "character.loras[0].model"
    lora = write_lora(daemon.home / "models" / "mara-lora")
    uses = [model_pb2.LoraUse(model="models/mara-lora", scale=0.5)]
    made = await CHARACTER.create(session, project, "mara", pb.Character(loras=uses))
    assert list(made.loras) == uses
    scripted = pb.Character(name=made.name, loras=[model_pb2.LoraUse(model="models/scripted", scale=0.5)])
    with pytest.raises(errors.ModelUnsupported) as none:
        await CHARACTER.update(session, scripted, "loras")
    assert none.value.field == "character.loras[0].model"
    shutil.rmtree(lora)
    made.title = "She whose LoRA is gone"
    assert (await CHARACTER.update(session, made, "*")).loras == made.loras
    with pytest.raises(errors.ModelNotFound):
        await CHARACTER.create(session, project, "rosa", pb.Character(loras=uses))


@pytest.fixture
async def fenced(tmp_path: Path) -> AsyncIterator[tuple[Session, Path]]:
    """A session with a daemon whose style roots are one folder."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    with Daemon(tmp_path / "home", {"paths.style_roots": str(allowed)}) as daemon:
        async with Session(daemon.home) as session:
            yield session, allowed


async def test_pictures_of_a_style_come_from_its_roots(fenced: tuple[Session, Path], tmp_path: Path) -> None:
    """An anchor, and a picture of a style's set, from elsewhere are refused by their place; uploads are a person's."""
    session, allowed = fenced
    studio = Studio(session, tmp_path)
    project = await studio.project()
    inside, outside = write_picture(allowed / "in.png", 1), write_picture(tmp_path / "out.png", 2)
    good, bad = [
        (await session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=project, path=str(path)))).name
        for path in (inside, outside)
    ]
    with pytest.raises(errors.PathNotAllowed) as refused:
        await STYLE.create(session, project, "ink", pb.StyleGuide(anchors=[good, bad]))
    assert refused.value.field == "style_guide.anchors[1]"
    assert refused.value.metadata["path"] == str(outside)
    items = [pb.ReferenceItem(asset=good), pb.ReferenceItem(asset=bad)]
    with pytest.raises(errors.PathNotAllowed) as in_set:
        await SET.create(session, project, "looks", pb.ReferenceSet(purpose=LOOKS, items=items))
    assert in_set.value.field == "reference_set.items[1].asset"
    faces = await SET.create(session, project, "faces", pb.ReferenceSet(purpose=FACES, items=items))
    with pytest.raises(errors.PathNotAllowed) as turned:
        await SET.update(session, pb.ReferenceSet(name=faces.name, purpose=LOOKS), "purpose")
    assert turned.value.field == "reference_set.items[1].asset"
    assert list((await STYLE.create(session, project, "ink", pb.StyleGuide(anchors=[good]))).anchors) == [good]


async def test_j02_a_picture_that_is_brought_from_an_allowed_folder_later_may_show_a_style(
    fenced: tuple[Session, Path], tmp_path: Path
) -> None:
    """Who does what the refusal says is not refused again, although the picture is known from elsewhere."""
    session, allowed = fenced
    studio = Studio(session, tmp_path)
    project = await studio.project()
    outside = write_picture(tmp_path / "out.png", 3)
    inside = allowed / "copy.png"
    inside.write_bytes(outside.read_bytes())

    async def imported(path: Path) -> asset_pb2.Asset:
        return await session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=project, path=str(path)))

    first = await imported(outside)
    with pytest.raises(errors.PathNotAllowed):
        await STYLE.create(session, project, "ink", pb.StyleGuide(anchors=[first.name]))
    again = await imported(inside)
    assert (again.name, again.origin) == (first.name, str(inside))
    assert list((await STYLE.create(session, project, "ink", pb.StyleGuide(anchors=[again.name]))).anchors)
    assert (await imported(outside)).origin == str(inside), "a worse place takes the better one from nobody"


async def test_endless_key_is_still_a_typed_refusal(studio: Studio) -> None:
    """A key that is longer than a refusal may be is cut in the error, and does not cost the error."""
    session, project = studio.session, await studio.project()
    with pytest.raises(errors.FieldInvalid) as refused:
        await SCENE.create(session, project, "one", pb.Scene(variables={"K" * 500_000: "x"}))
    assert refused.value.field.startswith("scene.variables.KKK")
    with pytest.raises(errors.FieldInvalid):
        await SCENE.create(session, project, "one", pb.Scene(looks={"é" * 100_000: "x"}))
