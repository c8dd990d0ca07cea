"""Words that were written into a window are not lost by one key, one refusal, or a daemon that is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from bullpen_client.errors import AlreadyExists, DaemonUnavailable
from textual.widgets import Input

from tests.tui.driving import Driver, studio
from tests.tui.fake import FakeDaemon

Opening = Callable[[Driver], Awaitable[None]]


async def new_project(at: Driver) -> None:
    await at.press("n")
    await at.until(lambda: at.place == "NewProjectDialog")


async def export(at: Driver) -> None:
    await at.press("e")
    await at.until(lambda: at.place == "ExportDialog")
    at.app.screen.query_one("#export-title").focus()


async def bring_out(at: Driver) -> None:
    await at.press("E")
    await at.until(lambda: at.place == "PathDialog")


async def bring_in(at: Driver) -> None:
    await at.go("U", "universe")
    await at.press("i")
    await at.until(lambda: at.place == "BringDialog")


async def tags(at: Driver) -> None:
    await at.go("3", "assets")
    await at.until(lambda: at.app.screen.check_action("edit_tags", ()))
    await at.press("e")
    await at.until(lambda: at.place == "LinesDialog")


@pytest.mark.parametrize("open_dialog", [new_project, export, bring_out, bring_in, tags])
async def test_esc_asks_before_it_throws_words_away(open_dialog: Opening) -> None:
    """The first esc says what another one does; words that came since are warned of anew; then it closes."""
    async with studio(size=(80, 24)) as at:
        before = at.place
        await open_dialog(at)
        dialog = at.place
        await at.type("noir")
        await at.press("escape")
        await at.until(lambda: "esc once more" in at.screen_text())
        assert at.place == dialog
        await at.type("x")
        await at.press("escape")
        assert at.place == dialog
        await at.press("escape")
        await at.until(lambda: at.place != dialog, before)


@pytest.mark.parametrize("open_dialog", [new_project, export, bring_out, bring_in, tags])
async def test_esc_closes_at_once_where_nothing_was_written(open_dialog: Opening) -> None:
    """A window that was opened by mistake is gone by one key, whatever stood in its fields before."""
    async with studio(size=(80, 24)) as at:
        await open_dialog(at)
        dialog = at.place
        await at.press("escape")
        await at.until(lambda: at.place != dialog)


async def test_a_refused_project_keeps_its_words_and_is_the_same_request_until_they_change() -> None:
    """A name that is taken, or a daemon that is away, is said in the window; sent again it is one request."""
    fake, ids = FakeDaemon(), []
    create = fake.create_project

    async def noted(slug: str, title: str, story: str, request_id: str) -> object:
        ids.append(request_id)
        return await create(slug, title, story, request_id)

    fake.create_project = noted  # type: ignore[method-assign, assignment]
    fake.refuse["create_project"] = DaemonUnavailable("The daemon is away.", remedy="Try again.")
    async with studio(fake, size=(80, 24)) as at:
        await new_project(at)
        await at.type("Noir City")
        await at.press("f5")
        await at.until(lambda: "The daemon is away. Try again." in at.words("#problem"))
        await at.press("f5")
        await at.until(lambda: len(ids) == 2)
        fake.refuse["create_project"] = AlreadyExists("There is a project noir_city.", remedy="Take another name.")
        await at.until(lambda: "away" in at.words("#problem"))
        at.app.screen.query_one("#slug", Input).value = "noir"
        await at.press("f5")
        await at.until(lambda: "Take another name" in at.words("#problem"))
        assert at.app.screen.query_one("#title", Input).value == "Noir City"
        fake.refuse.clear()
        await at.press("f5")
        await at.until(lambda: at.place == "projects" and "projects/noir" in at.app.snapshot.projects)
    assert ids[0] == ids[1] != ids[2] == ids[3]


async def test_the_studio_asks_before_it_ends_with_words_in_a_window() -> None:
    """Ctrl+q in a window with words asks; the words are still there after a no."""
    async with studio(size=(80, 24)) as at:
        await new_project(at)
        await at.type("Noir")
        await at.press("ctrl+q")
        await at.until(lambda: at.place == "ConfirmDialog")
        assert "What you wrote here is not kept yet." in at.screen_text()
        await at.press("n")
        await at.until(lambda: at.place == "NewProjectDialog")
        assert at.app.screen.query_one("#title", Input).value == "Noir"


async def test_a_pasted_answer_and_a_written_run_are_not_thrown_away_unasked() -> None:
    """Bootstrap and composer ask where a person wrote something, and go at once where nobody did."""
    async with studio(size=(80, 24)) as at:
        await at.go("U", "universe")
        for key, place, field in (("b", "bootstrap", "#answer"), ("r", "compose", "#instruction")):
            await at.go(key, place)
            await at.press("escape")
            await at.until(lambda: at.place == "universe")
            await at.go(key, place)
            at.app.screen.query_one(field).focus()
            await at.type("noir")
            await at.press("escape")
            await at.until(lambda: at.place == "ConfirmDialog")
            await at.press("n")
            await at.until(lambda place=place: at.place == place)  # type: ignore[misc]
            await at.press("escape")
            await at.until(lambda: at.place == "ConfirmDialog")
            await at.press("y")
            await at.until(lambda: at.place == "universe")


async def test_a_question_that_is_being_written_waits_while_one_looks_elsewhere() -> None:
    """The lines of copilot and lab stand there again after a visit to another place, and are written on in."""
    async with studio(size=(80, 24)) as at:
        for key, place, field in (("4", "copilot", "#ask"), ("9", "lab", "#prompt")):
            await at.go(key, place)
            at.app.screen.query_one(field).focus()
            await at.type("a pier")
            await at.press("escape")
            await at.go("1", "projects")
            await at.go(key, place)
            line = at.app.screen.query_one(field, Input)
            line.focus()
            await at.pilot.pause()
            await at.type("s")
            assert line.value == "a piers"
            await at.press("escape")


async def test_a_field_that_is_come_back_to_is_written_on_in() -> None:
    """Back in the title one letter is added to it; it does not take the place of all."""
    async with studio(size=(80, 24)) as at:
        await new_project(at)
        await at.type("Noir")
        await at.press("tab", "shift+tab")
        await at.type("s")
        assert at.app.screen.query_one("#title", Input).value == "Noirs"
