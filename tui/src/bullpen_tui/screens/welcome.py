"""Welcome: what a new home has and what it lacks, and the first step. Shown while there is no project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import model_pb2, system_pb2
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.mirror import Listed, Snapshot, leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.widgets.said import Said

_CHECKS = {
    system_pb2.Check.STATUS_OK: ("✓", words.GOOD),
    system_pb2.Check.STATUS_WARNING: ("!", words.WARN),
    system_pb2.Check.STATUS_ERROR: ("✗", words.BAD),
}


def _step(done: bool, title: str, *rest: Content) -> list[Content]:
    sign = words.text(("✓ ", words.GOOD)) if done else words.text(("◌ ", words.QUIET))
    return [words.text(sign, (title, words.STRONG)), *(words.text("  ", one) for one in rest), Content("")]


def welcome_lines(info: system_pb2.Info | None, snapshot: Snapshot) -> list[Content]:
    """The steps of a first run: daemon, devices, models, health, a universe."""
    rows = [words.text(("Welcome to Bullpen.", "bold $accent")), Content("")]
    if info is None:
        return [*rows, words.text(("◌ Reaching the daemon…", words.QUIET))]
    home = words.text(f"{info.hostname or 'this machine'}   {info.version}   ", (info.home, words.FAINT))
    rows += _step(True, "The daemon runs", home)
    devices = snapshot.answer("devices", model_pb2.ListDevicesResponse)
    if devices is not None:
        found = [
            words.text(f"{one.title or leaf(one.name)}   ", (f"{one.engine}   {one.reason}", words.QUIET))
            for one in devices.devices
        ]
        rows += _step(
            bool(found), "What computes", *(found or [Content("No device was found; `bullpen doctor` says why.")])
        )
    models = snapshot.answer("models", model_pb2.ListModelsResponse)
    if models is not None:
        rows += _step(*_models(list(models.models)))
        folders = ", ".join(info.model_folders)
        if folders:
            rows.insert(-1, words.text(("  More go into ", words.QUIET), (folders, words.FAINT)))
    checks = snapshot.answer("checks", system_pb2.DiagnoseResponse)
    if checks is not None:
        wrong = [one for one in checks.checks if one.status != system_pb2.Check.STATUS_OK]
        said = [
            words.text(
                words.text(_CHECKS.get(one.status, ("·", words.QUIET))), f" {one.message} ", (one.remedy, words.QUIET)
            )
            for one in wrong
        ]
        rows += _step(not wrong, "Health", *(said or [Content(f"{words.plural(len(checks.checks), 'check')} passed.")]))
    rows += _step(
        False,
        "A universe",
        words.text(("n", "bold $accent"), " makes a new project, with a name and a story"),
        words.text(("bullpen projects sample", "bold"), " in a shell brings in a story that is there"),
        words.text(("bullpen demo", "bold"), " takes that story through all four stages"),
    )
    return rows


def _models(models: list[model_pb2.Model]) -> tuple[bool, str, Content]:
    ready = [one for one in models if one.state == model_pb2.Model.STATE_READY]
    named = ", ".join(one.title or leaf(one.name) for one in ready[:6])
    more = f" and {len(ready) - 6} more" if len(ready) > 6 else ""
    none = "None is ready; `bullpen doctor` says what is missing and how to get it."
    return bool(ready), "Models", Content(f"{named}{more}" if ready else none)


class WelcomeScreen(StudioScreen):
    """The steps. `n` makes the first project and goes to the projects."""

    place: ClassVar[str] = "welcome"
    tab: ClassVar[str] = "projects"
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._asked = False

    def body(self) -> Iterable[Widget]:
        """One pane of words."""
        with VerticalScroll(classes="pane", id="welcome-pane", can_focus=False):
            yield Said(dom_id="welcome-words")

    def draw(self) -> None:
        """Draws the steps as far as they are known."""
        if not self._asked and self.studio.connected:
            self._asked = True
            self.studio.reading.devices()
            self.studio.reading.models()
            self.studio.reading.checks()
        self.query_one("#welcome-words", Said).say(words.lines(welcome_lines(self.studio.info, self.snapshot)))

    def draw_chrome(self) -> None:
        """Frame, and the steps: who serves is part of them."""
        super().draw_chrome()
        self.draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A project is made where there is a daemon."""
        return self.studio.connected if action == "new_project" else True

    def action_new_project(self) -> None:
        """Asks for slug, title and story."""
        from bullpen_tui.screens.dialogs import NewProjectDialog

        self.studio.push_screen(NewProjectDialog(), self._create)

    def _create(self, asked: tuple[str, str, str] | None) -> None:
        if asked is not None:
            self.studio.errands.create_project(*asked, self)

    def on_project_created(self, message: say.ProjectCreated) -> None:
        """Goes on with the new project."""
        self.studio.post_message(say.ChangesArrived((Listed((message.project,)),)))
        self.studio.enter_project(message.project.name)
        self.studio.go("projects")
