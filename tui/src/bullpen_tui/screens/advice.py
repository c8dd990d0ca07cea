"""Where a run is best done: the devices and providers' models side by side, and taking the run to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from bullpen_api.v1 import advisor_pb2
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from bullpen_tui import words
from bullpen_tui.machine import advice as told_of
from bullpen_tui.machine import told
from bullpen_tui.mirror import leaf
from bullpen_tui.port import sentence
from bullpen_tui.screens.dialogs import ConfirmDialog, hint
from bullpen_tui.screens.part_dialogs import MOVING
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.rows import RowTable
from bullpen_tui.widgets.said import Said, entitle

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp


class AdviceDialog(ModalScreen[None]):
    """The ways to have an unfinished run done; enter takes it there, `[` and `]` look at the other runs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", show=False),
        Binding("enter,l", "place", show=False),
        Binding("left_square_bracket", "other(-1)", show=False),
        Binding("right_square_bracket", "other(1)", show=False),
        *MOVING,
    ]

    def __init__(self, runs: Sequence[str]) -> None:
        super().__init__()
        self._runs = tuple(runs)
        self._at = 0
        self._advice: advisor_pb2.Advice | None = None

    @property
    def _studio(self) -> StudioApp:
        return cast("StudioApp", self.app)

    @property
    def run_name(self) -> str:
        """The run that is looked at."""
        return self._runs[self._at]

    def compose(self) -> ComposeResult:
        """The ways, the one under the cursor in words, and the keys."""
        with Vertical(classes="dialog wide help", id="advice"):
            yield Said(dom_id="advice-reason")
            table = RowTable(told_of.COLUMNS, empty="Asking…", dom_id="ways")
            yield table
            yield Said(dom_id="way-words")
            yield Said(dom_id="advice-problem")
            others = (("[ ]", "other run"),) if len(self._runs) > 1 else ()
            yield Said(hint(("enter", "have it done there"), *others, ("esc", "back")), classes="hint")

    def on_resize(self) -> None:
        """As many rows as the terminal has lines for, beside the words about one of them."""
        self.query_one("#ways").styles.height = max(3, min(8, self.size.height - 11))

    def on_mount(self) -> None:
        """Asks for the first run."""
        self.query_one("#ways", RowTable).focus()
        self._ask()

    def _ask(self) -> None:
        count = f" {self._at + 1} of {len(self._runs)}" if len(self._runs) > 1 else ""
        entitle(self.query_one("#advice"), f"Where to do {leaf(self.run_name)}{count}")
        self._studio.errands.advise(self.run_name, self)

    def on_advised(self, message: told.Advised) -> None:
        """Shows the ways, the best first."""
        if message.run != self.run_name:
            return
        self._advice = advice = message.advice
        pictures = words.plural(advice.pictures, "picture")
        self.query_one("#advice-reason", Said).say(
            words.lines([words.text((f"{pictures} to make. ", words.STRONG), advice.reason), told_of.legend()])
        )
        rows = [told_of.option_row(one, advice) for one in advice.options]
        table = self.query_one("#ways", RowTable)
        table.set_empty(Content("Nothing here can do it."))
        table.set_rows([*rows, told_of.anywhere_row(advice)])
        self._problem("")
        self._explain()

    def on_advice_missed(self, message: told.AdviceMissed) -> None:
        """Says why there is none."""
        if message.run == self.run_name:
            self.query_one("#ways", RowTable).set_empty(Content(""))
            self.query_one("#ways", RowTable).set_rows([])
            self._problem(sentence(message.error))

    def _problem(self, sentence_: str) -> None:
        self.query_one("#advice-problem", Said).say(words.text(("✗ ", words.BAD), sentence_) if sentence_ else "")

    @property
    def _option(self) -> advisor_pb2.ComputeOption | None:
        key = self.query_one("#ways", RowTable).cursor_key
        options = self._advice.options if self._advice is not None else ()
        return next((one for one in options if told_of.option_key(one) == key), None)

    @on(Lister.Moved)
    def _explain(self) -> None:
        option = self._option
        rows = told_of.option_words(option) if option is not None else []
        if not rows and self._advice is not None:
            rows = [words.text(("Whichever device in general use is free first takes it.", words.QUIET))]
        self.query_one("#way-words", Said).say(words.lines(rows))

    def action_move(self, by: int) -> None:
        """Down or up."""
        table = self.query_one("#ways", RowTable)
        (table.action_down if by > 0 else table.action_up)()

    def action_other(self, by: int) -> None:
        """To another unfinished run."""
        if len(self._runs) > 1:
            self._at = (self._at + by) % len(self._runs)
            self._advice = None
            self.query_one("#ways", RowTable).set_rows([])
            self._ask()

    def on_lister_pressed(self) -> None:
        """A double click is enter."""
        self.action_place()

    def action_place(self) -> None:
        """Takes the run there; asks where work would leave the devices in general use."""
        if self._advice is None:
            return
        option = self._option
        if option is None:
            self._studio.errands.place_run(self.run_name, "", False, self)
        elif not told_of.can_be_placed(option):
            self._problem(option.problem or "A run cannot be taken there; the line above says what to do.")
        elif option.needs_consent:
            name = option.title or leaf(option.device)
            question = f"Have {leaf(self.run_name)} done by {name}? It takes only what is sent to it."
            self._studio.push_screen(ConfirmDialog(question, "send it there"), lambda yes: self._place(option, yes))
        else:
            self._place(option, True)

    def _place(self, option: advisor_pb2.ComputeOption, yes: bool | None) -> None:
        if yes:
            self._studio.errands.place_run(self.run_name, option.device, option.needs_consent, self)

    def on_run_placed(self, message: told.RunPlaced) -> None:
        """Says so, and looks again."""
        where = leaf(message.device) if message.device else "any device in general use"
        self._studio.notify(f"{leaf(message.run.name)} is done by {where} from now on.")
        self._studio.errands.advise(self.run_name, self)

    def action_leave(self) -> None:
        """Closes."""
        self.dismiss()
