"""What can be done with a whole run, the same on every screen that shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullpen_api.v1 import run_pb2

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.mirror import Listed, leaf

if TYPE_CHECKING:
    from bullpen_tui.screens.base import StudioScreen

    Base = StudioScreen
else:
    Base = object

_RETRYABLE = (run_pb2.Run.STATE_PARTIAL, run_pb2.Run.STATE_FAILED, run_pb2.Run.STATE_CANCELED)


class RunActions(Base):
    """Cancel, retry and log of the run that `run_name` names."""

    @property
    def run_name(self) -> str:
        """The run that the keys act on; empty for none."""
        raise NotImplementedError

    @property
    def the_run(self) -> run_pb2.Run | None:
        """The run as the mirror has it."""
        return self.snapshot.runs.get(self.run_name)

    def check_run_action(self, action: str) -> bool:
        """Whether an action on the run works now; true for actions that are none."""
        run = self.the_run
        if action == "cancel_run":
            return run is not None and run.state not in words.ENDED_RUNS
        if action == "pause_run":
            return run is not None and run.state not in words.ENDED_RUNS
        if action == "retry_run":
            return run is not None and run.state in _RETRYABLE
        if action == "show_log":
            return run is not None and bool(run.log_path)
        return True

    def action_cancel_run(self) -> None:
        """Asks, then stops the run."""
        from bullpen_tui.screens.dialogs import ConfirmDialog

        name = self.run_name
        question = f"Stop {leaf(name)}? Finished pictures stay; the rest can be retried."
        self.studio.push_screen(ConfirmDialog(question, "stop the run"), lambda yes: self._cancel(name, bool(yes)))

    def _cancel(self, name: str, yes: bool) -> None:
        if yes:
            self.studio.errands.cancel_run(name, self)

    def on_run_stopped(self, message: say.RunStopped) -> None:
        """Shows the run as it is now."""
        self.studio.post_message(say.ChangesArrived((Listed((message.run,)),)))
        self.notify(f"{leaf(message.run.name)} is being stopped; finished pictures stay.")

    def action_pause_run(self) -> None:
        """Lets the run wait, or go on."""
        if (run := self.the_run) is not None:
            self.studio.errands.pause_run(run.name, not run.paused, self)

    def on_run_paused(self, message: say.RunPaused) -> None:
        """Shows the run as it is now."""
        self.studio.post_message(say.ChangesArrived((Listed((message.run,)),)))
        waits = "waits; finished pictures stay." if message.run.paused else "goes on."
        self.notify(f"{leaf(message.run.name)} {waits}")

    def action_retry_run(self) -> None:
        """Starts a run from what failed."""
        self.studio.errands.retry_run(self.run_name, self)

    def on_run_started(self, message: say.RunStarted) -> None:
        """Opens the new run."""
        self.studio.post_message(say.ChangesArrived((Listed((message.run,)),)))
        self.studio.open_run(message.run.name)

    def action_show_log(self) -> None:
        """Says where the run log lies."""
        run = self.the_run
        if run is not None and run.log_path:
            self.notify(run.log_path, title="Run log")
