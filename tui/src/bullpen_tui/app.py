"""The studio: one application over one daemon.

The application owns the mirror and what a person is looking at; screens draw from it. Work in the background posts
messages, and only their handlers change anything.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from bullpen_api.v1 import run_pb2, system_pb2
from bullpen_client.errors import BullpenError
from bullpen_client.home import resolve_home
from rich.console import Console
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.message_pump import MessagePump
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import Worker

from bullpen_tui import announcing
from bullpen_tui import messages as say
from bullpen_tui.actions import REGISTRY, Action
from bullpen_tui.errands import Errands
from bullpen_tui.exports import words as exported
from bullpen_tui.figures import Figures
from bullpen_tui.fitting import Fitting
from bullpen_tui.graphics import Graphics, choose, drawn
from bullpen_tui.help import keys_of
from bullpen_tui.keymap import KeymapError, as_textual, read_keymap, remapped
from bullpen_tui.leaving import Leaving
from bullpen_tui.live import Live, stranger, trouble
from bullpen_tui.mirror import Happened, Listed, Restarted, Snapshot, apply_all
from bullpen_tui.nobody import NOBODY
from bullpen_tui.palette import ActionCommands
from bullpen_tui.pictures import PictureStore
from bullpen_tui.places import screen_of
from bullpen_tui.port import Daemon, Dial, sentence
from bullpen_tui.reading import Reading
from bullpen_tui.reviving import REVIVES, Reviving
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.session import dial
from bullpen_tui.terminal import TerminalError, check_terminal
from bullpen_tui.theme import INK, PAPER, THEMES, dark_theme

Answer = TypeVar("Answer")

METRICS_KEPT = 600
NOTICE_SECONDS = 3.0
PROBLEM_SECONDS = 8.0
"""What went wrong says what to do, too: that takes longer to read."""
BASE = 1
"""Screens below the first place: the empty one that every application begins with."""
WRONG = 2
"""Exit status of a studio that was not opened, because something must be set right first."""


def new_request_id() -> str:
    """An id that makes a repeated request harmless."""
    return uuid.uuid4().hex


class StudioApp(Fitting, Leaving, Reviving, App[int]):
    """The terminal studio.

    `dial` reaches a daemon; `project` is the slug or name to begin with; `now` gives seconds since 1970; `registry` has
    the actions with the keys that the person chose; `dark` is the theme to begin with.
    """

    TITLE = "Bullpen"
    CSS_PATH = "studio.tcss"
    COMMANDS: ClassVar[set[Any]] = {ActionCommands}
    # Before a dialog or a field sees it: the banner names the key wherever the person is.
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f9", "start_daemon", priority=True, show=False, id=REVIVES)]

    def __init__(
        self,
        dial: Dial,
        *,
        project: str | None = None,
        graphics: Graphics = "half",
        now: Callable[[], float] = time.time,
        request_id: Callable[[], str] = new_request_id,
        registry: tuple[Action, ...] = REGISTRY,
        dark: Theme = INK,
    ) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (104, "-normal"), (140, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]
        for theme in THEMES:
            self.register_theme(theme)
        self._dark = dark
        self.theme = self._dark.name
        self._wanted = f"projects/{project.removeprefix('projects/')}" if project else ""
        self.graphics: Graphics = graphics
        self.now = now
        self.request_id = request_id
        self.registry = registry
        self.snapshot = Snapshot()
        self.info: system_pb2.Info | None = None
        self.metrics: deque[system_pb2.Metrics] = deque(maxlen=METRICS_KEPT)
        self.lost = self.awaited = ""
        self.drafts: dict[str, str] = {}  # words in the lines of places that one goes to and from, by line
        self.listed = False
        self.reading = Reading(self)
        self.errands = Errands(self)
        self.figures = Figures(self)
        self._daemon: Daemon | None = None
        self._project = ""
        self._welcomed = False
        self._dial = dial
        self._live = Live(dial, self.post_message)
        self.pictures = PictureStore(self._read_picture)
        if registry != REGISTRY:
            self.set_keymap(as_textual(registry))

    # --- what the screens ask ---

    @property
    def daemon(self) -> Daemon:
        """The daemon, for `reading` and `errands`; screens have no need of it. Before it was reached it refuses."""
        return self._daemon if self._daemon is not None else NOBODY

    @property
    def draws(self) -> bool:
        """Whether pictures are drawn; else words stand in their place, and lists are rows."""
        return drawn(self.graphics)

    @property
    def connected(self) -> bool:
        """Whether a daemon was reached."""
        return self._daemon is not None

    @property
    def project(self) -> str:
        """Name of the project that the person works in, at first that of the newest run; empty while there is none."""
        if self._project in self.snapshot.projects:
            return self._project
        if self._wanted in self.snapshot.projects:
            return self._wanted
        projects = self.snapshot.projects
        return min(projects, key=lambda name: (-projects[name].figures.last_run_time.seconds, name), default="")

    def enter_project(self, name: str) -> None:
        """Makes a project the one that the person works in."""
        self._project = name

    def ask(
        self,
        call: Coroutine[Any, Any, Answer] | Callable[[], Awaitable[Answer]],
        done: Callable[[Answer], Message | None],
        *,
        to: MessagePump | None = None,
        refused: Callable[[BullpenError], Message] = say.CallRefused,
        group: str = "calls",
        latest_only: bool = False,
    ) -> None:
        """Runs a call in the background and posts what came of it, to the application or to a screen.

        With `latest_only` an earlier call of the group is dropped, maybe before it began: `call` makes it then.
        """
        target = to or self

        async def work() -> None:
            try:
                message = done(await (call() if callable(call) else call))
            except BullpenError as error:
                message = refused(error)
            if message is not None and not (isinstance(target, StudioScreen) and not target.alive):
                target.post_message(message)

        # As a function: a worker that is dropped before it began leaves no coroutine behind that nobody awaited.
        _: Worker[None] = self.run_worker(work, group=group, exclusive=latest_only)

    def want_picture(self, asset: str, to: MessagePump, *, thumbnail: bool = True) -> None:
        """Reads a picture and posts it to a screen."""
        self.ask(
            self.pictures.get(asset, thumbnail),
            lambda picture: say.PictureArrived(asset, picture),
            to=to,
            refused=lambda error: say.PictureMissed(asset, error),
            group=f"picture {asset}",
        )

    async def _read_picture(self, asset: str, thumbnail: bool) -> bytes:
        return await self.daemon.content(asset, thumbnail)

    # --- the live connection ---

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours of our own that other themes lack."""
        return dict(INK.variables)

    def on_mount(self) -> None:
        """Begins with the projects and reaches for the daemon."""
        self.fit(self.size)
        self.push_screen(screen_of("projects"))
        self.screen_change_signal.subscribe(self, self._screen_changed)
        self.run_worker(self._live.follow(), group="live")
        self.figures.begin()

    # --- what happened ---

    def on_daemon_reached(self, message: say.DaemonReached) -> None:
        """Keeps the daemon, and notices when it is another one than before."""
        if self.info is not None and self.info.instance != message.info.instance:
            self.snapshot = apply_all(self.snapshot, (Restarted(),))
            self.reading.forget()
        first = self.info is None or self.info.version != message.info.version
        self._daemon = message.daemon
        self.info = message.info
        self.lost = self.awaited = ""
        if first and (words := stranger(message.info.version, version("bullpen"))):
            self.notify(words, title="Another version", severity="warning")
        self._chrome()

    def on_daemon_awaited(self, message: say.DaemonAwaited) -> None:
        """Says what is waited for: in the banner at first, else beside what is seen already."""
        if self.connected:
            self.notify(message.words)
        else:
            self.awaited = message.words
            self._chrome()

    def on_daemon_missed(self, message: say.DaemonMissed) -> None:
        """Says why there is nothing to see."""
        self.lost = sentence(message.error)
        self.awaited = ""
        self._chrome()

    def on_connection_broke(self, message: say.ConnectionBroke) -> None:
        """Shows the banner; what is on the screen stays."""
        key = next((keys_of(one) for one in self.registry if one.id == "start_daemon"), "")
        self.lost = trouble(message.error, message.attempt, key)
        self._chrome()

    def on_connection_mended(self, message: say.ConnectionMended) -> None:
        """Takes the banner away and asks who answers now."""
        self.lost = ""
        self._chrome()
        daemon = self.daemon
        self.ask(daemon.info(), lambda info: say.DaemonReached(daemon, info), group="info")
        self.draw()  # what could not be read meanwhile is asked for again

    def on_changes_arrived(self, message: say.ChangesArrived) -> None:
        """Brings the mirror forward and draws."""
        self.listed = True
        if self.lost and any(isinstance(one, Happened) for one in message.changes):
            # The watch brings something; an answer that was on its way when it broke says nothing of it.
            self.lost = ""
            self._chrome()
        before = self.snapshot
        self.snapshot = apply_all(before, message.changes)
        self._welcome()
        if runs := announcing.ended(message.changes, before):
            ask = self.daemon.settings()
            self.ask(ask, lambda answer: say.RunsEnded(runs, announcing.way_of(answer)), group="ended")
        for export in exported.ended(message.changes, before):
            self.notify(exported.said(export), title="Export", severity=exported.severity(export))
        answered = any(isinstance(one, Listed) and not one.items for one in message.changes)
        if self.snapshot is not before or answered:
            self.draw()
        self.call_after_refresh(self._live.painted.set)

    def _welcome(self) -> None:
        """A home without a project is shown what it has and lacks, once."""
        from bullpen_tui.screens.welcome import WelcomeScreen

        if not self._welcomed and self.listed:
            self._welcomed = True
            if not self.snapshot.projects and not self.deep:
                self.push_screen(WelcomeScreen())

    def on_metrics_arrived(self, message: say.MetricsArrived) -> None:
        """Keeps the figures of the last minutes."""
        self.metrics.append(message.metrics)
        self._chrome()
        if (studio := self.studio_screen) is not None and studio.alive:
            studio.draw_metrics()

    def on_runs_ended(self, message: say.RunsEnded) -> None:
        """Tells of ended runs: here, unless the run is what the person looks at, and the terminal as it is set."""
        screen = self.studio_screen
        here = str(getattr(screen, "run_name", "")) if screen is not None and screen.place == "run" else ""
        for run in message.runs:
            text = announcing.said(run)
            good = run.state == run_pb2.Run.STATE_SUCCEEDED
            if run.name != here:
                self.notify(text, title="A run ended", severity="information" if good else "warning")
            if self._driver is not None and (signs := announcing.sequence(message.way, text, os.environ)):
                self._driver.write(signs)
                self._driver.flush()

    def on_call_refused(self, message: say.CallRefused) -> None:
        """Says in words what was refused."""
        self.notify(sentence(message.error), title="Not done", severity="error")

    # --- notices ---

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Shows a notice for a few seconds at most. Words of others are never read as markup."""
        most = NOTICE_SECONDS if severity == "information" else PROBLEM_SECONDS
        shown = min(timeout or most, most)
        super().notify(message, title=title, severity=severity, timeout=shown, markup=markup)

    def _screen_changed(self, _: Screen[Any]) -> None:
        self.clear_notifications()

    # --- drawing ---

    @property
    def studio_screen(self) -> StudioScreen | None:
        """The uppermost screen that is no dialog."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, StudioScreen):
                return screen
        return None

    def draw(self) -> None:
        """Lets the screen draw the mirror."""
        if (studio := self.studio_screen) is not None and studio.alive:
            studio.draw()
            studio.draw_keys()

    def _chrome(self) -> None:
        if (studio := self.studio_screen) is not None and studio.alive:
            studio.draw_chrome()

    # --- going places ---

    def go(self, place: str) -> None:
        """To a place, from wherever the person is."""
        run = str(getattr(self.studio_screen, "run_name", "")) if self.deep else ""
        if place == "tasks" and not isinstance(self.screen, type(screen := screen_of(place))):
            self.push_screen(screen)
            return
        while len(self.screen_stack) > BASE + 1:
            self.pop_screen()
        screen = screen_of(place)
        screen.about(run)
        self.switch_screen(screen)

    def action_go(self, place: str) -> None:
        """To a place, by a key or a click."""
        self.go(place)

    @property
    def deep(self) -> bool:
        """Whether there is a screen to go back to."""
        return len(self.screen_stack) > BASE + 1

    def open_run(self, name: str) -> None:
        """To one run."""
        from bullpen_tui.screens.run import RunScreen

        self.push_screen(RunScreen(name))

    def action_toggle_theme(self) -> None:
        """Ink or paper."""
        self.theme = self._dark.name if self.theme == PAPER.name else PAPER.name


def run_tui(home: Path | None = None, project: str | None = None, graphics: str = "auto") -> int:
    """Opens the studio on a home and gives the exit status.

    `graphics` is `auto`, `kitty`, `sixel`, `half` or `none`; another word raises ValueError. The terminal is asked what
    it can draw before the screen is taken over. Where no daemon serves the home one is started, and goes on afterwards.
    A studio that crashes gives 1; a terminal or a keymap that must be set right first gives 2, with a sentence.
    """
    try:
        check_terminal()
        registry = remapped(read_keymap(resolve_home(home) / "keymap.toml"))
    except (TerminalError, KeymapError) as problem:
        sys.stderr.write(f"bullpen: {problem}\n")
        return WRONG
    colours = Console(file=sys.__stderr__).color_system
    way, dark = choose(graphics, colours=colours), dark_theme(colours)
    awaited: Callable[[str], object] = lambda words: app.post_message(say.DaemonAwaited(words))  # noqa: E731
    app = StudioApp(dial(home, awaited), project=project, graphics=way, registry=registry, dark=dark)
    status = app.run()
    return app.return_code or status or 0
