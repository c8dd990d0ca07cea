"""What can be done with an instruction, the same where it is a row and where it is a card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bullpen_api.v1 import instruction_pb2
from textual.containers import VerticalScroll

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.mirror import Listed, leaf
from bullpen_tui.proposals import AGAIN, MARKS, OPEN, cost_of, expired
from bullpen_tui.talk import editing, handing
from bullpen_tui.words import state

if TYPE_CHECKING:
    from bullpen_tui.screens.base import StudioScreen

    Base = StudioScreen
else:
    Base = object


class Deciding(Base):
    """Confirm, cancel, show anew and retry the instruction that `decided` names."""

    @property
    def decided(self) -> instruction_pb2.Instruction | None:
        """The instruction that the keys act on."""
        raise NotImplementedError

    def check_decision(self, action: str) -> bool:
        """Whether an action on the instruction works now; true for actions that are none."""
        one = self.decided
        draft = one is not None and one.state == instruction_pb2.Instruction.STATE_DRAFT
        if action == "confirm":
            return draft and one is not None and not expired(one, self.studio.now())
        if action in ("show_anew", "edit_instruction"):
            return draft
        if action == "cancel_instruction":
            return one is not None and one.state in OPEN
        if action == "retry_instruction":
            return one is not None and one.state in AGAIN
        return True

    def action_confirm(self) -> None:
        """Confirms what was shown; where it costs money the sum is asked for once more."""
        from bullpen_tui.screens.dialogs import ConfirmDialog

        one = self.decided
        if one is None:
            return
        spend = bool(cost_of(one))

        def answered(yes: bool | None) -> None:
            if yes:
                self.studio.errands.confirm(one.name, one.digest, spend, self)

        if handing.for_agent(one):
            self.studio.push_screen(ConfirmDialog(handing.question(one), "send it"), answered)
        elif spend:
            question = words.text(f"This costs about {cost_of(one)}: {one.preview.summary or one.objective}")
            self.studio.push_screen(ConfirmDialog(question, "spend it"), answered)
        else:
            answered(True)

    def action_cancel_instruction(self) -> None:
        """Ends the instruction."""
        if (one := self.decided) is not None:
            self.studio.errands.cancel_instruction(one.name, self)

    def action_edit_instruction(self) -> None:
        """Shows what the draft says, to be changed; it is then shown anew and confirmed by its new digest."""
        from bullpen_tui.screens.lines import CheckedLines

        one = self.decided
        if one is None:
            return

        def problem(said: Mapping[str, str]) -> str:
            try:
                editing.edited(one, said)
            except editing.Unreadable as error:
                return str(error)
            return ""

        def keep(said: Mapping[str, str] | None) -> None:
            if said is not None:
                self.studio.errands.update_instruction(editing.edited(one, said), self)

        title = f"Change {leaf(one.name)}"
        self.studio.push_screen(CheckedLines(title, editing.lines_of(one), problem), keep)

    def action_card_down(self) -> None:
        """Shows what stands further down."""
        self.query_one(VerticalScroll).scroll_page_down(animate=False)

    def action_card_up(self) -> None:
        """Shows what stands further up."""
        self.query_one(VerticalScroll).scroll_page_up(animate=False)

    def action_show_anew(self) -> None:
        """Has the target looked at again."""
        if (one := self.decided) is not None:
            self.studio.errands.show_anew(one.name, self)

    def action_retry_instruction(self) -> None:
        """Proposes it again."""
        if (one := self.decided) is not None:
            self.studio.errands.retry_instruction(one.name, self)

    def on_instruction_changed(self, message: say.InstructionChanged) -> None:
        """Shows the instruction as it is now."""
        self.studio.post_message(say.ChangesArrived((Listed((message.instruction,)),)))
        word = state(MARKS, message.instruction.state)[2]
        self.notify(f"{message.instruction.preview.summary or message.instruction.objective}: {word}.")
