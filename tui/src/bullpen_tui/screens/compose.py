"""Compose: what to run at the left, what would come of it at the right, live while typing."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import run_pb2
from textual import on
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Label, Select

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.fields import (
    ACCEPTANCES,
    CHOICES,
    FIELDS,
    UNREAD,
    WORDS,
    field_called,
    help_of,
    whole_path,
)
from bullpen_tui.mirror import Listed, leaf
from bullpen_tui.plan import Form, FormError, costs, plan_lines, spec_of, spend_question
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.offering import Offering
from bullpen_tui.widgets.chooser import Chooser
from bullpen_tui.widgets.rows import RowTable
from bullpen_tui.widgets.said import Said, entitle

Scenes = tuple[str, ...]

PAUSE_SECONDS = 0.25
"""Typing is planned after this pause, so that a word costs one plan and not one for each letter."""

_ROWS = frozenset(name for name, _, _ in FIELDS)
_NAMED = {
    "input_folder": ("folder",),
    "guidance_scale": ("guidance",),
    "budget": ("retry_budget",),
    "auto_retry": ("retry_on",),
}

SCENES_HINT = words.text(("scenes        ", words.QUIET), ("space: one  a: all", words.FAINT))
READING = words.text(("scenes        ", words.QUIET), ("reading…", words.FAINT))
NO_SCENES = words.text(("scenes        ", words.QUIET), ("none; name a folder", words.FAINT))


class ComposeScreen(Offering, StudioScreen):
    """The form. Nothing starts before F5, and then only the plan that is on the screen."""

    place: ClassVar[str] = "compose"
    tab: ClassVar[str] = "runs"
    AUTO_FOCUS = "#stage"

    def __init__(
        self, project: str, *, scenes: tuple[str, ...] = (), stage: str = "", form: Form | None = None
    ) -> None:
        super().__init__()
        self._first_form = form
        self._typed: set[str] = set()
        if form is not None:
            scenes, stage = form.scenes, form.stage
        self._first_scenes = scenes
        self._first_stage = stage
        self._project = project
        self._plan: run_pb2.Plan | None = None
        self._problem: Content | None = None
        self._timer: Timer | None = None
        self._seed = str(secrets.randbelow(2**32))
        self._scenes: list[str] = []
        self._scenes_known = False
        self._asked = False
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
                for name, label in CHOICES:
                    with Horizontal(classes="field", id=f"{name}-field"):
                        yield Label(label)
                        own = ACCEPTANCES if name == "acceptance" else [("reading…", UNREAD)]
                        yield Select[str](own, allow_blank=False, compact=True, id=name)
                for name, label, placeholder in FIELDS:
                    with Horizontal(classes="field", id=f"{name}-row"):
                        yield Label(label)
                        yield Input(placeholder=placeholder, compact=True, id=name, select_on_focus=name not in WORDS)
            with VerticalScroll(classes="pane", id="plan-pane", can_focus=False) as pane:
                pane.border_title = "Plan"
                yield Said(words.text(("Reading stages and scenes…", words.QUIET)), dom_id="plan")
        yield Said(dom_id="compose-help")

    def on_descendant_focus(self) -> None:
        """Says what the field with the cursor is good for."""
        self._help()

    def _help(self) -> None:
        name = (self.focused.id if self.focused is not None else None) or ""
        told = help_of(name, self._stage, self._stages)
        self.query_one("#compose-help", Said).say(words.text((told, words.QUIET)))

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
            self.studio.reading.models()
            self.studio.reading.bible(self._project)
            self.studio.reading.runs(self._project)
            self._fill_in()
        self._offer_stages()
        self._offer_choices()
        self._recall()
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
            self._changed()
        chooser.styles.height = max(1, min(16 if self.has_class("-high") else 8, len(names)))
        chooser.display = bool(names)
        if names:
            self.query_one("#scenes-words", Said).say(SCENES_HINT)
        elif self.studio.reading.known(f"scenes {self._project}"):
            self.query_one("#scenes-words", Said).say(NO_SCENES)
        if self._plan is not None:
            self._draw_plan()

    # --- planning ----------------------------------------------------------------------------------------------------

    @on(Input.Changed)
    def _written(self, event: Input.Changed) -> None:
        if event.input.has_focus and event.input.id in WORDS:
            self._typed.add(event.input.id)

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
            self._offer_choices()
            self._recall()
            self._help()

    @on(RowTable.Moved, "#scenes")
    def _other_scene(self) -> None:
        self._draw_plan()

    @property
    def form(self) -> Form:
        """What the fields say now."""
        stage = self._stage
        chosen = self.query_one("#scenes", Chooser).taken
        fields = {name: self.query_one(f"#{name}", Input).value.strip() for name, _, _ in FIELDS}
        fields["folder"] = whole_path(fields["folder"])
        fields["seed"] = fields["seed"] or self._seed
        return Form(
            stage=leaf(stage.name) if stage else "",
            scenes=tuple(chosen),
            all_scenes=len(chosen) == len(self._scenes),
            model=self._chosen("model"),
            style_guide=self._chosen("style"),
            strategy=self._chosen("strategy"),
            by_hand=self.query_one("#acceptance", Select).value == "hand",
            **fields,
        )

    def _ask_plan(self) -> None:
        form = self.form
        if not form.stage or not (self._scenes_known or form.folder):
            return
        try:
            spec = spec_of(form)
        except FormError as problem:
            self._point_at(field_called(str(problem).partition(":")[0]))
            self._refuse(words.text(("! ", words.WARN), str(problem)))
            return
        self.studio.errands.plan(self._project, spec, self)

    def on_plan_made(self, message: say.PlanMade) -> None:
        """Shows the plan; F5 runs just this one."""
        self._plan = message.plan
        self._point_at("")
        self._planning = False
        self._problem = None
        self._request_id = self.studio.request_id()
        self._draw_plan()
        self.draw_keys()

    def on_plan_refused(self, message: say.PlanRefused) -> None:
        """Says what to change."""
        error = message.error
        self._point_at(error.field)
        rows = [words.text(("✗ ", words.BAD), str(error))]
        if error.remedy:
            rows.append(words.text(("  " + error.remedy, words.QUIET)))
        self._refuse(words.lines(rows))

    def _point_at(self, path: str) -> None:
        """Marks the field that a path of the daemon names, such as `spec.variables.time`."""
        parts = path.replace("[", ".").split(".")
        wrong = next((name for part in parts for name in _NAMED.get(part, (part,)) if name in _ROWS), "")
        for row in self.query(".field"):
            row.set_class(bool(wrong) and row.id == f"{wrong}-row", "-wrong")

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
        room = pane.content_size.width or self.size.width
        pane.say(words.lines(plan_lines(self._plan, self._stages, under, room)))
        self.call_after_refresh(self._tell_rest)

    def _tell_rest(self) -> None:
        """Says how the part of the plan is seen that has no room here."""
        if self.alive:
            pane = self.query_one("#plan-pane", VerticalScroll)
            more = self._plan is not None and pane.max_scroll_y > 0
            entitle(pane, below="F6 shows all of it" if more else "")

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
        if costs(plan):
            from bullpen_tui.screens.dialogs import ConfirmDialog

            question = spend_question(plan, self.studio.now())
            self.studio.push_screen(ConfirmDialog(question, "spend it"), lambda yes: self._agreed(plan, bool(yes)))
            return
        self._start(plan, spend=False)

    def _agreed(self, plan: run_pb2.Plan, yes: bool) -> None:
        if yes and not self._starting:
            self._start(plan, spend=True)

    def _start(self, plan: run_pb2.Plan, *, spend: bool) -> None:
        self._starting = True
        self.draw_keys()
        spec = spec_of(self.form)
        self.studio.errands.start_run(self._project, spec, plan.digest, spend, self._request_id, self)

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

    @property
    def would_lose(self) -> str:
        """Words that a person wrote here; what the form began with comes again."""
        written = any(self.query_one(f"#{name}", Input).value for name in self._typed)
        return "The run that you composed was not started." if written else ""

    def action_back(self) -> None:
        """Leaves the form."""
        self.leave_form()
