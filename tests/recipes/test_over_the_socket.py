"""J02, A3: pictures of other programs are taken in with their recipes, through the socket and the command line."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import asset_pb2, history_pb2, postprocess_pb2, run_pb2
from bullpen_cli import main
from bullpen_client import errors
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.recipes.samples import A1111, graph
from tests.support.daemon import Daemon
from tests.support.pictures import picture
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the scripted model only."""
    with Daemon(tmp_path_factory.mktemp("d") / "home", {"paths.model_folders": "{home}/models"}) as running:
        yield running


def written(folder: Path, seed: int, **texts: str) -> Path:
    """A PNG that carries these texts."""
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    path = folder / f"foreign-{seed}.png"
    picture(seed).save(path, pnginfo=info)
    return path


async def taken(studio: Studio, project: str, path: Path) -> str:
    """Imports a picture; the asset's name."""
    request = asset_pb2.ImportAssetRequest(parent=project, path=str(path))
    return (await studio.session.assets.ImportAsset(request)).name


async def known(studio: Studio, name: str) -> history_pb2.PictureRecipe:
    """What is known of a picture."""
    return await studio.session.history.GetRecipe(history_pb2.GetRecipeRequest(name=name))


async def read(studio: Studio, name: str) -> history_pb2.PictureRecipe:
    """Its file read again."""
    return await studio.session.history.IngestRecipe(history_pb2.IngestRecipeRequest(name=name))


async def test_an_import_brings_the_recipe_along(studio: Studio, tmp_path: Path) -> None:
    """Pictures of A1111 (PNG and JPEG) and ComfyUI are known as they were made, right after their import."""
    project = await studio.project()
    first = await known(studio, await taken(studio, project, written(tmp_path, 1, parameters=A1111)))
    assert (first.program, first.seed) == (history_pb2.PictureRecipe.PROGRAM_A1111, 4105123456)
    assert (first.sampling.steps, first.sampling.width, first.sampling.height) == (28, 512, 768)
    assert first.loras[0].title == "mara"
    assert any("v1-5-pruned-emaonly" in line for line in first.left_out)
    second = await known(studio, await taken(studio, project, written(tmp_path, 2, prompt=json.dumps(graph()))))
    assert (second.program, second.prompt) == (history_pb2.PictureRecipe.PROGRAM_COMFYUI, "a lighthouse, ink")
    image = picture(3)
    exif = image.getexif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + A1111.encode("utf-16-be")
    image.save(tmp_path / "a.jpg", exif=exif)
    third = await known(studio, await taken(studio, project, tmp_path / "a.jpg"))
    assert (third.prompt, third.seed) == (first.prompt, first.seed)


async def test_the_same_picture_gives_the_same_recipe(studio: Studio, tmp_path: Path) -> None:
    """Imported twice and read twice it is one asset with one recipe."""
    project = await studio.project()
    path = written(tmp_path, 4, parameters=A1111)
    name = await taken(studio, project, path)
    once = await known(studio, name)
    assert await taken(studio, project, path) == name
    assert await read(studio, name) == await read(studio, name) == await known(studio, name) == once


async def test_a_damaged_recipe_costs_no_picture_and_says_what_is_wrong(studio: Studio, tmp_path: Path) -> None:
    """The import is taken; reading the recipe is refused by the path of the value, and nothing of it is kept."""
    project = await studio.project()
    broken = json.dumps(graph(seed="pier"))
    name = await taken(studio, project, written(tmp_path, 5, prompt=broken, parameters=A1111))
    with pytest.raises(errors.RecipeInvalid) as refused:
        await read(studio, name)
    assert refused.value.field == "prompt.3.inputs.seed"
    with pytest.raises(errors.ResourceNotFound):
        await known(studio, name)
    plain = (await studio.picture(project, 6)).name
    for ask in (known, read):
        with pytest.raises(errors.ResourceNotFound):
            await ask(studio, plain)


async def test_a_picture_made_here_is_known_here_and_in_another_universe(studio: Studio, daemon: Daemon) -> None:
    """A candidate has its own recipe; its file, imported elsewhere, tells the same."""
    project = await studio.universe(1)
    run = await studio.run(project, candidates=1, seed=11)
    jobs = await studio.session.runs.ListJobs(run_pb2.ListJobsRequest(parent=run.name))
    candidate = jobs.jobs[0].candidates[0]
    here = await known(studio, candidate.asset)
    assert (here.program, here.seed) == (history_pb2.PictureRecipe.PROGRAM_BULLPEN, candidate.seed)
    assert here.model == "models/scripted"
    asset = await studio.session.assets.GetAsset(asset_pb2.GetAssetRequest(name=candidate.asset))
    other = await studio.project()
    there = await known(studio, await taken(studio, other, Path(asset.path)))
    there.asset = here.asset
    assert there == here


async def test_j07_a_picture_of_post_process_has_the_recipe_of_its_source(
    studio: Studio, daemon: Daemon, tmp_path: Path
) -> None:
    """It is followed back to the picture that was made; its own file tells of the step alone, and nobody is warned."""
    project = await studio.project()
    source = await taken(studio, project, written(tmp_path, 9, parameters=A1111))
    steps = postprocess_pb2.PostProcess(color=postprocess_pb2.ColorStep(profile="cold_rain"))
    request = postprocess_pb2.ProcessAssetsRequest(parent=project, assets=[source], post_process=steps)
    made = ""
    async for message in studio.session.postprocess.ProcessAssets(request):
        made = message.made.asset.name or made
    found, origin = await known(studio, made), await known(studio, source)
    assert (found.asset, found.prompt, found.seed) == (made, origin.prompt, origin.seed)
    assert found.others["Made from"] == source
    with pytest.raises(errors.ResourceNotFound):
        await read(studio, made)
    warned = [line for line in daemon.log().splitlines() if "recipe.invalid" in line]
    assert not any("_color.png" in line for line in warned)


def bullpen(daemon: Daemon, *words: str) -> tuple[int, str, str]:
    """A command line with --json; its status and both streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main.run([*words, "--home", str(daemon.home), "--json"])
    return status, out.getvalue(), err.getvalue()


async def test_u01_a_recipe_is_imported_shown_and_taken_over_by_command(
    studio: Studio, daemon: Daemon, tmp_path: Path
) -> None:
    """`recipes import` says which are good and which damaged; `generate --like` makes a picture of what it can take."""
    project = await studio.project()
    slug = project.rsplit("/", 1)[-1]
    small = A1111.replace("512x768", "64x64").replace("Steps: 28", "Steps: 3").replace("4105123456", "77")
    good = written(tmp_path, 7, parameters=small)
    bad = written(tmp_path, 8, parameters=A1111.replace("Seed: 4105123456", "Seed: x"))

    def command(*words: str) -> Any:
        return asyncio.to_thread(bullpen, daemon, *words)

    status, out, _ = await command("recipes", "import", slug, str(good), str(bad))
    first, second = json.loads(out)["pictures"]
    assert status == 1
    assert (second["error"]["reason"], second["error"]["field"]) == ("RECIPE_INVALID", "parameters.Seed")
    status, out, _ = await command("recipes", "show", first["asset"])
    assert (status, json.loads(out)["seed"]) == (0, "77")
    status, out, err = await command("generate", "--like", first["asset"], "-o", str(tmp_path / "again.png"))
    assert status == 0, err
    made = json.loads(out)
    assert made["pictures"][0]["seed"] == 77
    assert (made["sampling"]["steps"], made["sampling"]["width"]) == (3, 64)
    assert made["prompt"].startswith("a pier at night")
    with Image.open(tmp_path / "again.png") as image:
        assert image.size == (64, 64)
    status, _, err = await command("recipes", "read", second["asset"])
    assert (status, json.loads(err.splitlines()[-1])["reason"]) == (1, "RECIPE_INVALID")
