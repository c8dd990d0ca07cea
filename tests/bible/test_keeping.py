"""What holds for every kind of the bible: masks, etags, the trash, pages, request ids, and an event for each change."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import bible_pb2 as pb
from bullpen_api.v1 import event_pb2
from bullpen_client import errors

from tests.bible.desk import ACCOUNT, CHARACTER, SCENE, SET, SORTS, STYLE, TEMPLATE, Sort
from tests.support.daemon import Daemon
from tests.support.studio import Studio
from tests.support.watching import check_watch

pytestmark = pytest.mark.e2e
every = pytest.mark.parametrize("sort", SORTS, ids=str)


@every
async def test_a_life_in_events(studio: Studio, daemon: Daemon, sort: Sort) -> None:
    """Create, update, delete and undelete each give one event with the whole resource, and Get says the same."""
    session, project = studio.session, await studio.project()
    made = await sort.create(session, project, "one")
    assert made.name == f"{project}/{sort.collection}/one"
    assert made.title == "One"
    changed = await sort.update(session, type(made)(name=made.name, title="Other", etag=made.etag), "title")
    deleted = await sort.call(session, "Delete", name=made.name, etag=changed.etag)
    back = await sort.call(session, "Undelete", name=made.name, etag=deleted.etag)
    states = [made, changed, deleted, back]
    assert [state.HasField("delete_time") for state in states] == [False, False, True, False]
    assert len({state.etag for state in states}) == 4
    assert changed.description == made.description
    assert changed.update_time.ToNanoseconds() > made.update_time.ToNanoseconds()
    assert back == await sort.call(session, "Get", name=made.name)
    watched = await check_watch(session, daemon.home, project)
    events = [event for event in watched.events if event.subject == made.name]
    kinds = [f"{sort.singular}.{what}" for what in ("created", "updated", "deleted", "undeleted")]
    assert [event.kind for event in events] == kinds
    assert [getattr(event, sort.singular) for event in events] == states
    assert [event.revision for event in events] == [state.revision for state in states]


@every
async def test_the_trash_hides_and_keeps(studio: Studio, sort: Sort) -> None:
    """What is in the trash is in no list but one that asks for it, cannot be changed, and keeps its id."""
    session, project = studio.session, await studio.project()
    one, two = [await sort.create(session, project, slug) for slug in ("one", "two")]
    await sort.call(session, "Delete", name=one.name)
    assert [item.name for item in await sort.listed(session, project)] == [two.name]
    assert [item.name for item in await sort.listed(session, project, show_deleted=True)] == [one.name, two.name]
    with pytest.raises(errors.StateConflict) as refused:
        await sort.update(session, type(one)(name=one.name, title="New"), "title")
    assert refused.value.field == f"{sort.singular}.name"
    with pytest.raises(errors.AlreadyExists) as taken:
        await sort.create(session, project, "one")
    assert "trash" in taken.value.message
    assert taken.value.field == f"{sort.singular}_id"


@every
async def test_moving_twice_changes_nothing(studio: Studio, sort: Sort) -> None:
    """Deleting what is in the trash, also with the etag of before, and undeleting what is not, give what there is."""
    session, project = studio.session, await studio.project()
    made = await sort.create(session, project, "one")
    same = await sort.call(session, "Undelete", name=made.name)
    assert same == made
    deleted = await sort.call(session, "Delete", name=made.name, etag=made.etag)
    assert await sort.call(session, "Delete", name=made.name, etag=made.etag) == deleted


@every
async def test_stale_etag_is_refused(studio: Studio, sort: Sort) -> None:
    """A change that was made from an older reading is refused, and changes nothing."""
    session, project = studio.session, await studio.project()
    made = await sort.create(session, project, "one")
    changed = await sort.update(session, type(made)(name=made.name, title="Theirs"), "title")
    with pytest.raises(errors.EtagMismatch) as refused:
        await sort.update(session, type(made)(name=made.name, title="Mine", etag=made.etag), "title")
    assert refused.value.field == f"{sort.singular}.etag"
    for verb, name in (("Delete", made.name), ("Undelete", made.name)):
        if verb == "Undelete":
            changed = await sort.call(session, "Delete", name=name)
        with pytest.raises(errors.EtagMismatch):
            await sort.call(session, verb, name=name, etag=made.etag)
    assert (await sort.call(session, "Get", name=made.name)) == changed


@every
async def test_change_that_changes_nothing_is_no_event(studio: Studio, sort: Sort) -> None:
    """Writing what is there already keeps revision, etag and time."""
    session, project = studio.session, await studio.project()
    made = await sort.create(session, project, "one")
    assert await sort.update(session, made, "*") == made
    assert await sort.update(session, made) == made
    assert await sort.update(session, type(made)(name=made.name)) == made


@every
async def test_bad_masks_are_refused(studio: Studio, sort: Sort) -> None:
    """A mask that names what is not there, or what the daemon sets, is refused as `update_mask`."""
    session, project = studio.session, await studio.project()
    made = await sort.create(session, project, "one")
    for path in ("nonsense", "etag", "name", "create_time", "title.x", ""):
        with pytest.raises(errors.FieldInvalid) as refused:
            await sort.update(session, made, path)
        assert refused.value.field == "update_mask", path
    with pytest.raises(errors.FieldInvalid):
        await sort.update(session, made, "*", "title")


@every
async def test_pages_give_the_whole_list(studio: Studio, sort: Sort) -> None:
    """Pages of one give the list once; a token of the list with the trash is not one of the list without."""
    session, project = studio.session, await studio.project()
    made = [(await sort.create(session, project, slug)).name for slug in ("a", "b", "c")]
    found, token = [], ""
    while True:
        page = await sort.call(session, "List", parent=project, page_size=1, page_token=token)
        found += [item.name for item in getattr(page, f"{sort.singular}s")]
        token = page.next_page_token
        if not token:
            break
        kept = token
    assert found == made
    assert page.revision > 0
    with pytest.raises(errors.PageTokenInvalid):
        await sort.call(session, "List", parent=project, page_token=kept, show_deleted=True)


@every
async def test_repeated_create_gives_the_first(studio: Studio, sort: Sort) -> None:
    """The same request_id makes one resource; another request under it is refused."""
    session, project = studio.session, await studio.project()
    rid = f"{project}-{sort}"
    first = await sort.create(session, project, "one", request_id=rid)
    assert await sort.create(session, project, "one", request_id=rid) == first
    with pytest.raises(errors.RequestIdReused):
        await sort.create(session, project, "two", request_id=rid)


@every
async def test_nothing_is_found_by_the_wrong_name(studio: Studio, sort: Sort) -> None:
    """An unknown id, an unknown project and another kind's name are three different errors."""
    session, project = studio.session, await studio.project()
    for verb in ("Get", "Delete", "Undelete"):
        with pytest.raises(errors.ResourceNotFound):
            await sort.call(session, verb, name=f"{project}/{sort.collection}/none")
        with pytest.raises(errors.ProjectNotFound):
            await sort.call(session, verb, name=f"projects/none/{sort.collection}/one")
        with pytest.raises(errors.FieldInvalid):
            await sort.call(session, verb, name=f"{project}/runs/one")
    with pytest.raises(errors.ResourceNotFound) as refused:
        await sort.update(session, type(sort.example())(name=f"{project}/{sort.collection}/none"), "title")
    assert refused.value.field == f"{sort.singular}.name"


async def test_entries_of_maps_are_changed_alone(studio: Studio) -> None:
    """`variables.time` sets or removes one value and leaves its neighbours."""
    session, project = studio.session, await studio.project()
    scene = await SCENE.create(session, project, "pier", pb.Scene(variables={"time": "dusk", "weather": "rain"}))
    given = pb.Scene(name=scene.name, variables={"time": "dawn"})
    changed = await SCENE.update(session, given, "variables.time", "variables.weather")
    assert dict(changed.variables) == {"time": "dawn"}
    guide = await STYLE.create(session, project, "ink", pb.StyleGuide(variables={"style": "ink", "paper": "cream"}))
    changed = await STYLE.update(
        session, pb.StyleGuide(name=guide.name, variables={"style": "noir"}), "variables.style"
    )
    assert dict(changed.variables) == {"style": "noir", "paper": "cream"}


async def test_lists_are_filtered(studio: Studio) -> None:
    """Scenes by character, sets by purpose, templates by stage, accounts by provider."""
    session, project = studio.session, await studio.project()
    mara = await CHARACTER.create(session, project, "mara")
    await SCENE.create(session, project, "empty")
    await SCENE.create(session, project, "with", pb.Scene(characters=[mara.name]))
    assert [scene.title for scene in await SCENE.listed(session, project, character=mara.name)] == ["With"]
    await SET.create(session, project, "pier")
    await SET.create(session, project, "mara", pb.ReferenceSet(purpose=pb.ReferenceSet.PURPOSE_CHARACTER))
    found = await SET.listed(session, project, purpose=pb.ReferenceSet.PURPOSE_CHARACTER)
    assert [item.title for item in found] == ["Mara"]
    await TEMPLATE.create(session, project, "any")
    await TEMPLATE.create(session, project, "styled", pb.PromptTemplate(text="In {style}.", stage="stages/style"))
    assert [item.title for item in await TEMPLATE.listed(session, project, stage="stages/style")] == ["Styled"]
    await ACCOUNT.create(session, project, "paid")
    comfy = pb.ProviderAccount(provider=pb.ProviderAccount.PROVIDER_COMFYUI, base_url="http://127.0.0.1:8188")
    await ACCOUNT.create(session, project, "comfy", comfy)
    found = await ACCOUNT.listed(session, project, provider=pb.ProviderAccount.PROVIDER_COMFYUI)
    assert [item.title for item in found] == ["Comfy"]
    with pytest.raises(errors.FieldInvalid) as refused:
        await ACCOUNT.listed(session, project, provider=99)
    assert refused.value.field == "provider"


async def test_provider_of_an_account_stays(studio: Studio) -> None:
    """A fixed field is named by the error; `*` leaves it as it is."""
    session, project = studio.session, await studio.project()
    made = await ACCOUNT.create(session, project, "paid")
    other = pb.ProviderAccount()
    other.CopyFrom(made)
    other.provider, other.title = pb.ProviderAccount.PROVIDER_PHOTOROOM, "Renamed"
    with pytest.raises(errors.FieldInvalid) as refused:
        await ACCOUNT.update(session, other, "provider")
    assert refused.value.field == "update_mask"
    changed = await ACCOUNT.update(session, other, "*")
    assert (changed.title, changed.provider) == ("Renamed", pb.ProviderAccount.PROVIDER_OPENAI)


async def test_secret_that_was_pasted_is_found_nowhere(studio: Studio, daemon: Daemon) -> None:
    """A key in place of a secret's name is refused, and neither error, database nor log has it afterwards."""
    session, project = studio.session, await studio.project()
    secret = "sk-proj-0123456789abcdefghijklmn"
    for account in (
        pb.ProviderAccount(provider=pb.ProviderAccount.PROVIDER_OPENAI, secret_names={"api_key": secret}),
        pb.ProviderAccount(
            provider=pb.ProviderAccount.PROVIDER_COMFYUI, base_url=f"https://user:{secret}@pictures.example/v1"
        ),
        pb.ProviderAccount(
            provider=pb.ProviderAccount.PROVIDER_COMFYUI, base_url=f"https://pictures.example/v1?key={secret}"
        ),
    ):
        with pytest.raises(errors.FieldInvalid) as refused:
            await ACCOUNT.create(session, project, "leak", account, request_id=f"{project}-{account.base_url[:9]}")
        assert secret not in f"{refused.value.message} {refused.value.remedy} {refused.value.metadata}"
    kept = [path for path in daemon.home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert kept == []


async def test_new_kinds_travel_in_watches(studio: Studio) -> None:
    """A watcher gets the new payloads as what they are."""
    session, project = studio.session, await studio.project()
    made = await SET.create(session, project, "pier")
    event = await studio.event(made.name, 0, "reference_set.created")
    assert isinstance(event, event_pb2.Event)
    assert event.reference_set == made
