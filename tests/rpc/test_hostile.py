"""Requests that no honest client sends: unknown enum values, forged tokens, odd names. Refused, never an incident."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import asset_pb2, bible_pb2, project_pb2, run_pb2, system_pb2
from bullpen_client import Session, errors
from google.protobuf import duration_pb2

from tests.support.daemon import Daemon
from tests.support.pictures import picture, write_picture
from tests.support.studio import Studio, spec

pytestmark = pytest.mark.e2e


def forged(*values: object) -> str:
    """A page token with any content."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.fixture(autouse=True)
def _no_incident(daemon: Daemon) -> Any:
    before = daemon.log().count("rpc.fault")
    yield
    assert daemon.log().count("rpc.fault") == before, "the daemon met a fault of its own"


async def test_unknown_enum_values_are_refused(studio: Studio) -> None:
    """A number that this version has no name for is FIELD_INVALID, as it may come from a newer client."""
    project = await studio.universe(1)
    path = str(write_picture(studio.folder / "x.png", 1))
    odd: Any = 77
    wanted = spec()
    wanted.acceptance = odd
    (asset,) = (await studio.session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent=project))).assets
    calls: list[tuple[Any, str]] = [
        (studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project, states=[odd])), "states"),
        (studio.session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent=project, kinds=[odd])), "kinds"),
        (studio.session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=project, path=path, kind=odd)), "kind"),
        (studio.create(project, wanted), "acceptance"),
    ]
    for call, field in calls:
        with pytest.raises(errors.FieldInvalid) as refused:
            await call
        assert refused.value.field == field
    request = asset_pb2.ReadContentRequest(name=asset.name, variant=odd)
    with pytest.raises(errors.FieldInvalid) as unread:
        await studio.session.assets.ReadContent(request).__aiter__().__anext__()
    assert unread.value.field == "variant"


@pytest.mark.parametrize(
    "token",
    [
        forged("projects", "x" * 100_000),
        forged("projects", "\ud800"),
        forged("projects"),
        forged("projects", 1),
        forged("projects", None),
        forged(),
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
        "=",
    ],
    ids=["long", "no-text", "short", "number", "null", "empty", "nested", "no-base64"],
)
async def test_forged_page_token_is_refused(studio: Studio, token: str) -> None:
    """A token that this list did not give is PAGE_TOKEN_INVALID or just gives a page, whatever is in it."""
    with contextlib.suppress(errors.PageTokenInvalid):
        await studio.session.projects.ListProjects(project_pb2.ListProjectsRequest(page_token=token))


@pytest.mark.parametrize("number", [10**30, -(10**30), 2**63, 2**62, -1, 0, True])
async def test_forged_number_in_a_page_token_is_refused(studio: Studio, number: int) -> None:
    """A number beyond what a row can have is no fault."""
    project = await studio.universe(1)
    slug = project.split("/")[1]
    request = run_pb2.ListRunsRequest(parent=project, page_token=forged(f"{slug}/runs/", number))
    with contextlib.suppress(errors.PageTokenInvalid):
        assert not (await studio.session.runs.ListRuns(request)).runs


async def test_odd_names_are_refused(studio: Studio) -> None:
    """Names that are no names of this contract are FIELD_INVALID, whatever they hold."""
    for name in (
        "",
        "/",
        "projects",
        "projects/",
        "projects/../x",
        "projects/a/b",
        "projects/a\0",
        "x" * 100_000,
        "projects/é",
    ):
        with pytest.raises(errors.FieldInvalid) as refused:
            await studio.session.projects.GetProject(project_pb2.GetProjectRequest(name=name))
        assert refused.value.field == "name"
        with pytest.raises(errors.FieldInvalid):
            await studio.session.runs.GetRun(run_pb2.GetRunRequest(name=f"{name}/runs/r"))


async def test_folder_with_names_that_are_no_text(studio: Studio, tmp_path: Path) -> None:
    """A file whose name is not UTF-8 is left out and told of, or refused by its field; it is no fault."""
    project = await studio.project()
    folder = tmp_path / "odd"
    write_picture(folder / "good.png", 1)
    picture(2).save(folder / "other.png")
    (folder / "other.png").rename(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.png"))
    write_picture(folder / "at 10.00\u202fPM.png", 3)
    wanted = spec()
    wanted.ClearField("scenes")
    wanted.input_folder = str(folder)
    shown = await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=wanted))
    assert [job.source_path for job in shown.jobs] == ["at 10.00\u202fPM.png", "good.png"]
    assert any(".png" in finding.message for finding in shown.findings)


async def test_extreme_numbers_are_refused(studio: Studio) -> None:
    """Sizes, intervals and offsets beyond their bounds are refused by their field."""
    project = await studio.universe(1)
    with pytest.raises(errors.FieldInvalid):
        await studio.session.projects.ListProjects(project_pb2.ListProjectsRequest(page_size=-1))
    assert (await studio.session.projects.ListProjects(project_pb2.ListProjectsRequest(page_size=2**31 - 1))).projects
    for seconds in (-1, 0, 10**9):
        request = system_pb2.WatchMetricsRequest(interval=duration_pb2.Duration(seconds=seconds))
        with pytest.raises(errors.FieldInvalid) as refused:
            await studio.session.system.WatchMetrics(request).__aiter__().__anext__()
        assert refused.value.field == "interval"
    (asset,) = (await studio.session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent=project))).assets
    assert await studio.content(asset.name, offset=2**62) == b""
    for ordinal in (-1, -(2**31), 2**31 - 1):
        scene = bible_pb2.Scene(ordinal=ordinal, source_asset=asset.name)
        request_scene = bible_pb2.CreateSceneRequest(parent=project, scene_id="odd", scene=scene)
        with pytest.raises(errors.FieldInvalid) as misplaced:
            await studio.session.bible.CreateScene(request_scene)
        assert misplaced.value.field == "scene.ordinal"


async def test_upload_that_breaks_off_leaves_nothing(studio: Studio, daemon: Daemon) -> None:
    """A client that goes away in the middle of its upload leaves no file."""
    project = await studio.project()
    begun = asyncio.Event()

    async def parts() -> AsyncIterator[asset_pb2.UploadAssetRequest]:
        head = asset_pb2.UploadHead(parent=project, display_name="broken.png")
        yield asset_pb2.UploadAssetRequest(head=head)
        for _ in range(3):
            yield asset_pb2.UploadAssetRequest(chunk=b"\x89PNG" * 50_000)
        begun.set()
        await asyncio.Event().wait()

    async with Session(daemon.home) as session:
        call = session.assets.UploadAsset(parts())
        task = asyncio.ensure_future(call)
        await begun.wait()
        call.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await studio.picture(project, 3)
    await studio.run(await studio.universe(1))
    assert list((daemon.home / "tmp").iterdir()) == []
    listed = await studio.session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent=project))
    assert len(listed.assets) == 1
