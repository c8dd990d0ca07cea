"""What a person may have done about exports. The answer is a message to the one who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullpen_api.v1 import export_pb2 as pb
from textual.message_pump import MessagePump

from bullpen_tui.exports import told

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp


class ExportErrands:
    """Commands of one studio about exports."""

    _studio: StudioApp

    def look_at_export(self, project: str, spec: pb.ExportSpec, to: MessagePump) -> None:
        """What an export would hold; only the last answer counts."""
        daemon = self._studio.daemon
        self._studio.ask(
            lambda: daemon.look_at_export(project, spec),
            told.ExportLooked,
            to=to,
            refused=lambda error: told.ExportRefused(error, begun=False),
            group="export",
            latest_only=True,
        )

    def begin_export(self, project: str, spec: pb.ExportSpec, request_id: str, to: MessagePump) -> None:
        """Begins an export."""
        self._studio.ask(
            self._studio.daemon.begin_export(project, spec, request_id),
            told.ExportBegun,
            to=to,
            refused=lambda error: told.ExportRefused(error, begun=True),
        )

    def stop_export(self, name: str, to: MessagePump) -> None:
        """Stops an export."""
        self._studio.ask(self._studio.daemon.stop_export(name), told.ExportStopped, to=to)

    def restart_export(self, name: str, to: MessagePump) -> None:
        """Begins one that came to nothing once more."""
        self._studio.ask(self._studio.daemon.restart_export(name), told.ExportBegun, to=to)

    def check_export(self, name: str, to: MessagePump, *, asked: bool) -> None:
        """Has the file of an export read again; `asked` says that a person waits for the answer."""
        self._studio.ask(
            self._studio.daemon.check_export(name),
            lambda answer: told.ExportChecked(name, answer, asked),
            to=to,
            refused=lambda error: told.ExportUnchecked(name, error, asked),
            group="check",
        )

    def forget_export(self, name: str, to: MessagePump) -> None:
        """Forgets one that has ended."""
        self._studio.ask(
            self._studio.daemon.forget_export(name),
            lambda answer: told.ExportForgotten(name, answer.file_deleted),
            to=to,
        )
