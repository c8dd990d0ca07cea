"""J03: a bible goes out with a prompt and comes back: merged or replaced, shown first, all of it or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bullpen_api.v1 import asset_pb2, bootstrap_pb2
from bullpen_api.v1 import bible_pb2 as pb
from bullpen_client import errors

from tests.bible.desk import ACCOUNT, CHARACTER, SCENE, SET, STYLE, TEMPLATE
from tests.support.daemon import Daemon
from tests.support.studio import Studio
from tests.support.watching import journal

pytestmark = pytest.mark.e2e
REPLACE = bootstrap_pb2.ImportBootstrapRequest.MODE_REPLACE
Response = bootstrap_pb2.ImportBootstrapResponse
Actions = bootstrap_pb2.BootstrapChange.Action


async def world(studio: Studio) -> str:
    """A project with something of every kind, each with as much in it as it can have."""
    session, project = studio.session, await studio.project()
    assets = [(await studio.picture(project, number)).name for number in (1, 2)]
    items = [pb.ReferenceItem(asset=assets[0], caption="front", weight=2.5), pb.ReferenceItem(asset=assets[1])]
    purpose = pb.ReferenceSet.PURPOSE_CHARACTER
    faces = await SET.create(session, project, "faces", pb.ReferenceSet(purpose=purpose, items=items))
    coat = pb.Look(look_id="coat", title="Coat", description="in a coat", references=assets[:1])
    mara = pb.Character(description="a woman", profile="A diver.", looks=[coat], reference_set=faces.name)
    mara.references.extend(assets)
    mara = await CHARACTER.create(session, project, "mara", mara)
    await STYLE.create(session, project, "ink", pb.StyleGuide(variables={"style": "ink"}))
    scene = pb.Scene(source_asset=assets[0], characters=[mara.name], looks={"mara": "coat"}, variables={"time": "dusk"})
    await SCENE.create(session, project, "pier", scene)
    await SCENE.create(session, project, "quay")
    await TEMPLATE.create(session, project, "mood")
    await ACCOUNT.create(session, project, "paid")
    return project


async def exported(studio: Studio, project: str) -> tuple[bootstrap_pb2.ExportBootstrapResponse, dict[str, Any]]:
    found = await studio.session.bible.ExportBootstrap(bootstrap_pb2.ExportBootstrapRequest(name=project))
    return found, json.loads(found.document_json)


async def bring(studio: Studio, project: str, data: dict[str, Any], **more: Any) -> Response:
    document = json.dumps({"schema_version": 1, **data})
    request = bootstrap_pb2.ImportBootstrapRequest(parent=project, document_json=document, **more)
    return await studio.session.bible.ImportBootstrap(request)


def said(response: Response) -> list[tuple[str, str]]:
    """What happens to what, in short."""
    return [(Actions.Name(c.action).removeprefix("ACTION_"), c.name.rsplit("/", 1)[-1]) for c in response.changes]


async def test_j03_round_trip_changes_nothing(studio: Studio, daemon: Daemon) -> None:
    """What was exported is imported again, merged and replaced, without a change, an event or a loss."""
    project = await world(studio)
    _, data = await exported(studio, project)
    before = journal(daemon.home, project)
    for mode in (bootstrap_pb2.ImportBootstrapRequest.MODE_MERGE, REPLACE):
        done = await bring(studio, project, data, mode=mode)
        assert (list(done.changes), done.unchanged, done.applied) == ([], 7, True)
    assert journal(daemon.home, project) == before
    assert (await exported(studio, project))[1] == data


async def test_j03_document_makes_the_same_bible_elsewhere(studio: Studio) -> None:
    """A document fills an empty project that has the pictures, and says the same there."""
    project, other = await world(studio), await studio.project()
    _, data = await exported(studio, project)
    for asset in (await studio.session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent=project))).assets:
        await studio.session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=other, path=asset.path))
    done = await bring(studio, other, data)
    assert (done.created, done.applied) == (7, True)
    assert (await exported(studio, other))[1] == data


async def test_j03_prompt_tells_all_that_is_needed(studio: Studio) -> None:
    """Story, schema and document are in the prompt; words of the trash are not."""
    project = await world(studio)
    await SCENE.call(studio.session, "Delete", name=f"{project}/scenes/quay")
    found, data = await exported(studio, project)
    assert "A harbour at night." in found.prompt
    assert found.schema_json in found.prompt
    assert found.document_json in found.prompt
    assert [scene["id"] for scene in data["scenes"]] == ["pier"]
    assert not any(f"${name}" in found.prompt for name in ("title", "story", "document"))


async def test_j03_dry_run_shows_what_then_happens(studio: Studio, daemon: Daemon) -> None:
    """A dry run changes nothing and shows changes with a diff; what is applied by its digest is just that."""
    project = await world(studio)
    await SCENE.call(studio.session, "Delete", name=f"{project}/scenes/quay")
    before = journal(daemon.home, project)
    data = {
        "project": {"story": "Another one."},
        "scenes": [{"id": "pier", "title": "The pier"}, {"id": "quay"}, {"id": "alley", "characters": ["rosa"]}],
        "characters": [{"id": "rosa", "description": "a robot"}],
    }
    shown = await bring(studio, project, data, dry_run=True)
    slug = project.rsplit("/", 1)[-1]
    expected = [("UPDATE", slug), ("CREATE", "rosa"), ("UPDATE", "pier"), ("RESTORE", "quay"), ("CREATE", "alley")]
    assert said(shown) == expected
    (title,) = shown.changes[2].differences
    assert (title.field, title.before_json, title.after_json) == ("title", '"Pier"', '"The pier"')
    assert (shown.created, shown.updated, shown.restored, shown.applied) == (2, 2, 1, False)
    assert journal(daemon.home, project) == before
    done = await bring(studio, project, data, plan_digest=shown.digest)
    assert (said(done), done.digest, done.applied) == (expected, shown.digest, True)
    kinds = [(kind, subject.rsplit("/", 1)[-1]) for _, kind, subject in journal(daemon.home, project)[len(before) :]]
    assert kinds == [
        ("project.updated", slug),
        ("character.created", "rosa"),
        ("scene.updated", "pier"),
        ("scene.undeleted", "quay"),
        ("scene.created", "alley"),
    ]
    with pytest.raises(errors.PlanStale) as stale:
        await bring(studio, project, data, plan_digest=shown.digest)
    assert stale.value.field == "plan_digest"


async def test_j03_merge_changes_only_what_is_named(studio: Studio) -> None:
    """Fields that the document leaves out stay, items that it leaves out stay; a list is replaced as a whole."""
    project = await world(studio)
    looks = [{"look_id": "suit", "description": "in a suit"}]
    await bring(studio, project, {"characters": [{"id": "mara", "looks": looks}]})
    mara = await CHARACTER.call(studio.session, "Get", name=f"{project}/characters/mara")
    assert (mara.description, mara.profile, len(mara.references)) == ("a woman", "A diver.", 2)
    assert [look.look_id for look in mara.looks] == ["suit"]


async def test_j03_replace_clears_and_throws_away(studio: Studio) -> None:
    """A section becomes what the document says; sections that it lacks, places and names of secrets stay."""
    project = await world(studio)
    data = {"scenes": [{"id": "quay", "title": "Quay 9"}], "provider_accounts": [{"id": "paid", "provider": "openai"}]}
    done = await bring(studio, project, data, mode=REPLACE)
    assert said(done) == [("UPDATE", "quay"), ("DELETE", "pier")]
    assert [scene.title for scene in await SCENE.listed(studio.session, project)] == ["Quay 9"]
    assert (await SCENE.call(studio.session, "Get", name=f"{project}/scenes/quay")).ordinal == 2
    account = await ACCOUNT.call(studio.session, "Get", name=f"{project}/providerAccounts/paid")
    assert dict(account.secret_names) == {"api_key": "openai-main"}
    assert len(await CHARACTER.listed(studio.session, project)) == 1
    bare = {"characters": [{"id": "mara", "description": "a woman"}]}
    await bring(studio, project, bare, mode=REPLACE)
    mara = await CHARACTER.call(studio.session, "Get", name=f"{project}/characters/mara")
    assert (mara.profile, list(mara.looks), mara.reference_set) == ("", [], "")


@pytest.mark.parametrize(
    ("section", "change", "field", "error"),
    [
        ("characters", {"looks": [{"look_id": "A"}]}, "characters[73].looks[0].look_id", errors.FieldInvalid),
        ("characters", {"loras": [{"model": "models/none"}]}, "characters[73].loras[0].model", errors.ModelNotFound),
        ("characters", {"reference_set": "none"}, "characters[73].reference_set", errors.ResourceNotFound),
        ("characters", {"references": ["none"]}, "characters[73].references[0]", errors.ResourceNotFound),
        ("characters", {"hair": "red"}, "characters[73].hair", errors.FieldInvalid),
        ("scenes", {"characters": ["nobody"]}, "scenes[73].characters[0]", errors.ResourceNotFound),
        ("scenes", {"looks": {"c1": "coat"}}, "scenes[73].looks.c1", errors.FieldInvalid),
        ("scenes", {"variables": {"Time": "x"}}, "scenes[73].variables.Time", errors.FieldInvalid),
        ("prompt_templates", {"text": "{what}"}, "prompt_templates[73].text", errors.TemplateVariableUnknown),
        ("prompt_templates", {"stage": "stages/x"}, "prompt_templates[73].stage", errors.StageUnknown),
        (
            "provider_accounts",
            {"secret_names": {"api_key": "sk-0123456789"}},
            "provider_accounts[73].secret_names.api_key",
            errors.FieldInvalid,
        ),
    ],
)
async def test_j03_one_bad_field_in_a_hundred_applies_nothing(
    studio: Studio, daemon: Daemon, section: str, change: dict[str, Any], field: str, error: type[errors.BullpenError]
) -> None:
    """The error has the path of the field; the project is as it was, down to its journal."""
    project = await studio.project()
    needed: dict[str, dict[str, Any]] = {
        "prompt_templates": {"text": "Draw."},
        "provider_accounts": {"provider": "openai", "secret_names": {"api_key": "main"}},
    }
    items: list[dict[str, Any]] = [{"id": f"c{number}", **needed.get(section, {})} for number in range(100)]
    items[73].update(change)
    before = journal(daemon.home, project)
    for dry_run in (True, False):
        with pytest.raises(error) as refused:
            await bring(studio, project, {"project": {"title": "New"}, section: items}, dry_run=dry_run)
        assert refused.value.field == f"document.{field}"
        assert refused.value.remedy
    assert journal(daemon.home, project) == before
    assert not await CHARACTER.listed(studio.session, project, show_deleted=True)


async def test_j03_provider_stays(studio: Studio) -> None:
    """A fixed field that the document would change is refused by its path."""
    project = await world(studio)
    data = {"provider_accounts": [{"id": "paid", "provider": "photoroom"}]}
    with pytest.raises(errors.FieldInvalid) as refused:
        await bring(studio, project, data)
    assert refused.value.field == "document.provider_accounts[0].provider"
