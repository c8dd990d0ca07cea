"""A new user with a real daemon, keys alone, 80×24: a universe, its pictures, its bible, a run, a decision."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2, bible_pb2, model_pb2, run_pb2
from bullpen_client import Session, errors
from bullpen_tui.app import StudioApp
from bullpen_tui.bible.kinds import CHARACTERS, KINDS
from bullpen_tui.port import Daemon as Port
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.session import Dialled
from textual.pilot import Pilot

from tests.support.daemon import Daemon
from tests.support.studio import Studio
from tests.tui import story

pytestmark = pytest.mark.e2e
SOURCE = asset_pb2.Asset.KIND_SOURCE
PATIENCE = 90.0
"""Seconds after which a fact will not come any more."""


class Hands:
    """Somebody at the keyboard, who looks before pressing the next key."""

    def __init__(self, pilot: Pilot[int], app: StudioApp) -> None:
        self.pilot = pilot
        self.app = app

    @property
    def place(self) -> str:
        screen = self.app.screen
        return screen.place if isinstance(screen, StudioScreen) else type(screen).__name__

    async def see(self, fact: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not fact():
                await self.pilot.pause(0.02)
        await self.pilot.pause()

    async def press(self, *keys: str, at: str = "") -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()
        if at:
            await self.see(lambda: self.place == at)

    async def type(self, text: str) -> None:
        signs = {" ": "space", "/": "slash", "-": "minus", "_": "underscore", ".": "full_stop", "=": "equals_sign"}
        await self.press(*(signs.get(sign, sign) for sign in text))


@asynccontextmanager
async def seated(session: Session) -> AsyncIterator[Hands]:
    async def dial() -> Port:
        return Dialled(session)

    app = StudioApp(dial, graphics="none")
    async with app.run_test(size=(80, 24)) as pilot:
        hands = Hands(pilot, app)
        await hands.see(lambda: app.listed)
        yield hands


async def test_j01_j02_j04_j05_by_keys_alone(daemon: Daemon, tmp_path: Path) -> None:
    """From the projects to an accepted picture without leaving the studio."""
    folder = tmp_path / "p"
    folder.mkdir()
    for number, name in enumerate(("pier", "market")):
        (folder / f"{name}.png").write_bytes(story.png(number))
    async with Session(daemon.home) as session, seated(session) as at:
        await at.press("1", at="projects")
        await at.press("n", at="NewProjectDialog")
        await at.type("Noir Town")
        await at.press("enter", "enter")
        await at.type("rain")
        await at.press("enter")
        await at.see(lambda: at.app.project == "projects/noir_town" and at.place == "projects")

        await at.press("U", at="universe")
        await at.press("i", at="BringDialog")
        await at.type(str(folder))
        await at.press("enter")
        await at.see(lambda: len(at.app.snapshot.scenes_of("projects/noir_town")) == 2)
        await at.press("right_square_bracket", "right_square_bracket")
        await at.press("n", at="entry")
        await at.type("House")
        await at.press("enter", "enter", "tab")
        await at.type("style=noir")
        await at.press("f5", at="universe")
        await at.see(lambda: at.app.snapshot.style_guides_of("projects/noir_town"))

        await at.press("r", at="compose")
        await at.see(
            lambda: at.app.screen.check_action("run_plan", ()) and not getattr(at.app.screen, "_planning", True)
        )
        await at.press("f5", at="run")
        await at.see(lambda: any(run.state == run_pb2.Run.STATE_SUCCEEDED for run in at.app.snapshot.runs.values()))
        await at.see(lambda: any(one.accepted for one in at.app.snapshot.candidates.values()))

        await at.press("g", "v", at="review")
        await at.see(lambda: at.app.screen.check_action("override", ()))
        await at.press("l")
        await at.press("o", at="ReasonDialog")
        await at.type("warmer")
        await at.press("enter")
        await at.see(lambda: any(one.accept_reason == "warmer" for one in at.app.snapshot.candidates.values()))


async def test_every_kind_is_written_changed_and_put_away(studio: Studio, tmp_path: Path) -> None:
    """The studio's calls against a real daemon: create, change by mask, refusal of an old etag, trash and back."""
    project = await studio.project()
    port = Dialled(studio.session)
    (tmp_path / "a.png").write_bytes(story.png(3))
    picture = await port.take_picture(project, tmp_path / "a.png", SOURCE)
    assert (await port.take_picture(project, tmp_path / "a.png", SOURCE)).name == picture.name, "known by its content"
    for kind in KINDS:
        entry = kind.message(title="One")
        if isinstance(entry, bible_pb2.ReferenceSet):
            entry.purpose = bible_pb2.ReferenceSet.PURPOSE_CHARACTER
            entry.items.add(asset=picture.name)
        if isinstance(entry, bible_pb2.PromptTemplate):
            entry.text = "words"
        if isinstance(entry, bible_pb2.Scene):
            entry.source_asset = picture.name
        if isinstance(entry, bible_pb2.ProviderAccount):
            entry.provider, entry.base_url = bible_pb2.ProviderAccount.PROVIDER_COMFYUI, "http://127.0.0.1:8188"
        made = await port.create_entry(kind, project, "one", entry, f"make-{kind.singular}")
        old = made.etag
        made.title = "Two"
        assert (await port.update_entry(made, ["title"])).title == "Two"
        made.etag = old
        with pytest.raises(errors.EtagMismatch):
            await port.update_entry(made, ["title"])
        await port.trash(made.name)
        assert (await port.entry(made.name)).HasField("delete_time")
        assert [one.name for one in await port.trashed(project)] == [made.name]
        await port.restore(made.name)
        assert not (await port.entry(made.name)).HasField("delete_time")


async def test_keys_devices_and_advice_are_asked_of_the_daemon(studio: Studio) -> None:
    """The vault tells names alone; the last device is not switched off in passing; advice about no run is refused."""
    project = await studio.project()
    port = Dialled(studio.session)
    assert (await port.set_secret("secrets/openai-main", "sk-0123456789")).version == 1
    secrets = await port.secrets()
    assert [one.name for one in secrets.secrets] == ["secrets/openai-main"]
    assert "sk-0123456789" not in str(secrets) + str(await port.vault())
    device = (await port.devices()).devices[0]
    assert device.use == model_pb2.Device.USE_ALL
    with pytest.raises(errors.StateConflict):
        await port.switch_device(device.name, model_pb2.Device.USE_NONE, False, False)
    off = await port.switch_device(device.name, model_pb2.Device.USE_NONE, True, True)
    assert off.use == model_pb2.Device.USE_NONE
    assert (await port.switch_device(device.name, model_pb2.Device.USE_ALL, False, False)).use == device.use
    with pytest.raises(errors.ResourceNotFound):
        await port.advise(f"{project}/runs/none")
    with pytest.raises(errors.ResourceNotFound):
        await port.place_run(f"{project}/runs/none", device.name, False)


async def test_an_error_of_the_daemon_names_a_field_of_the_form(studio: Studio) -> None:
    """The path that the daemon gives leads to the field that a person sees."""
    project = await studio.project()
    entry = bible_pb2.Character(title="Mara", looks=[bible_pb2.Look(look_id="Coat")])
    with pytest.raises(errors.FieldInvalid) as refused:
        await Dialled(studio.session).create_entry(CHARACTERS, project, "mara", entry, "bad-look")
    field = CHARACTERS.field(refused.value.field)
    assert field is not None
    assert field.label == "looks"


async def test_a_bible_goes_out_and_comes_in(studio: Studio) -> None:
    """The document changes nothing; one that was written changes what was shown, and only with its digest."""
    project = await studio.project()
    port = Dialled(studio.session)
    whole = await port.export_bootstrap(project)
    assert whole.prompt
    assert not (await port.import_bootstrap(project, whole.document_json, False, "")).changes
    answer = '{"schema_version": 1, "characters": [{"id": "otto", "title": "Otto"}]}'
    seen = await port.import_bootstrap(project, answer, False, "")
    assert (seen.created, seen.applied) == (1, False)
    assert (await port.import_bootstrap(project, answer, False, seen.digest)).applied
    assert (await port.entry(f"{project}/characters/otto")).title == "Otto"
