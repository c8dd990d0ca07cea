"""Moving through the studio by keys."""

from __future__ import annotations

import pytest
from bullpen_tui.actions import actions_for
from bullpen_tui.screens.keys import KeysDialog
from bullpen_tui.widgets.chrome import FilterLine
from bullpen_tui.widgets.rows import RowTable
from textual.command import CommandPalette
from textual.widgets import Input

from tests.tui import story
from tests.tui.driving import live_run, studio
from tests.tui.fake import FakeDaemon

PLACES = {
    "1": "projects",
    "2": "runs",
    "3": "assets",
    "5": "instructions",
    "6": "metrics",
    "7": "models",
    "8": "quality",
    "0": "settings",
    "U": "universe",
    "C": "costs",
    "L": "logs",
}


@pytest.mark.parametrize(("key", "place"), PLACES.items())
async def test_digits_go_to_places_and_escape_comes_back(key: str, place: str) -> None:
    """Every place is one key away, and escape leads to the projects again."""
    async with studio() as at:
        await at.go(key, place)
        await at.press("escape")
        await at.until(lambda: at.place == "projects")


@pytest.mark.parametrize("size", [(80, 24), (60, 16), (160, 50)])
async def test_every_place_draws_at_every_size(size: tuple[int, int]) -> None:
    """Nothing fails on a small or large terminal, and the footer keeps the help."""
    async with studio(size=size) as at:
        for key, place in PLACES.items():
            await at.go(key, place)
            await at.pilot.pause()
            lines = at.screen_text().splitlines()
            assert len(lines) == size[1]
            assert "? keys" in lines[-1]
            assert "BULLPEN" in lines[0]


async def test_the_first_line_tells_host_state_and_queue() -> None:
    """Host, version, load and queue are in view everywhere."""
    async with studio(size=(160, 50)) as at:
        first = at.screen_text().splitlines()[0]
        for word in ("gpu-box", "●", "0.1.0", "cpu", "queue 4", "1 Projects", "0 Settings"):
            assert word in first


async def test_resizing_keeps_place_and_cursor() -> None:
    """A smaller terminal shows the same thing in less room."""
    async with live_run() as at:
        await at.press("G")
        at_row = at.app.screen.query_one("#jobs", RowTable).cursor_key
        await at.pilot.resize_terminal(80, 24)
        await at.pilot.pause()
        assert at.app.screen.query_one("#jobs", RowTable).cursor_key == at_row
        assert "Lightho" in at.screen_text()


async def test_help_lists_the_live_keys() -> None:
    """Every key of the screen in words: its own first, then places and what works everywhere, the rest apart."""
    async with live_run(size=(120, 70)) as at:
        await at.press("question_mark")
        await at.until(lambda: isinstance(at.app.screen, KeysDialog))
        text = at.screen_text()
        for action in actions_for("run"):
            assert (action.label if action.to else action.help) in text
        heads = ("What you can do here", "What is shown", "Other places", "Everywhere", "Not at the moment")
        assert sorted(heads, key=text.index) == list(heads)
        assert text.index("Stop the run within one step") < text.index("Other places")
        assert text.index("Not at the moment") < text.index("Start a run from what failed")
        await at.press("escape")
        await at.until(lambda: at.place == "run")


async def test_help_has_no_internal_names_until_they_are_asked_for() -> None:
    """A person reads words; n shows the names that the file of chosen keys needs, and hides them again."""
    async with live_run(size=(120, 70)) as at:
        await at.press("question_mark")
        await at.until(lambda: "What you can do here" in at.screen_text())
        assert not any(one.id in at.screen_text() for one in actions_for("run") if "_" in one.id)
        await at.press("n")
        await at.until(lambda: "go_instructions" in at.screen_text() and "cancel_run" in at.screen_text())
        await at.press("n")
        await at.until(lambda: "go_instructions" not in at.screen_text())


async def test_help_on_a_small_terminal_begins_with_the_screens_own_keys() -> None:
    """At 80×24 the first lines are those of the screen, and j shows the rest."""
    async with studio(size=(80, 24)) as at:
        await at.go("U", "universe")
        await at.press("question_mark")
        await at.until(lambda: "What you can do here" in at.screen_text().splitlines()[1])
        assert "Leave the studio" not in at.screen_text()
        await at.press(*["j"] * 30)
        await at.until(lambda: "Leave the studio" in at.screen_text())


async def test_the_palette_goes_to_a_run_by_name() -> None:
    """Ctrl+p finds actions, projects and runs by their words."""
    async with studio() as at:
        await at.go("2", "runs")
        await at.until(lambda: at.app.snapshot.runs)
        await at.press("ctrl+p")
        await at.until(lambda: isinstance(at.app.screen, CommandPalette) and isinstance(at.app.focused, Input))
        await at.type("0001-style")
        await at.until(lambda: "Run r-0001-style" in at.screen_text() and "Run r-0003" not in at.screen_text())
        await at.press("enter")
        await at.until(lambda: at.place == "run")
        assert at.fake.asked("jobs")[-1] == (story.STYLE_RUN,)


async def test_filter_narrows_and_escape_shows_all() -> None:
    """Letters narrow the list, enter keeps the filter, escape drops it before it goes back."""
    async with studio() as at:
        await at.go("2", "runs")
        await at.until(lambda: at.app.snapshot.runs)
        table = at.app.screen.query_one("#runs", RowTable)
        await at.press("slash")
        await at.type("weather")
        assert [row.key for row in table.rows] == [story.FAILED_RUN]
        await at.press("enter")
        assert table.has_focus
        await at.press("escape")
        await at.until(lambda: len(table.rows) == 3)
        assert at.place == "runs"


async def test_a_filter_without_matches_says_how_to_leave() -> None:
    """An empty list is explained."""
    async with studio() as at:
        await at.go("2", "runs")
        await at.until(lambda: at.app.snapshot.runs)
        await at.press("slash")
        await at.type("zebra")
        assert "Press esc to see all" in at.screen_text()


async def test_letters_in_a_field_are_letters() -> None:
    """While a text field has the focus no single key does anything else."""
    async with studio() as at:
        await at.go("2", "runs")
        await at.until(lambda: at.app.snapshot.runs)
        before = len(at.fake.calls)
        await at.press("slash")
        await at.type("qjkgrnXRl1230?")
        assert at.app.screen.query_one(FilterLine).value == "qjkgrnXRl1230?"
        assert at.place == "runs"
        assert at.app.is_running
        assert len([call for call in at.fake.calls[before:] if call[0] not in ("residents",)]) == 0


async def test_moving_by_letters() -> None:
    """j, k, g and G move as in every pager."""
    async with live_run() as at:
        table = at.app.screen.query_one("#jobs", RowTable)
        await at.press("g")
        assert table.cursor_key == f"{story.TIME_RUN}/jobs/1"
        await at.press("j", "j", "k")
        assert table.cursor_key == f"{story.TIME_RUN}/jobs/2"
        await at.press("G")
        assert table.cursor_key == f"{story.TIME_RUN}/jobs/6"


async def test_an_empty_home_says_what_to_press() -> None:
    """Every screen of an empty home names the next key."""
    async with studio(FakeDaemon(empty=True)) as at:
        await at.until(lambda: at.place == "welcome")
        await at.until(lambda: "n  makes a universe" in at.screen_text())
        assert "models/old-paint is damaged. Install the model again." in at.screen_text()
        assert "Starter edit" in at.screen_text()
        await at.press("escape")
        await at.until(lambda: "n makes a new one" in at.screen_text())
        await at.go("2", "runs")
        assert "1 goes to the projects" in at.screen_text()
        await at.go("3", "assets")
        assert "No picture yet" in at.screen_text()


async def test_the_first_project_is_made_from_the_welcome() -> None:
    """A new home begins with what it has; n makes the first project and goes to it."""
    async with studio(FakeDaemon(empty=True), size=(80, 24)) as at:
        await at.until(lambda: at.place == "welcome")
        await at.press("n")
        await at.until(lambda: at.place == "NewProjectDialog")
        await at.type("Noir")
        await at.press("enter", "enter", "enter")
        await at.until(lambda: at.place == "projects" and at.app.project == "projects/noir")


async def test_a_wanted_project_is_chosen() -> None:
    """`bullpen --project` begins on that project."""
    async with studio(project="harbor_lights") as at:
        assert at.app.project == story.PROJECT


async def test_theme_changes_and_states_stay_readable() -> None:
    """Paper and ink show the same words."""
    async with studio() as at:
        await at.until(lambda: at.app.snapshot.scenes and at.app.snapshot.runs and len(at.app.pictures), "the strip")
        await at.until(lambda: not any(one.group.startswith("picture ") for one in at.app.workers), "all pictures")
        await at.pilot.pause()
        ink = at.screen_text()
        at.app.action_toggle_theme()
        await at.pilot.pause()
        assert at.app.theme == "bullpen-paper"
        assert at.screen_text() == ink


async def test_without_colour_everything_is_still_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR no cell has a hue, and states are told by their marks."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with live_run() as at:
        text = at.screen_text()
        assert "● running" in text
        assert "✗ chroma" in text
        assert at.app.no_color


async def test_leaving_lets_the_daemon_go_on() -> None:
    """Q closes the connection and calls nothing that would stop the daemon."""
    fake = FakeDaemon()
    async with studio(fake) as at:
        await at.press("q")
        await at.until(lambda: fake.closed)
    assert at.app.return_value == 0
    assert not [call for call in fake.calls if "shutdown" in str(call[0])]


async def test_new_project_by_keys() -> None:
    """Title, name and story are typed; the slug follows the title."""
    async with studio() as at:
        await at.press("n")
        await at.until(lambda: at.place == "NewProjectDialog")
        await at.type("Noir City")
        assert at.app.screen.query_one("#slug", Input).value == "noir_city"
        await at.press("enter", "enter")
        await at.type("rain")
        await at.press("enter")
        await at.until(lambda: "projects/noir_city" in at.app.snapshot.projects)
        assert at.fake.asked("create_project") == [("noir_city", "Noir City", "rain")]
        await at.until(lambda: at.app.screen.query_one("#projects", RowTable).cursor_key == "projects/noir_city")


async def test_a_bad_name_is_explained_in_the_dialog() -> None:
    """Nothing is sent that cannot be a name."""
    async with studio() as at:
        await at.press("n")
        await at.until(lambda: at.place == "NewProjectDialog")
        await at.press("tab")
        await at.type("9 lives")
        await at.press("enter", "enter")
        assert at.place == "NewProjectDialog"
        assert "The name needs" in at.words("#problem")
        await at.press("escape", "escape")
        await at.until(lambda: at.place == "projects")
        assert not at.fake.asked("create_project")
