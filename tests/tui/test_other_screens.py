"""Projects, assets, metrics, models and settings."""

from __future__ import annotations

from bullpen_api.v1 import event_pb2
from bullpen_tui.widgets.filmstrip import Filmstrip
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.rows import RowTable

from tests.tui import story
from tests.tui.driving import studio


async def test_the_dashboard_tells_the_project() -> None:
    """Cards, stages and recent runs are there without a key."""
    async with studio(size=(140, 40)) as at:
        await at.until(lambda: "r-0002-time" in at.screen_text())
        text = at.screen_text()
        for word in ("Harbor Lights", "92 %", "31 m", "style ✓ 6/6", "time ◐ 2/6", "weather ◌", "Cost", "QA pass"):
            assert word in text


async def test_pictures_are_brought_out() -> None:
    """E asks for a folder of the daemon's machine, and says what lies there then and what could not be read."""
    async with studio(size=(160, 50)) as at:
        await at.press("E")
        await at.until(lambda: at.place == "PathDialog")
        await at.press("enter")
        await at.until(lambda: "Nothing was written" in at.words(".problem"))
        assert not at.fake.asked("sync_storage"), "this project has no bucket to take in its place"
        await at.type("/backup")
        await at.press("enter")
        await at.until(lambda: "12 pictures in /backup/harbor_lights, 11 copied now" in at.screen_text())
        assert at.fake.asked("sync_storage") == [(story.PROJECT, "/backup", False)]


async def test_old_figures_are_asked_for_again() -> None:
    """After an event of the project the dashboard reads its figures once more."""
    async with studio() as at:
        at.fake.say(at.fake.event(story.TIME_RUN, run=story.runs()[0]))
        await at.until(lambda: at.fake.asked("project") == [(story.PROJECT,)])
        await at.until(lambda: not at.app.snapshot.stale_projects)


async def test_figures_are_fresh_wherever_the_person_is() -> None:
    """A run that ends while its screen is open changes the figures of its project."""
    async with studio() as at:
        await at.go("2", "runs")
        at.fake._projects[story.PROJECT].figures.runs = 77
        at.fake.say(at.fake.event(story.TIME_RUN, run=story.runs()[0]))
        await at.until(lambda: at.app.snapshot.projects[story.PROJECT].figures.runs == 77)
        await at.go("1", "projects")
        await at.until(lambda: "77" in at.screen_text())


async def test_a_notice_goes_with_its_screen() -> None:
    """Words about one screen do not lie over the next."""
    async with studio() as at:
        at.app.notify("something [happened", timeout=60)
        await at.until(lambda: "something [happened" in at.screen_text())
        assert all(notice.timeout <= 3 for notice in at.app._notifications)
        await at.go("2", "runs")
        await at.until(lambda: not at.app._notifications)
        await at.until(lambda: "something" not in at.screen_text())


async def test_a_recent_run_is_opened_from_the_dashboard() -> None:
    """Tab goes to the runs, enter opens one."""
    async with studio() as at:
        await at.until(lambda: at.app.snapshot.runs)
        await at.press("tab")
        await at.until(lambda: at.app.screen.query_one("#recent", RowTable).has_focus)
        await at.go("enter", "run")


async def test_assets_show_picture_and_origin() -> None:
    """The picture under the cursor is beside the list with where it came from."""
    async with studio() as at:
        await at.go("3", "assets")
        picture = at.app.screen.query_one("#asset-picture", Picture)
        await at.until(lambda: picture.picture is not None)
        assert "scene   scene_01" in at.words("#asset-words")
        await at.press("G")
        await at.until(lambda: "CC0-1.0" in at.words("#asset-words"))


async def test_pictures_switched_off() -> None:
    """Without pictures everything else is there, and their size in words."""
    async with studio(graphics="none") as at:
        await at.go("3", "assets")
        await at.until(lambda: "128 × 128 pixels" in at.screen_text())
        assert "▀" not in at.screen_text()


async def test_metrics_show_the_machine_and_what_is_in_memory() -> None:
    """Figures, their past, and the models with expiry and reason."""
    async with studio(size=(140, 40)) as at:
        await at.go("6", "metrics")
        await at.until(lambda: "starter-edit" in at.screen_text())
        text = at.screen_text()
        for word in ("processor", "memory", "queue", "pictures a min", "4:31", "○ warm", "kept for 5 minutes"):
            assert word in text
        assert any(block in text for block in "▂▃▄▅▆▇")


async def test_plots_take_the_lines_that_there_are() -> None:
    """On a high terminal each is a small picture; after a change of size they are drawn anew at once."""
    async with studio(size=(160, 50)) as at:
        await at.go("6", "metrics")
        await at.until(lambda: "disk free" in at.screen_text())
        lines = at.screen_text().splitlines()
        rows = [number for number, line in enumerate(lines) if "processor" in line or "disk free" in line]
        assert rows[1] - rows[0] >= 10
        await at.pilot.resize_terminal(80, 24)
        await at.until(lambda: "disk free" in at.screen_text())
        lines = at.screen_text().splitlines()
        assert "memory" in lines[next(n for n, line in enumerate(lines) if "processor" in line) + 1]
        assert "Models in memory" in at.screen_text()


async def test_u_frees_a_model() -> None:
    """The model under the cursor is unloaded and the person is told."""
    async with studio() as at:
        await at.go("6", "metrics")
        await at.until(lambda: at.app.screen.query_one("#residents", RowTable).rows)
        await at.press("u")
        await at.until(lambda: at.fake.asked("unload") == [("models/starter-edit",)])
        await at.until(lambda: "taken out of memory" in at.screen_text())


async def test_models_tell_problem_and_device_reason() -> None:
    """A damaged model says what is wrong; the device says why it was chosen."""
    async with studio(size=(140, 40)) as at:
        await at.go("7", "models")
        await at.until(lambda: "Old paint" in at.screen_text())
        assert "No CUDA device" in at.words("#device-words")
        await at.press("j")
        await at.until(lambda: "12 bytes short" in at.words("#model-words"))
        await at.press("tab")
        assert at.app.screen.query_one("#devices", RowTable).has_focus


async def test_settings_tell_their_source() -> None:
    """Value, source and meaning of the setting under the cursor."""
    async with studio() as at:
        await at.go("0", "settings")
        await at.until(lambda: "settings/daemon.toml" in at.screen_text())
        await at.press("G")
        await at.until(lambda: "How much is logged" in at.words("#setting-words"))


async def test_unknown_kinds_of_events_are_harmless() -> None:
    """A newer daemon may tell what this studio does not know."""
    async with studio() as at:
        at.fake.say(event_pb2.Event(revision=99, subject="models/x", kind="model.loaded", notice=event_pb2.Notice()))
        await at.until(lambda: at.app.snapshot.revision == 99)


async def test_the_strip_shows_each_scene() -> None:
    """The dashboard shows the furthest picture of every scene, on a terminal with room for it."""
    async with studio(size=(130, 40)) as at:
        strip = at.app.screen.query_one(Filmstrip)
        await at.until(lambda: len([one for one in strip.query(Picture) if one.picture is not None]) == 6)
        assert "01 Pier" in at.screen_text()
        await at.pilot.resize_terminal(80, 24)
        await at.until(lambda: "01 Pier" not in at.screen_text())


async def test_a_new_accepted_picture_takes_its_place_in_the_strip() -> None:
    """When a scene gets a further picture the strip shows that one."""
    async with studio(size=(130, 40)) as at:
        await at.until(lambda: at.app.snapshot.scenes)
        scene = story.scenes()[0]
        asset = f"{story.PROJECT}/assets/r-0002-time-1-1"
        scene.accepted.add(stage="time", asset=asset)
        scene.revision = 90
        at.fake.say(at.fake.event(scene.name, scene=scene))
        await at.until(lambda: ("content", asset, True) in at.fake.calls)
