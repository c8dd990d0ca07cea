"""Windows of the copilot: what shall answer, and how it chooses its words, also while it answers."""

from __future__ import annotations

from typing import ClassVar

from bullpen_api.v1 import copilot_pb2
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.mirror import Listed
from bullpen_tui.screens.dialogs import hint
from bullpen_tui.screens.narrowing import ListDialog
from bullpen_tui.talk import told
from bullpen_tui.talk.engines import (
    COLUMNS,
    KNOB_COLUMNS,
    KNOBS,
    answering,
    engine_lines,
    engine_row,
    knob_row,
    turned,
)
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.rows import RowTable
from bullpen_tui.widgets.said import Said


class EngineDialog(ListDialog[str]):
    """What can answer. Gives the name of what was chosen."""

    def __init__(self, session: str, chosen: str) -> None:
        """`session` is the open conversation, `chosen` what was chosen before there is one; either may be empty."""
        super().__init__()
        self._session = session
        self._chosen = chosen
        self._begun = False

    def compose(self) -> ComposeResult:
        """Rows, the sentences about one, keys."""
        with Vertical(classes="dialog wide tall") as dialog:
            dialog.border_title = "What answers"
            yield RowTable(COLUMNS, empty="Looking…", dom_id="engines")
            yield Said(dom_id="engine-words")
            keys = hint(("enter", "let it answer here"), ("r", "look again"), ("esc", "leave"))
            yield Said(keys, classes="hint")

    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "look", show=False)]

    def on_mount(self) -> None:
        """Looks for what came since."""
        super().on_mount()
        self.action_look()

    @property
    def _engines(self) -> list[copilot_pb2.ChatEngine]:
        found = self.studio.snapshot.answer("chat engines", copilot_pb2.ListChatEnginesResponse)
        return list(found.chat_engines) if found is not None else []

    @property
    def _now(self) -> str:
        one = answering(self.studio.snapshot.chat_sessions.get(self._session), self._chosen, self._engines)
        return one.name if one is not None else ""

    def draw(self) -> None:
        """The engines, with the one that answers under the cursor first."""
        now = self._now
        self.table.set_rows([engine_row(one, one.name == now) for one in self._engines])
        if now and not self._begun:
            self._begun = True
            self.table.move_to(now)
        self._draw_words()

    def _draw_words(self) -> None:
        one = self._one
        self.query_one("#engine-words", Said).say(
            words.lines(engine_lines(one, one.name == self._now)) if one is not None else ""
        )

    @property
    def _one(self) -> copilot_pb2.ChatEngine | None:
        return next((one for one in self._engines if one.name == self.table.cursor_key), None)

    @on(Lister.Moved)
    def _moved(self) -> None:
        self._draw_words()

    def action_look(self) -> None:
        """Looks into the model folders, and at what is in memory."""
        self.studio.reading.chat_engines()

    def action_choose(self) -> None:
        """Takes the engine under the cursor, if it can answer."""
        one = self._one
        if one is not None and not one.available:
            self.notify(f"{one.detail} {one.remedy}", title="It cannot answer", severity="warning")
        elif one is not None:
            self.dismiss(one.name)


class SamplingDialog(ListDialog[None]):
    """How words are chosen; each change counts at once, also for the answer that is being written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,l,right,equals_sign", "turn(1)", show=False),
        Binding("minus,h,left", "turn(-1)", show=False),
        Binding("greater_than_sign,pageup", "turn(10)", show=False),
        Binding("less_than_sign,pagedown", "turn(-10)", show=False),
        Binding("delete,backspace,0", "turn(0)", show=False),
    ]

    def __init__(self, session: str) -> None:
        super().__init__()
        self._session = session
        self._wanted: copilot_pb2.ChatSampling | None = None
        self._under_way = 0

    def compose(self) -> ComposeResult:
        """Values, keys."""
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "How words are chosen"
            yield RowTable(KNOB_COLUMNS, head=False, dom_id="knobs")
            yield Said(dom_id="knob-words")
            keys = hint(("+ -", "turn"), ("< >", "ten steps"), ("0", "leave it to the engine"), ("esc", "done"))
            yield Said(keys, classes="hint")

    @property
    def _sampling(self) -> copilot_pb2.ChatSampling:
        session = self.studio.snapshot.chat_sessions.get(self._session)
        if self._wanted is not None:
            return self._wanted
        return session.sampling if session is not None else copilot_pb2.ChatSampling()

    def draw(self) -> None:
        """The values as they are now, and whether anybody heeds them."""
        self.table.set_rows([knob_row(self._sampling, knob) for knob in KNOBS])
        session = self.studio.snapshot.chat_sessions.get(self._session)
        engines = self.studio.snapshot.answer("chat engines", copilot_pb2.ListChatEnginesResponse)
        one = answering(session, "", list(engines.chat_engines) if engines is not None else [])
        line = "An answer that is being written takes it from its next word on."
        if one is not None and not one.language_model:
            line = f"{one.title} uses none of it; a language model will."
        self.query_one("#knob-words", Said).say(words.text((line, words.QUIET)))

    def action_turn(self, by: int) -> None:
        """Turns the value under the cursor."""
        knob = next((knob for knob in KNOBS if knob.name == self.table.cursor_key), None)
        if knob is None:
            return
        self._wanted = turned(self._sampling, knob, by)
        self._under_way += 1
        change = copilot_pb2.ChatSession(name=self._session, sampling=self._wanted)
        self.studio.errands.update_chat(change, ("sampling",), "", self)
        self.draw()

    def action_choose(self) -> None:
        """Enter is done here; what was turned counts already."""
        self.dismiss(None)

    def on_chat_changed(self, message: told.ChatChanged) -> None:
        """What the daemon keeps; while more changes are on their way, what is wanted is shown."""
        self.studio.post_message(say.ChangesArrived((Listed((message.session,)),)))
        self._settled()

    def on_call_refused(self) -> None:
        """Shows what holds; the studio says why."""
        self._settled()

    def _settled(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._wanted = None
        self.draw()
