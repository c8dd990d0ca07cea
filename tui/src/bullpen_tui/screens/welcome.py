"""Welcome: what a new home has and what it lacks, and the first step. Shown while there is no project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import model_pb2, project_pb2, system_pb2
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


STEPS = (
    ("n", "makes a universe: a title, a name and its story"),
    ("U i", "then takes pictures of yours in: each becomes a scene"),
    ("U n", "writes who is in it, and the look that it keeps"),
    ("r", "takes a stage over the scenes: plan first, then live pictures"),
    ("v", "compares what came of it, and accepts"),
)
"""The way of a first universe, key by key."""


def _fact(good: bool, label: str, *rest: Content) -> list[Content]:
    sign = words.text(("✓ ", words.GOOD)) if good else words.text(("! ", words.WARN))
    head = words.text(sign, (f"{label:<10}", words.STRONG))
    return [words.text(head if not number else " " * head.cell_length, one) for number, one in enumerate(rest)]


def welcome_lines(info: system_pb2.Info | None, snapshot: Snapshot) -> list[Content]:
    """What a new home has and lacks, one line each, and the way from here."""
    title = words.text(("Welcome to Bullpen, ", "bold $accent"), "a comic studio. Nothing leaves this machine unasked.")
    rows = [title, Content("")]
    if info is None:
        return [*rows, words.text(("◌ Reaching the daemon…", words.QUIET))]
    rows += _fact(
        True, "Daemon", words.text(f"{info.version} on {info.hostname or 'this machine'}   ", (info.home, words.FAINT))
    )
    devices = snapshot.answer("devices", model_pb2.ListDevicesResponse)
    if devices is not None:
        found = []
        for one in devices.devices:
            why = (one.reason or one.engine).split(". ")[0].rstrip(".")
            found += [Content(one.title or leaf(one.name)), words.text((why, words.QUIET))]
        rows += _fact(bool(found), "Computes", *(found or [Content("nothing; `bullpen doctor` says why")]))
    models = snapshot.answer("models", model_pb2.ListModelsResponse)
    if models is not None:
        rows += _models(list(models.models), info)
    checks = snapshot.answer("checks", system_pb2.DiagnoseResponse)
    if checks is not None:
        wrong = [one for one in checks.checks if one.status != system_pb2.Check.STATUS_OK]
        said = [
            words.text(
                words.text(_CHECKS.get(one.status, ("·", words.QUIET))), f" {one.message} ", (one.remedy, words.QUIET)
            )
            for one in wrong
        ]
        rows += _fact(not wrong, "Health", *(said or [Content(f"{words.plural(len(checks.checks), 'check')} passed")]))
    rows += [Content(""), words.text(("A first universe", words.STRONG))]
    rows += [words.text((f"{key:>5}  ", "bold $accent"), said) for key, said in STEPS]
    shell = ("   in a shell takes a sample story through all of it", words.QUIET)
    return [*rows, Content(""), words.text(("bullpen demo", "bold"), shell)]


def _models(models: list[model_pb2.Model], info: system_pb2.Info) -> list[Content]:
    """How many are ready, where more go, and which key shows them."""
    ready = [one for one in models if one.state == model_pb2.Model.STATE_READY]
    if not ready:
        return _fact(False, "Models", Content("none is ready; `bullpen doctor` says what is missing and how to get it"))
    named = ", ".join(one.title or leaf(one.name) for one in ready[:3])
    more = f" and {len(ready) - 3} more" if len(ready) > 3 else ""
    own = next((one for one in info.model_folders if info.home and one.startswith(info.home)), "")
    rows = [Content(f"{named}{more}")]
    hint = words.text(("7", "bold $accent"), (" shows what each can do", words.QUIET))
    rows.append(words.text(hint, (f"; your own go into {own}", words.QUIET)) if own else hint)
    return _fact(True, "Models", *rows)


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
        from bullpen_tui.screens.new_project import NewProjectDialog

        self.studio.push_screen(NewProjectDialog(), self._created)

    def _created(self, project: project_pb2.Project | None) -> None:
        """Goes on with the new project."""
        if project is not None:
            self.studio.post_message(say.ChangesArrived((Listed((project,)),)))
            self.studio.enter_project(project.name)
            self.studio.go("projects")
