"""The gallery over a real daemon: search, rating, tags, trash, descent, saved searches, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import asset_pb2 as pb
from bullpen_api.v1 import audit_pb2, event_pb2, postprocess_pb2, system_pb2
from bullpen_client import Session, errors
from google.protobuf.field_mask_pb2 import FieldMask

from tests.support.daemon import Daemon
from tests.support.studio import Studio
from tests.support.watching import check_watch

pytestmark = pytest.mark.e2e


async def found(session: Session, project: str, text: str = "", **more: Any) -> list[str]:
    """Names that a search finds."""
    request = pb.ListAssetsRequest(parent=project, filter=text, **more)
    return [asset.name for asset in (await session.assets.ListAssets(request)).assets]


async def rate(session: Session, asset: pb.Asset, **values: Any) -> pb.Asset:
    """Changes an asset as it was read."""
    changed = pb.Asset(name=asset.name, etag=asset.etag, **values)
    request = pb.UpdateAssetRequest(asset=changed, update_mask=FieldMask(paths=list(values)))
    return await session.assets.UpdateAsset(request)


async def events(session: Session, daemon: Daemon, project: str) -> list[event_pb2.Event]:
    """Everything that was told of a project."""
    return list((await check_watch(session, daemon.home, project)).events)


async def test_pictures_of_runs_are_found_by_how_they_were_made(studio: Studio) -> None:
    """Stage, model, scene, run and words of the prompt are known with the picture, and told in its resource."""
    session = studio.session
    project = await studio.universe(scenes=2)
    run = await studio.run(project, "steps=1 size=64x48 umbrella", candidates=2)
    pictures = [one.asset for one in await studio.candidates(run)]
    sources = set(await found(session, project, "kind:source"))
    assert len(sources) == 2
    for text in ("stage:style", "model:scripted", f"run:{run.name.rsplit('/', 1)[-1]}", "umbrella", "is:made"):
        assert set(await found(session, project, text)) == set(pictures), text
    of_first = {one.asset for one in (await studio.candidates(run))[:2]}
    assert set(await found(session, project, "scene:s1")) >= of_first
    assert sources & set(await found(session, project, "scene:s1")), "the scene's own picture is of the scene too"
    assert await found(session, project, "umbrella -stage:style") == []
    one = await session.assets.GetAsset(pb.GetAssetRequest(name=pictures[0]))
    assert (one.making.stage, one.making.run, one.making.model) == ("style", run.name, "models/scripted")
    assert "umbrella" in one.making.prompt
    summary = await session.assets.SummarizeAssets(pb.SummarizeAssetsRequest(parent=project))
    assert summary.total_size == len(sources) + len(set(pictures))
    kinds = next(facet for facet in summary.facets if facet.field == "kind")
    assert {value.value: value.count for value in kinds.values}["source"] == 2


async def test_pages_go_on_and_begin_anywhere(studio: Studio) -> None:
    """Page by page, at a position and from the end the same order comes out; a token is good for its own list."""
    session = studio.session
    project = await studio.project()
    made = [(await studio.picture(project, seed)).name for seed in range(7)][::-1]
    list_assets = session.assets.ListAssets
    first = await list_assets(pb.ListAssetsRequest(parent=project, page_size=3, filter="kind:source", count=True))
    assert ([one.name for one in first.assets], first.total_size) == (made[:3], 7)
    token = first.next_page_token
    second = pb.ListAssetsRequest(parent=project, page_size=3, filter="kind:source", page_token=token)
    assert [one.name for one in (await list_assets(second)).assets] == made[3:6]
    assert await found(session, project, skip=5) == made[5:]
    assert await found(session, project, from_end=True, page_size=2) == made[5:]
    assert await found(session, project, skip=100) == []
    with pytest.raises(errors.PageTokenInvalid):
        await list_assets(pb.ListAssetsRequest(parent=project, page_size=3, page_token=token))
    with pytest.raises(errors.ExactlyOneOf):
        await list_assets(pb.ListAssetsRequest(parent=project, skip=1, from_end=True))
    with pytest.raises(errors.FieldInvalid):
        await list_assets(pb.ListAssetsRequest(parent=project, skip=-1))


async def test_what_people_say_is_kept_told_and_found(studio: Studio, daemon: Daemon) -> None:
    """Rating, tags and note are in search, events, audit and sidecar; a stale etag and a wrong value change nothing."""
    session = studio.session
    project = await studio.project()
    asset = await studio.picture(project, 1)
    other = await studio.picture(project, 2)
    rated = await rate(session, asset, rating=4, tags=["Cover", " wet street ", "Cover"], note="for the second issue")
    assert (rated.rating, list(rated.tags), rated.note) == (4, ["Cover", "wet street"], "for the second issue")
    assert rated.etag != asset.etag
    for text in ("rating:>3", "tag:cover", 'tag:"wet street"', "issue", "note:issue", "is:noted is:rated is:tagged"):
        assert await found(session, project, text) == [asset.name], text
    assert await found(session, project, "rating:0") == [other.name]
    with pytest.raises(errors.EtagMismatch):
        await rate(session, asset, rating=1)
    for field, values in (
        ("asset.rating", {"rating": 6}),
        ("asset.rating", {"rating": -1}),
        ("asset.tags", {"tags": [""]}),
        ("asset.tags", {"tags": [f"t{number}" for number in range(65)]}),
        ("asset.note", {"note": "x" * 4001}),
        ("asset.display_name", {"display_name": ""}),
        ("update_mask", {"sha256": "ab"}),
    ):
        with pytest.raises(errors.FieldInvalid) as refused:
            await rate(session, rated, **values)
        assert refused.value.field == field
    assert await rate(session, rated, rating=4) == rated, "what changes nothing is no change"
    sidecar = json.loads(Path(asset.path).with_suffix(".json").read_text())
    assert (sidecar["rating"], sidecar["tags"], sidecar["note"]) == (4, ["Cover", "wet street"], "for the second issue")
    assert sidecar["schema"] == "bullpen.asset/1"
    told = [one for one in await events(session, daemon, project) if one.subject == asset.name]
    assert [one.kind for one in told] == ["asset.created", "asset.updated"]
    assert told[-1].asset == rated
    entries = (
        await session.audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(subject=asset.name))
    ).audit_entries
    assert [entry.method.rsplit("/", 1)[-1] for entry in entries] == ["UpdateAsset", "ImportAsset"]


async def test_trash_is_undone_and_purging_is_for_ever(studio: Studio, daemon: Daemon) -> None:
    """The trash is in no list that does not ask; what something needs is not purged; an import brings back."""
    session = studio.session
    project = await studio.universe(scenes=1)
    asset, kept = await studio.picture(project, 21), await studio.picture(project, 22)
    with pytest.raises(errors.StateConflict):
        await session.assets.PurgeAsset(pb.PurgeAssetRequest(name=asset.name))
    gone = await session.assets.DeleteAsset(pb.DeleteAssetRequest(name=asset.name, etag=asset.etag))
    assert gone.HasField("delete_time")
    assert asset.name not in await found(session, project)
    assert await found(session, project, in_trash=True) == [asset.name]
    back = await session.assets.UndeleteAsset(pb.UndeleteAssetRequest(name=asset.name))
    assert not back.HasField("delete_time")
    assert set(await found(session, project)) >= {asset.name, kept.name}
    await session.assets.DeleteAsset(pb.DeleteAssetRequest(name=asset.name))
    with pytest.raises(errors.EtagMismatch):
        await session.assets.PurgeAsset(pb.PurgeAssetRequest(name=asset.name, etag=back.etag))
    purged = await session.assets.PurgeAsset(pb.PurgeAssetRequest(name=asset.name))
    assert purged.HasField("purge_time")
    assert not Path(asset.path).exists()
    assert not Path(asset.path).with_suffix(".json").exists()
    assert await found(session, project, in_trash=True) == []
    with pytest.raises(errors.StateConflict):
        await session.assets.UndeleteAsset(pb.UndeleteAssetRequest(name=asset.name))
    with pytest.raises(errors.StateConflict):
        await rate(session, purged, rating=1)
    checks = (await session.system.Diagnose(system_pb2.DiagnoseRequest(deep=True))).checks
    assert {one.name: one.status for one in checks}["assets"] == system_pb2.Check.STATUS_OK
    again = await studio.picture(project, 21)
    assert again.name == asset.name
    assert Path(asset.path).exists()
    assert asset.name in await found(session, project)
    source = (await found(session, project, "scene:s1"))[-1]
    await session.assets.DeleteAsset(pb.DeleteAssetRequest(name=source))
    with pytest.raises(errors.StateConflict, match=r"scenes/s1"):
        await session.assets.PurgeAsset(pb.PurgeAssetRequest(name=source))
    kinds = [one.kind for one in await events(session, daemon, project) if one.subject == asset.name]
    assert kinds == [
        "asset.created",
        "asset.deleted",
        "asset.undeleted",
        "asset.deleted",
        "asset.purged",
        "asset.undeleted",
    ]


async def test_descent_is_a_tree(studio: Studio) -> None:
    """From the source down: pictures of runs, and what post-process made of them; only the line that was asked for."""
    session = studio.session
    project = await studio.universe(scenes=1)
    run = await studio.run(project, "steps=1 size=64x48", candidates=2)
    first, second = [one.asset for one in await studio.candidates(run)]
    request = postprocess_pb2.ProcessAssetsRequest(
        parent=project,
        assets=[first],
        post_process=postprocess_pb2.PostProcess(color=postprocess_pb2.ColorStep(profile="cold_rain")),
    )
    answers = [answer async for answer in session.postprocess.ProcessAssets(request)]
    coloured = next(answer.made.asset for answer in answers if answer.HasField("made"))
    assert coloured.making.run == run.name, "what post-process makes has the making of the picture before"
    source = (await session.assets.GetAsset(pb.GetAssetRequest(name=first))).derived_from[0]

    async def tree(name: str) -> list[tuple[str, int, bool]]:
        found = await session.assets.GetAssetLineage(pb.GetAssetLineageRequest(name=name))
        return [(node.asset.name, node.depth, node.asked) for node in found.nodes]

    assert await tree(coloured.name) == [(source, 0, False), (first, 1, False), (coloured.name, 2, True)]
    assert await tree(first) == [(source, 0, False), (first, 1, True), (coloured.name, 2, False)]
    assert {one[0] for one in await tree(source)} == {source, first, second, coloured.name}
    with pytest.raises(errors.ResourceNotFound):
        await tree(f"{project}/assets/nothing")


async def test_a_registry_built_anew_keeps_what_people_said(tmp_path: Path) -> None:
    """The database is lost; ratings, tags, notes, the trash and how pictures were made come back from the sidecars."""
    with Daemon(tmp_path / "home") as daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(scenes=1)
            run = await studio.run(project, "steps=1 size=64x48 umbrella", candidates=1)
            picture = (await studio.candidates(run))[0].asset
            made = await session.assets.GetAsset(pb.GetAssetRequest(name=picture))
            await rate(session, made, rating=5, tags=["cover"], note="the best one")
            trashed = await studio.picture(project, 40)
            await session.assets.DeleteAsset(pb.DeleteAssetRequest(name=trashed.name))
        daemon.stop()
        for file in daemon.home.glob("bullpen.sqlite3*"):
            file.unlink()
        daemon.start()
        async with Session(daemon.home) as session:
            await session.system.Repair(system_pb2.RepairRequest())
            assert await found(session, project, "rating:5 tag:cover best umbrella stage:style") == [picture]
            assert trashed.name in await found(session, project, in_trash=True)
            again = await session.assets.GetAsset(pb.GetAssetRequest(name=picture))
            assert (again.rating, list(again.tags), again.note) == (5, ["cover"], "the best one")
            assert again.making.candidate == made.making.candidate


async def test_searches_are_saved(studio: Studio, daemon: Daemon) -> None:
    """Made once for a request, listed in their order, changed, forgotten; each change is an event."""
    session = studio.session
    project = await studio.project()
    api = session.assets
    wish = pb.CreateSavedSearchRequest(
        parent=project,
        saved_search_id="best_rain",
        saved_search=pb.SavedSearch(filter="rain rating:>3"),
        request_id=f"save-{project}",
    )
    saved = await api.CreateSavedSearch(wish)
    assert await api.CreateSavedSearch(wish) == saved
    assert (saved.title, saved.filter) == ("Best rain", "rain rating:>3")
    wish.request_id = ""
    with pytest.raises(errors.AlreadyExists):
        await api.CreateSavedSearch(wish)
    second = pb.CreateSavedSearchRequest(
        parent=project, saved_search_id="other", saved_search=pb.SavedSearch(title="Other", filter="-rain")
    )
    other = await api.CreateSavedSearch(second)
    edit = pb.SavedSearch(name=saved.name, etag=saved.etag, filter="rain rating:5")
    changed = await api.UpdateSavedSearch(pb.UpdateSavedSearchRequest(saved_search=edit))
    assert (changed.filter, changed.title) == ("rain rating:5", "Best rain")
    with pytest.raises(errors.EtagMismatch):
        await api.UpdateSavedSearch(pb.UpdateSavedSearchRequest(saved_search=edit))
    slip = pb.SavedSearch(name=saved.name, filter="rain rating:good")
    with pytest.raises(errors.SearchInvalid) as refused:
        await api.UpdateSavedSearch(pb.UpdateSavedSearchRequest(saved_search=slip))
    assert (refused.value.field, refused.value.metadata["column"]) == ("saved_search.filter", "13")
    listed = await api.ListSavedSearches(pb.ListSavedSearchesRequest(parent=project))
    assert list(listed.saved_searches) == [changed, other]
    await api.DeleteSavedSearch(pb.DeleteSavedSearchRequest(name=other.name))
    with pytest.raises(errors.ResourceNotFound):
        await api.DeleteSavedSearch(pb.DeleteSavedSearchRequest(name=other.name))
    kinds = [one.kind for one in await events(session, daemon, project) if one.HasField("saved_search")]
    assert kinds == ["saved_search.created", "saved_search.created", "saved_search.updated", "saved_search.deleted"]


@pytest.mark.parametrize(
    "text",
    [
        '" OR asset_words MATCH "x',
        "NEAR(rain pier, 2)",
        "rain AND NOT OR pier",
        "'; DROP TABLE assets; --",
        "{prompt name} : x",
        "^rain",
        "rain\\",
        "r\u0301ain \u202e",
        "🌧️",
        "a:" * 100,
        "-" * 500,
        "x " * 400,
        "rain " * 50,
        "(" * 900,
        "*" * 30,
    ],
)
async def test_hostile_searches_are_answered_or_refused_with_a_column(studio: Studio, text: str) -> None:
    """Whatever stands in a search: an answer, or SEARCH_INVALID with its column; never a fault, and nothing else."""
    project = await studio.project()
    slip = None
    try:
        await found(studio.session, project, text)
    except errors.SearchInvalid as error:
        slip = error
    assert slip is None or (1 <= int(slip.metadata["column"]) <= len(text) + 1 and slip.remedy)
    await studio.session.assets.ListAssets(pb.ListAssetsRequest(parent=project))


async def test_facets_of_unknown_fields_are_refused(studio: Studio) -> None:
    """The nearest field is named."""
    project = await studio.project()
    request = pb.SummarizeAssetsRequest(parent=project, fields=["stage", "stge"])
    with pytest.raises(errors.FieldInvalid) as refused:
        await studio.session.assets.SummarizeAssets(request)
    assert refused.value.field == "fields[1]"
    assert "stage" in refused.value.remedy
