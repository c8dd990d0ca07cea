"""What all screens share: the frame around them, lists, filter, and drawing from the mirror."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui.actions import actions_for
from bullpen_tui.fitting import too_small
from bullpen_tui.keymap import bindings_for
from bullpen_tui.mirror import Snapshot
from bullpen_tui.widgets.chrome import Banner, FilterLine, KeyBar, TopBar
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.said import Said, entitle

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp


class StudioScreen(Screen[None]):
    """A screen with a place in the registry of actions.

    Subclasses give `body()` and `draw()`; `draw` is called with every change of the mirror, and must be cheap.
    """

    place: ClassVar[str] = ""
    tab: ClassVar[str] = ""
    """The place of the first line that is marked as open; the screen's own where empty."""

    tabs: tuple[str, ...] = ()
    """Parts of the screen that `[` and `]` go through."""

    MORE_IN: ClassVar[str] = ""
    """The pane in whose frame keys stand that the footer has no room for: a first look must not depend on the help."""

    AUTO_FOCUS = "Lister"
    _works: tuple[str, ...] = ()
    _more = ""
    tab_open = 0
    """Which of the tabs is open."""

    def __init_subclass__(cls, **keywords: bool) -> None:
        """Binds the keys of the place, and takes the look from the file beside it."""
        if cls.place:
            cls.BINDINGS = bindings_for(cls.place)
            cls.CSS_PATH = f"{cls.place}.tcss"
        super().__init_subclass__(**keywords)

    @property
    def studio(self) -> StudioApp:
        """The application."""
        return cast("StudioApp", self.app)

    @property
    def alive(self) -> bool:
        """Whether the screen's widgets are there: not before it was mounted, nor while it is taken away."""
        return self.is_mounted and self.is_attached and self.display

    @property
    def drawable(self) -> bool:
        """Whether there is something to draw on: a screen that was left before it was mounted has no widgets."""
        return self in self.app.screen_stack and bool(self.query(KeyBar))

    @property
    def would_lose(self) -> str:
        """What is lost where the studio is left now, in words; empty where nothing is."""
        return ""

    @property
    def snapshot(self) -> Snapshot:
        """What the mirror shows now."""
        return self.studio.snapshot

    def compose(self) -> ComposeResult:
        """Frame and body."""
        yield Said(classes="too-small")
        yield TopBar(self.tab or self.place)
        yield Banner()
        with Container(id="body"):
            yield from self.body()
        yield FilterLine()
        yield KeyBar(self.place)

    def body(self) -> Iterable[Widget]:
        """The widgets between the frame's lines."""
        raise NotImplementedError

    def about(self, run: str) -> None:
        """The run that the person came from, before the screen is shown."""

    def draw(self) -> None:
        """Draws the mirror."""

    def draw_metrics(self) -> None:
        """Draws what depends on the figures of the machine."""

    def draw_chrome(self) -> None:
        """Draws the frame."""
        self.query_one(TopBar).tell()
        self.query_one(Banner).say(self.studio.lost, self.studio.awaited)

    def draw_keys(self) -> None:
        """Draws the footer again when other keys work than before."""
        here = actions_for(self.place, self.studio.registry)
        works = tuple(one.id for one in here if self.check_action(one.id, ()))
        if works != self._works:
            self._works = works
            self.refresh_bindings()
            self._tell_more()

    def _tell_more(self) -> None:
        """Writes into the frame of the `MORE_IN` pane which keys work here and had no room in the footer."""
        if self.MORE_IN and self.alive:
            pane = self.query_one(self.MORE_IN)
            self._more = self.query_one(KeyBar).left_out(max(0, pane.size.width - 6))
            entitle(pane, below=self._more)

    def on_mount(self) -> None:
        """Draws at once what is known already."""
        if self.drawable:
            self.draw_chrome()
            self.draw()

    def on_resize(self) -> None:
        """Draws for the new size, once the widgets have theirs."""
        if self.is_mounted:
            self.query_one(".too-small", Said).say(too_small(*self.app.size))
        self.call_after_refresh(self._draw_again)

    def _draw_again(self) -> None:
        if self.alive:
            self.draw()
            self._tell_more()

    def on_screen_resume(self) -> None:
        """Draws what changed while another screen was in front."""
        if self.alive:
            self.draw_chrome()
            self.draw()
            self.draw_keys()

    # --- lists -------------------------------------------------------------------------------------------------------

    @property
    def table(self) -> Lister | None:
        """The list with the focus, else the first one that is shown."""
        if isinstance(self.focused, Lister):
            return self.focused
        return next((one for one in self.query(Lister) if one.display), None)

    def action_row_down(self) -> None:
        """One row down."""
        if self.table:
            self.table.action_down()

    def action_row_up(self) -> None:
        """One row up."""
        if self.table:
            self.table.action_up()

    def action_row_first(self) -> None:
        """To the first row."""
        if self.table:
            self.table.action_first()

    def action_row_last(self) -> None:
        """To the last row."""
        if self.table:
            self.table.action_last()

    async def action_row_out(self) -> None:
        """Back, by the key that leaves a folder elsewhere."""
        if self.check_action("back", ()):
            self.action_back()

    def action_mark(self) -> None:
        """Marks the row under the cursor."""
        if self.table:
            self.table.toggle_mark()
            self.draw_keys()

    @on(Lister.Pressed)
    async def _pressed(self) -> None:
        if "open" in {action.id for action in actions_for(self.place)}:
            await self.run_action("screen.open")

    @on(Lister.Moved)
    def _moved(self) -> None:
        self.draw_keys()

    # --- forms -------------------------------------------------------------------------------------------------------

    def action_next_field(self) -> None:
        """To the next field."""
        self.focus_next()

    def action_previous_field(self) -> None:
        """To the field before."""
        self.focus_previous()

    def leave_form(self) -> None:
        """Leaves; where something would be lost it asks."""
        from bullpen_tui.screens.dialogs import ConfirmDialog

        def leave(yes: bool | None) -> None:
            if yes:
                self.dismiss()

        if words := self.would_lose:
            self.studio.push_screen(ConfirmDialog(f"{words} Leave all the same?", "throw it away", "stay"), leave)
        else:
            self.dismiss()

    # --- tabs --------------------------------------------------------------------------------------------------------

    def action_tab(self, index: int) -> None:
        """Opens a tab."""
        if self.tabs and index % len(self.tabs) != self.tab_open:
            self.tab_open = index % len(self.tabs)
            self.tab_opened()
            self.draw()
            self.draw_keys()

    def tab_opened(self) -> None:
        """Another tab was opened."""

    def action_next_tab(self) -> None:
        """To the tab at the right."""
        self.action_tab(self.tab_open + 1)

    def action_previous_tab(self) -> None:
        """To the tab at the left."""
        self.action_tab(self.tab_open - 1)

    # --- filter ------------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Opens the filter of the list."""
        self.query_one(FilterLine).open()
        if (table := self._filtered) is not None:
            table.warm()

    @on(FilterLine.Narrowed)
    def _narrowed(self, message: FilterLine.Narrowed) -> None:
        self.narrow(message.words)

    def narrow(self, text: str) -> None:
        """Leaves only rows that have these words."""
        if (table := self._filtered) is not None:
            table.set_filter(text)

    @on(FilterLine.Left)
    def _filter_left(self) -> None:
        if (table := self._filtered) is not None:
            table.focus()

    @property
    def _filtered(self) -> Lister | None:
        return next((one for one in self.query(Lister) if one.display), None)

    def drop_filter(self) -> bool:
        """Shows all rows again; false where none was hidden."""
        line = self.query_one(FilterLine)
        if not line.value:
            return False
        line.action_drop()
        return True

    # --- money -------------------------------------------------------------------------------------------------------

    def on_spend_asked(self, message: say.SpendAsked) -> None:
        """Asks with the daemon's own price; nothing is sent before the answer."""

        def answered(yes: bool | None) -> None:
            if yes:
                message.go_on()
            else:
                self.studio.notify("Nothing was sent, nothing was spent.")

        from bullpen_tui.screens.dialogs import ConfirmDialog

        question = f"{message.error} The pictures are sent to the provider."
        self.studio.push_screen(ConfirmDialog(question, "spend it"), answered)

    # --- everywhere --------------------------------------------------------------------------------------------------

    def visit_project(self, name: str) -> None:
        """Goes to the runs of a project."""
        self.studio.enter_project(name)
        self.studio.go("runs")

    def action_back(self) -> None:
        """Drops the filter, else goes back."""
        if self.drop_filter() or (self.table is not None and self.table.clear_marks()):
            return
        if self.studio.deep:
            self.dismiss()
        elif self.place != "projects":
            self.studio.go("projects")

    def action_commands(self) -> None:
        """Opens the command palette."""
        self.studio.action_command_palette()

    def action_keys(self) -> None:
        """Shows the keys."""
        from bullpen_tui.screens.keys import KeysDialog

        self.studio.push_screen(KeysDialog(self))
