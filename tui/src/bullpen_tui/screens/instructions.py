"""Instructions: what was proposed and waits for a person, what is carried out, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from bullpen_api.v1 import instruction_pb2, system_pb2
from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import proposals, words
from bullpen_tui.mirror import Listed, leaf
from bullpen_tui.plan import plan_lines
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.deciding import Deciding
from bullpen_tui.talk import handing, told
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.rows import RowTable
from bullpen_tui.widgets.said import Said, entitle
from bullpen_tui.widgets.tabs import TabLine

TIMES_SECONDS = 5.0
_OFFERED = proposals.AGAIN | {instruction_pb2.Instruction.STATE_DRAFT}
"""States in which an instruction may be handed over instead."""
NONE = words.text(
    "Nothing was proposed in this project yet.\n\n", ("4", "bold $accent"), " goes to the copilot, which proposes runs."
)


class InstructionsScreen(Deciding, StudioScreen):
    """The queue at the left, one instruction with its card, timeline and plan at the right."""

    place: ClassVar[str] = "instructions"
    tabs = tuple(name for name, _ in proposals.TABS)

    def __init__(self) -> None:
        super().__init__()
        self._asked = ""
        self._to = ""
        self._handing = False

    def body(self) -> Iterable[Widget]:
        """Tabs, table, card."""
        yield TabLine()
        with Horizontal():
            with Vertical(classes="pane", id="instructions-pane"):
                yield RowTable(proposals.COLUMNS, empty="Reading…", dom_id="instructions")
            with VerticalScroll(classes="pane", id="instruction-pane", can_focus=False):
                yield Said(dom_id="instruction-words")

    def on_mount(self) -> None:
        """Keeps times and expiry going."""
        super().on_mount()
        self.set_interval(TIMES_SECONDS, self.draw)

    def draw(self) -> None:
        """Draws rows and card in place."""
        project, now = self.studio.project, self.studio.now()
        every: list[instruction_pb2.Instruction] = []
        if project:
            self.studio.reading.instructions(project)
            every = self.snapshot.instructions.of(project)
        counts = [sum(one.state in states for one in every) if states else len(every) for _, states in proposals.TABS]
        names = [f"{name} {count or words.DASH}" for (name, _), count in zip(proposals.TABS, counts, strict=True)]
        self.query_one(TabLine).open(names, self.tab_open)
        states = proposals.TABS[self.tab_open][1]
        found = [one for one in every if not states or one.state in states]
        table = self.query_one("#instructions", RowTable)
        if self.studio.reading.known(f"instructions {project}"):
            table.set_empty(words.text("None of these.") if every else NONE)
        table.set_items(found, lambda one: proposals.instruction_row(one, now))
        if not self._to.startswith(f"{project}/"):
            self._to = ""
        if self._to in [one.name for one in found] and table.move_to(self._to):
            self._to = ""
        if self._handing and self.snapshot.answer("settings", system_pb2.ListSettingsResponse) is not None:
            self._handing = False
            self.action_hand_over()
        entitle(self.query_one("#instructions-pane"), leaf(project))
        self._draw_card()

    def _draw_card(self) -> None:
        one, now = self.decided, self.studio.now()
        said = self.query_one("#instruction-words", Said)
        if one is None:
            said.say("")
            return
        if one.type == instruction_pb2.Instruction.TYPE_PIPELINE_RUN and one.name != self._asked:
            self._asked = one.name
            self.studio.reading.instruction(one.name)
        rows = [*proposals.card_lines(one, now), Content(""), *proposals.timeline(one, now)]
        whole = self.snapshot.answer(f"instruction {one.name}", instruction_pb2.Instruction)
        if whole is not None and whole.preview.plan.jobs:
            rows += [Content(""), words.text(("plan", words.QUIET)), *plan_lines(whole.preview.plan, None, "")]
        said.say(words.lines(rows))

    @on(Lister.Moved)
    def _other(self) -> None:
        self._draw_card()

    @property
    def decided(self) -> instruction_pb2.Instruction | None:
        """The instruction under the cursor; none while the cursor is on its way to a new one."""
        if self._to:
            return None
        return self.snapshot.instructions.get(self.query_one("#instructions", RowTable).cursor_key or "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works on the instruction under the cursor."""
        if not self.is_mounted:
            return True
        if action == "hand_over":
            return bool(self.studio.project) and self.studio.connected
        if action == "open":
            return self.decided is not None and bool(self.decided.run)
        return self.check_decision(action)

    def action_hand_over(self) -> None:
        """Asks what the external agent is to do; what is under the cursor stands there already."""
        agent = handing.agent_of(self.snapshot.answer("settings", system_pb2.ListSettingsResponse))
        if agent is None:
            self._handing = True
            self.studio.reading.settings()
        elif not agent:
            self.notify(handing.NO_AGENT, title="Nothing can be handed over", severity="warning")
        else:
            self._ask_what(agent)

    def _ask_what(self, agent: str) -> None:
        from bullpen_tui.screens.lines import CheckedLines

        project = self.studio.project
        one = self.decided if self.decided is not None and self.decided.state in _OFFERED else None

        def propose(said: Mapping[str, str] | None) -> None:
            if said is not None:
                self.studio.errands.create_instruction(project, handing.instruction_of(said), self)

        title = f"Hand over to {agent}"
        self.studio.push_screen(CheckedLines(title, handing.lines_for(one), handing.problem_of), propose)

    def on_instruction_proposed(self, message: told.InstructionProposed) -> None:
        """Goes to the new draft; until it is under the cursor no key decides about another one."""
        self._to = message.instruction.name
        self.tab_open = 0
        self.studio.post_message(say.ChangesArrived((Listed((message.instruction,)),)))
        self.notify("It is proposed. Look at it, and confirm it with y.")

    def action_open(self) -> None:
        """Opens the run that it started."""
        if self.decided is not None and self.decided.run:
            self.studio.open_run(self.decided.run)
