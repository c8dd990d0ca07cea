"""Compose: what to run at the left, what would come of it at the right, live while typing."""

from __future__ import annotations

import os.path
import secrets
from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import project_pb2, run_pb2
from textual import on
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Label, Select

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.mirror import Listed, leaf
from bullpen_tui.plan import Form, FormError, plan_lines, spec_of
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.widgets.chooser import Chooser
from bullpen_tui.widgets.rows import RowTable
from bullpen_tui.widgets.said import Said

PAUSE_SECONDS = 0.25
"""Typing is planned after this pause, so that a word costs one plan and not one for each letter."""

SCENES_HINT = words.text(("scenes        ", words.QUIET), ("space takes or leaves one, a all", words.FAINT))
READING = words.text(("scenes        ", words.QUIET), ("reading…", words.FAINT))
NO_SCENES = words.text(("scenes        ", words.QUIET), ("none in this project; name a folder below", words.FAINT))

_FIELDS = (
    ("folder", "input folder", "a folder of your own pictures, in place of scenes"),
    ("variables", "set", "name=value, as in style=noir, time=night"),
    ("candidates", "candidates", "the stage's own"),
    ("seed", "seed", "chosen for you"),
    ("steps", "steps", "the stage's own"),
    ("guidance", "guidance", "the stage's own"),
)


NAMED = "characters"
"""A stage that needs to be told whom it is about; it is never the one that the form begins with."""


def first_stage(names: list[str], project: project_pb2.Project | None) -> str:
    """The stage to begin with: the first whose scenes are not all accepted, else the first of all."""
    names = [name for name in names if name != NAMED] or names
    open_stages = {one.stage for one in project.figures.stages if one.accepted < one.scenes} if project else set()
    return next((name for name in names if name in open_stages), names[0])


def whole_path(folder: str) -> str:
    """The path as the daemon can find it: absolute from the folder that the studio was opened in, with `~` resolved."""
    return os.path.abspath(os.path.expanduser(folder)) if folder else ""  # noqa: PTH100, PTH111


class ComposeScreen(StudioScreen):
    """The form. Nothing starts before F5, and then only the plan that is on the screen."""

    place: ClassVar[str] = "compose"
    tab: ClassVar[str] = "runs"
    AUTO_FOCUS = "#stage"

    def __init__(self, project: str, *, scenes: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._first_scenes = scenes
        self._project = project
        self._plan: run_pb2.Plan | None = None
        self._problem: Content | None = None
        self._timer: Timer | None = None
        self._seed = str(secrets.randbelow(2**32))
        self._scenes: list[str] = []
        self._scenes_known = False
        self._asked = False
        self._offered: list[str] = []
        self._planning = False
        self._starting = False
        self._request_id = ""

    def body(self) -> Iterable[Widget]:
        """Form and plan."""
        with Horizontal():
            with VerticalScroll(classes="pane", id="form", can_focus=False) as form:
                form.border_title = f"New run · {leaf(self._project)}"
                with Horizontal(classes="field"):
                    yield Label("stage")
                    yield Select[str]([("", "")], allow_blank=False, compact=True, id="stage")
                yield Said(dom_id="stage-words")
                yield Said(READING, settled=True, dom_id="scenes-words")
                yield Chooser("scenes")
                for name, label, placeholder in _FIELDS:
                    with Horizontal(classes="field"):
                        yield Label(label)
                        yield Input(placeholder=placeholder, compact=True, id=name)
            with VerticalScroll(classes="pane", id="plan-pane", can_focus=False) as pane:
                pane.border_title = "Plan"
                yield Said(words.text(("Reading stages and scenes…", words.QUIET)), dom_id="plan")

    def draw_chrome(self) -> None:
        """Frame, and the first questions."""
        super().draw_chrome()
        self.draw()

    def draw(self) -> None:
        """Asks for stages and scenes once, and lists the scenes."""
        if self.studio.connected and not self._asked:
            self._asked = True
            self.studio.reading.stages()
            self.studio.reading.scenes(self._project)
        self._offer_stages()
        scenes = self.snapshot.scenes_of(self._project)
        names = [scene.name for scene in scenes]
        known = bool(names) or self.studio.reading.known(f"scenes {self._project}")
        chooser = self.query_one("#scenes", Chooser)
        if names != self._scenes or known != self._scenes_known:
            self._scenes_known = known
            self._scenes = names
            chooser.offer(
                [
                    (one.name, words.text((f"{one.ordinal:02} ", words.FAINT), one.title or leaf(one.name)))
                    for one in scenes
                ]
            )
            if self._first_scenes and names:
                chooser.take(self._first_scenes)
                self._first_scenes = ()
            chooser.styles.height = max(1, min(8, len(names)))
            self._changed()
        chooser.display = bool(names)
        if names:
            self.query_one("#scenes-words", Said).say(SCENES_HINT)
        elif self.studio.reading.known(f"scenes {self._project}"):
            self.query_one("#scenes-words", Said).say(NO_SCENES)

    @property
    def _stages(self) -> run_pb2.ListStagesResponse:
        return self.snapshot.answer("stages", run_pb2.ListStagesResponse) or run_pb2.ListStagesResponse()

    def _offer_stages(self) -> None:
        """Offers the stages, and begins with the first that is not complete."""
        select: Select[str] = self.query_one("#stage", Select)
        stages = self._stages.stages
        names = [leaf(stage.name) for stage in stages]
        if names and names != self._offered:
            self._offered = names
            select.set_options((stage.title or leaf(stage.name), leaf(stage.name)) for stage in stages)
            select.value = first_stage(names, self.snapshot.projects.get(self._project))

    # --- planning ----------------------------------------------------------------------------------------------------

    @on(Select.Changed)
    @on(Chooser.Changed)
    @on(Input.Changed)
    def _changed(self) -> None:
        self._plan = None
        self._planning = True
        self.draw_keys()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE_SECONDS, self._ask_plan)
        stage = self._stage
        if stage is not None:
            about = words.text((stage.description or stage.instruction, words.QUIET))
            self.query_one("#stage-words", Said).say(about)

    @on(RowTable.Moved, "#scenes")
    def _other_scene(self) -> None:
        self._draw_plan()

    @property
    def _stage(self) -> run_pb2.Stage | None:
        value = self.query_one("#stage", Select).value
        return next((one for one in self._stages.stages if leaf(one.name) == value), None)

    @property
    def form(self) -> Form:
        """What the fields say now."""
        stage = self._stage
        chosen = self.query_one("#scenes", Chooser).taken
        fields = {name: self.query_one(f"#{name}", Input).value.strip() for name, _, _ in _FIELDS}
        fields["folder"] = whole_path(fields["folder"])
        fields["seed"] = fields["seed"] or self._seed
        return Form(
            stage=leaf(stage.name) if stage else "",
            scenes=tuple(chosen),
            all_scenes=len(chosen) == len(self._scenes),
            **fields,
        )

    def _ask_plan(self) -> None:
        form = self.form
        if not form.stage or not (self._scenes_known or form.folder):
            return
        try:
            spec = spec_of(form)
        except FormError as problem:
            self._refuse(words.text(("! ", words.WARN), str(problem)))
            return
        self.studio.errands.plan(self._project, spec, self)

    def on_plan_made(self, message: say.PlanMade) -> None:
        """Shows the plan; F5 runs just this one."""
        self._plan = message.plan
        self._planning = False
        self._problem = None
        self._request_id = self.studio.request_id()
        self._draw_plan()
        self.draw_keys()

    def on_plan_refused(self, message: say.PlanRefused) -> None:
        """Says what to change."""
        error = message.error
        rows = [words.text(("✗ ", words.BAD), str(error))]
        if error.remedy:
            rows.append(words.text(("  " + error.remedy, words.QUIET)))
        self._refuse(words.lines(rows))

    def _refuse(self, problem: Content) -> None:
        self._plan = None
        self._planning = False
        self._problem = problem
        self._draw_plan()
        self.draw_keys()

    def _draw_plan(self) -> None:
        pane = self.query_one("#plan", Said)
        if self._plan is None:
            if self._problem is not None:
                pane.say(self._problem)
            return
        under = self.query_one("#scenes", Chooser).cursor_key or ""
        pane.say(words.lines(plan_lines(self._plan, self._stages, under)))

    # --- actions -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing runs that was not planned."""
        if action == "run_plan" and self._starting:
            return False
        if action in ("run_plan", "dry_run"):
            return self._plan is not None or self._planning
        return True

    def action_run_plan(self) -> None:
        """Runs the plan that is shown, once however often the key is pressed."""
        if self._starting:
            return
        plan = self._plan
        if plan is None:
            self._wait()
            return
        self._starting = True
        self.draw_keys()
        spec = spec_of(self.form)
        self.studio.errands.start_run(self._project, spec, plan.digest, False, self._request_id, self)

    def on_run_refused(self, message: say.RunRefused) -> None:
        """Says what to change; another try is allowed."""
        self._starting = False
        self.on_plan_refused(message)

    def on_run_started(self, message: say.RunStarted) -> None:
        """Goes to the run in place of the form, and of what was opened over it."""
        self.studio.post_message(say.ChangesArrived((Listed((message.run,)),)))
        if self not in self.studio.screen_stack:
            return
        while self.studio.screen is not self:
            self.studio.pop_screen()
        self.dismiss()
        self.studio.open_run(message.run.name)

    def action_dry_run(self) -> None:
        """Shows every job of the plan."""
        from bullpen_tui.screens.dialogs import PlanDialog

        if self._plan is None:
            self._wait()
        else:
            self.studio.push_screen(PlanDialog(self._plan, self._stages))

    def _wait(self) -> None:
        self.notify("The plan is being made. Press the key again when you have seen it.", severity="warning")

    def action_back(self) -> None:
        """Leaves the form."""
        self.dismiss()
