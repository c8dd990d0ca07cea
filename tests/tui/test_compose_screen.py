"""Composing a run: a live plan, and only that plan runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from bullpen_api.v1 import run_pb2
from bullpen_client.errors import LimitExceeded, PlanStale
from bullpen_tui import fields
from bullpen_tui.app import StudioApp, run_tui
from bullpen_tui.screens import compose
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.compose import ComposeScreen
from bullpen_tui.screens.dialogs import PlanDialog
from bullpen_tui.widgets.chooser import Chooser
from textual.widgets import Input, Select

from tests.tui import story
from tests.tui.driving import Driver, studio
from tests.tui.fake import FakeDaemon


def settled(at: Driver) -> bool:
    """Whether the plan that is shown is the one for what the form says."""
    screen = at.app.screen
    return isinstance(screen, ComposeScreen) and not screen._planning


@asynccontextmanager
async def composing() -> AsyncIterator[Driver]:
    """The form with its first plan."""
    async with studio() as at:
        await at.go("r", "compose")
        await at.until(lambda: "12" in at.words("#plan") and settled(at), "plan")
        yield at


def last_spec(at: Driver) -> run_pb2.RunSpec:
    spec = at.fake.asked("plan")[-1][1]
    assert isinstance(spec, run_pb2.RunSpec)
    return spec


async def test_the_form_begins_with_the_next_stage() -> None:
    """Style is complete in this project, so time is offered."""
    async with composing() as at:
        assert at.app.screen.query_one("#stage", Select).value == "time"
        assert last_spec(at).stage == "time"
        assert "Set the time of day" in at.words("#stage-words")


async def test_typing_plans_anew() -> None:
    """The plan follows the fields; a word typed quickly costs few plans."""
    async with composing() as at:
        at.app.screen.query_one("#candidates", Input).focus()
        await at.type("4")
        await at.until(lambda: "24" in at.words("#plan"))
        plans = len(at.fake.asked("plan"))
        seed = at.app.screen.query_one("#seed", Input)
        for length in range(1, 7):
            seed.value = "987654"[:length]
        await at.until(lambda: "987654" in at.words("#plan"))
        assert len(at.fake.asked("plan")) - plans == 1


async def test_scenes_are_taken_and_left_by_space() -> None:
    """A box before each scene; the plan counts what is taken."""
    async with composing() as at:
        chooser = at.app.screen.query_one("#scenes", Chooser)
        chooser.focus()
        await at.press("space", "j", "space")
        await at.until(lambda: len(last_spec(at).scenes.scenes) == 4)
        assert "[ ]" in at.screen_text()
        await at.press("a")
        await at.until(lambda: chooser.taken and not last_spec(at).scenes.scenes)


async def test_nothing_chosen_is_explained() -> None:
    """Without scenes and folder there is no call, and the reason stands in the plan."""
    async with composing() as at:
        at.app.screen.query_one("#scenes", Chooser).focus()
        await at.press("a")
        await at.until(lambda: "at least one scene" in at.words("#plan"))
        await at.press("f5")
        assert not at.fake.asked("create_run")


async def test_a_folder_takes_the_place_of_scenes() -> None:
    """What is typed goes into the request as it is."""
    async with composing() as at:
        at.app.screen.query_one("#folder", Input).focus()
        await at.type("/pictures")
        await at.until(lambda: last_spec(at).input_folder == "/pictures")
        assert not last_spec(at).HasField("scenes")


async def test_a_refused_plan_names_the_remedy() -> None:
    """The daemon's words stand where the plan was, and F5 does nothing."""
    async with composing() as at:
        at.fake.refuse["plan"] = LimitExceeded("9 candidates are more than 6.", remedy="Ask for 6 or fewer.")
        at.app.screen.query_one("#candidates", Input).focus()
        await at.type("9")
        await at.until(lambda: "Ask for 6 or fewer" in at.words("#plan") and settled(at))
        await at.press("f5")
        assert not at.fake.asked("create_run")


async def test_f5_runs_the_plan_that_is_shown() -> None:
    """The digest of the plan and a request id go with the call; then the run opens."""
    async with composing() as at:
        await at.press("f5")
        await at.until(lambda: at.place == "run")
        [(project, spec, digest, spend, request)] = at.fake.asked("create_run")
        assert project == story.PROJECT
        assert isinstance(spec, run_pb2.RunSpec)
        assert spec == last_spec(at)
        assert digest == "digest-time-2-6"
        assert not spend
        assert str(request).startswith("request-")
        await at.press("escape")
        await at.until(lambda: at.place == "projects")


async def test_a_stale_plan_is_said_and_stays() -> None:
    """When the world changed meanwhile nothing runs and the form stays."""
    async with composing() as at:
        at.fake.refuse["create_run"] = PlanStale(
            "The plan is not what it would be now.", remedy="Look at the new plan."
        )
        await at.press("f5")
        await at.until(lambda: "Look at the new plan" in at.words("#plan"))
        assert at.place == "compose"


async def test_a_dry_run_shows_everything_and_starts_nothing() -> None:
    """F6 opens the whole plan."""
    async with composing() as at:
        await at.press("f6")
        await at.until(lambda: isinstance(at.app.screen, PlanDialog))
        assert "nothing was started" in at.screen_text()
        await at.press("escape")
        await at.until(lambda: isinstance(at.app.screen, ComposeScreen))
        assert not at.fake.asked("create_run")


async def test_letters_in_fields_start_nothing() -> None:
    """Digits and letters that are keys elsewhere are only text here."""
    async with composing() as at:
        folder = at.app.screen.query_one("#folder", Input)
        folder.focus()
        await at.type("dqr1?")
        assert folder.value == "dqr1?"
        assert at.place == "compose"


async def test_escape_leaves_without_a_run() -> None:
    """Back on the projects, nothing was started."""
    async with composing() as at:
        await at.press("escape")
        await at.until(lambda: at.place == "projects")
        assert not at.fake.asked("create_run")


async def test_a_plan_that_nobody_saw_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """F5 while the plan is being made starts nothing, and says to look first."""
    monkeypatch.setattr(compose, "PAUSE_SECONDS", 3600.0)
    async with studio() as at:
        await at.go("r", "compose")
        await at.until(lambda: at.app.screen.query_one("#stage", Select).value == "time")
        await at.press("f5")
        await at.until(lambda: "plan is being made" in at.screen_text())
        assert not at.fake.asked("create_run")


async def test_f5_twice_starts_one_run() -> None:
    """The second press is ignored while the first is under way, and the run's screen opens once."""
    async with composing() as at:
        await at.press("f6")
        await at.until(lambda: isinstance(at.app.screen, PlanDialog))
        await at.press("escape")
        await at.until(lambda: isinstance(at.app.screen, ComposeScreen))
        await at.press("f5", "f5", "f5")
        await at.until(lambda: at.place == "run")
        await at.pilot.pause()
        assert len(at.fake.asked("create_run")) == 1
        assert [screen.place for screen in at.app.screen_stack if isinstance(screen, StudioScreen)] == [
            "projects",
            "run",
        ]


async def test_a_screen_left_before_it_is_there_is_not_drawn() -> None:
    """A screen that is opened and left in one breath leaves the studio whole."""
    async with studio() as at:
        at.app.open_run(story.TIME_RUN)
        at.app.pop_screen()
        await at.pilot.pause()
        await at.until(lambda: at.place == "projects")
        await at.go("2", "runs")


async def test_a_crash_is_told_by_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """A studio that fell over does not say that all went well."""

    def fall(app: StudioApp) -> None:
        app._return_code = 1

    monkeypatch.setattr(StudioApp, "run", fall)
    assert run_tui(graphics="half") == 1


async def test_the_same_form_twice_asks_for_other_pictures() -> None:
    """Where nobody types a seed the form chooses one, and the plan and the run have the same."""
    seeds = []
    async with composing() as at:
        seeds.append(last_spec(at).seed)
        await at.press("escape")
        await at.until(lambda: at.place == "projects")
        plans = len(at.fake.asked("plan"))
        await at.go("r", "compose")
        await at.until(lambda: len(at.fake.asked("plan")) > plans and settled(at))
        seeds.append(last_spec(at).seed)
    assert last_spec(at).HasField("seed")
    assert seeds[0] != seeds[1]


async def test_nothing_is_said_before_there_is_something_to_choose() -> None:
    """The form opens without a complaint, and offers only stages that there are."""
    async with composing() as at:
        select = at.app.screen.query_one("#stage", Select)
        assert [value for _, value in select._options] == list(story.STAGES)
        assert "Choose a stage" not in at.screen_text()


async def test_a_relative_folder_is_made_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The daemon has another current folder; it is told the whole path."""
    monkeypatch.chdir(tmp_path)
    async with composing() as at:
        at.app.screen.query_one("#folder", Input).value = "pictures"
        await at.until(lambda: last_spec(at).input_folder == str(tmp_path / "pictures"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fields.whole_path("~/mine") == str(tmp_path / "mine")
    assert fields.whole_path("") == ""


async def test_variables_go_with_the_request() -> None:
    """What is set in the form is set in the plan; a slip is explained."""
    async with composing() as at:
        field = at.app.screen.query_one("#variables", Input)
        field.value = "character=Mara, style=noir"
        await at.until(lambda: dict(last_spec(at).variables) == {"character": "Mara", "style": "noir"})
        field.value = "noir"
        await at.until(lambda: "name=value" in at.words("#plan"))


async def test_what_a_run_had_set_is_offered_to_the_next_one_of_its_stage() -> None:
    """Another stage has its own; what the person writes, or clears, stays as it is."""
    fake = FakeDaemon()
    for run in fake._runs.values():
        if run.spec.stage == "style":
            run.spec.variables["style"] = "noir"
    async with studio(fake, size=(80, 24)) as at:
        await at.go("r", "compose")
        field = at.app.screen.query_one("#variables", Input)
        select = at.app.screen.query_one("#stage", Select)
        await at.until(lambda: select.value == "time" and settled(at))
        assert field.value == ""
        select.value = "style"
        await at.until(lambda: field.value == "style=noir")
        await at.until(lambda: last_spec(at).stage == "style" and dict(last_spec(at).variables) == {"style": "noir"})
        select.value = "weather"
        await at.until(lambda: field.value == "")
        field.value = "weather=fog"
        select.value = "style"
        await at.until(lambda: last_spec(at).stage == "style" and dict(last_spec(at).variables) == {"weather": "fog"})


async def test_what_it_takes_and_what_is_to_be_known_stand_above_the_rest() -> None:
    """On a small terminal, too, time, money and a warning are in sight without scrolling."""
    async with studio(size=(80, 24)) as at:
        await at.go("r", "compose")
        await at.until(lambda: "!" in at.words("#plan") and settled(at))
        lines = at.words("#plan").splitlines()
        begins = [line.split()[0] for line in lines if line and not line.startswith(" ")]
        assert begins[:4] == ["pictures", "time", "cost", "!"]
        assert "Scene 5 sets no time of day" in " ".join(at.screen_text().split())


def test_the_form_begins_with_work_that_is_left() -> None:
    """The first stage with scenes left; else the first one, and never the one that needs a name."""
    project = story.project()
    names = list(story.STAGES)
    assert fields.first_stage(names, None) == "style"
    for progress in project.figures.stages:
        if progress.stage != "characters":
            progress.accepted = progress.scenes
    assert fields.first_stage(names, project) == "style"
    assert fields.first_stage(["characters"], project) == "characters"


async def test_a_plan_that_costs_money_needs_a_second_key() -> None:
    """The sum, its price and its time limit are shown; only `y` spends it, and the call says so."""
    made = story.plan

    def dear(spec: run_pb2.RunSpec) -> run_pb2.Plan:
        plan = made(spec)
        plan.estimated_cost.currency_code, plan.estimated_cost.micros = "USD", 1_800_000
        plan.price = "12 images at $0.15"
        plan.confirm_until.seconds = int(story.NOW) + 300
        return plan

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(story, "plan", dear)
        async with composing() as at:
            assert "about $1.80   12 images at $0.15" in at.words("#plan")
            await at.press("f5")
            await at.until(lambda: at.place == "ConfirmDialog")
            text = " ".join(at.screen_text().split())
            assert "costs about $1.80: 12 pictures" in text
            assert "agreed to for 5:00" in text
            await at.press("n")
            await at.until(lambda: at.place == "compose")
            assert not at.fake.asked("create_run")
            await at.press("f5")
            await at.until(lambda: at.place == "ConfirmDialog")
            await at.press("y")
            await at.until(lambda: at.place == "run")
            assert at.fake.asked("create_run")[0][3] is True


async def test_models_that_can_do_the_stage_are_offered() -> None:
    """A damaged model and one that cannot edit are not offered; the chosen one is planned with."""
    async with composing() as at:
        select = at.app.screen.query_one("#model", Select)
        await at.until(lambda: [value for _, value in select._options] == ["", "models/starter-edit"])
        select.value = "models/starter-edit"
        await at.until(lambda: last_spec(at).model == "models/starter-edit")
        at.app.screen.query_one("#acceptance", Select).value = "hand"
        await at.until(lambda: last_spec(at).acceptance == run_pb2.RunSpec.ACCEPTANCE_MANUAL)
        at.app.screen.query_one("#strength", Input).value = "0,4"
        await at.until(lambda: last_spec(at).sampling.strength == 0.4)
        at.app.screen.query_one("#strength", Input).value = "much"
        await at.until(lambda: "strength: “much” is no number" in at.words("#plan"))


async def test_a_refusal_marks_the_field_that_it_names() -> None:
    """A value that is missing stands out at `set`; the next plan that is made takes the mark away."""
    async with composing() as at:
        row = at.app.screen.query_one("#variables-row")
        at.fake.refuse["plan"] = LimitExceeded("There is no value for {time}.", field="variables.time")
        at.app.screen.query_one("#candidates", Input).focus()
        await at.type("3")
        await at.until(lambda: row.has_class("-wrong"))
        del at.fake.refuse["plan"]
        await at.type("0")
        await at.until(lambda: not row.has_class("-wrong"))


async def test_every_field_says_what_it_is_good_for() -> None:
    """Whatever has the focus, a sentence says what it does, with the stage's own value and the limits."""
    async with composing() as at:
        stages = story.stages()
        names = ["stage", "scenes", *(name for name, _ in fields.CHOICES), *(name for name, _, _ in fields.FIELDS)]
        for name in names:
            assert len(fields.help_of(name, stages.stages[0], stages)) > 30, name
        at.app.screen.query_one("#candidates").focus()
        await at.pilot.pause()
        assert at.words("#compose-help") == (
            "Pictures to choose from for each scene, 1 to 6; empty takes 2, the stage's own."
        )
        at.app.screen.query_one("#steps").focus()
        await at.pilot.pause()
        assert "empty takes 8, the stage's own" in at.words("#compose-help")


async def test_what_is_no_number_is_marked_where_it_stands() -> None:
    """A slip that the studio sees by itself marks its field, as one that the daemon sees does."""
    async with composing() as at:
        at.app.screen.query_one("#seed", Input).value = "often"
        await at.until(lambda: "no whole number" in at.words("#plan"))
        assert at.app.screen.query_one("#seed-row").has_class("-wrong")
        at.app.screen.query_one("#seed", Input).value = "7"
        await at.until(lambda: settled(at) and at.app.screen._plan is not None)  # type: ignore[attr-defined]
        assert not at.app.screen.query_one("#seed-row").has_class("-wrong")
