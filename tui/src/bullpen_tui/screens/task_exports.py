"""Exports among the tasks: stopping one that is made, beginning one again that came to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullpen_api.v1 import export_pb2 as pb

from bullpen_tui import messages as say
from bullpen_tui.exports import told
from bullpen_tui.exports import words as exported
from bullpen_tui.exports.desk import AGAIN, ExportsRead
from bullpen_tui.mirror import leaf

if TYPE_CHECKING:
    from bullpen_tui.screens.base import StudioScreen

    Base = StudioScreen
else:
    Base = object


class TaskExports(Base):
    """Enter and `x` on the export that `export_name` names."""

    @property
    def export_name(self) -> str:
        """The export that the keys act on; empty for none."""
        raise NotImplementedError

    @property
    def the_export(self) -> pb.Export | None:
        """The export as the mirror has it."""
        return self.snapshot.exports.exports.get(self.export_name)

    def open_export(self) -> None:
        """Offers to begin one again that came to nothing; says of one that is made where it goes."""
        from bullpen_tui.screens.dialogs import ConfirmDialog

        export = self.the_export
        if export is None:
            return
        if export.state not in AGAIN:
            self.studio.notify(f"The {exported.kind(export)} goes to {export.path}")
            return
        question = f"{exported.said(export)}.\n\nBegin it again, with what is accepted now?"
        self.studio.push_screen(
            ConfirmDialog(question, "begin again"), lambda yes: self._begin_again(export.name, bool(yes))
        )

    def _begin_again(self, name: str, yes: bool) -> None:
        if yes:
            self.studio.errands.restart_export(name, self)

    def stop_export(self) -> None:
        """Asks, then stops it."""
        from bullpen_tui.screens.dialogs import ConfirmDialog

        name = self.export_name
        question = f"Stop {leaf(name)}? Nothing of it is left; it can be begun again."
        self.studio.push_screen(ConfirmDialog(question, "stop it"), lambda yes: self._stop(name, bool(yes)))

    def _stop(self, name: str, yes: bool) -> None:
        if yes:
            self.studio.errands.stop_export(name, self)

    def on_export_begun(self, message: told.ExportBegun) -> None:
        """Shows it as it is now."""
        self._now(message.export)

    def on_export_stopped(self, message: told.ExportStopped) -> None:
        """Shows it as it is now."""
        self._now(message.export)

    def _now(self, export: pb.Export) -> None:
        self.studio.post_message(say.ChangesArrived((ExportsRead((export,)),)))
