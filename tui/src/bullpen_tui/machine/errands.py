"""What a person may have done with devices. The answer is a message to the one who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullpen_api.v1 import model_pb2
from bullpen_client.errors import StateConflict
from textual.message import Message
from textual.message_pump import MessagePump

from bullpen_tui.machine import told

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp


class MachineErrands:
    """Commands of one studio about its machine."""

    _studio: StudioApp

    def switch_device(
        self, name: str, use: model_pb2.Device.Use.ValueType, to: MessagePump, *, now: bool = False, force: bool = False
    ) -> None:
        """Switches a device; the last one that work may go to is asked about first."""
        daemon = self._studio.daemon

        async def work() -> Message:
            try:
                return told.DeviceSwitched(await daemon.switch_device(name, use, now, force))
            except StateConflict as error:
                if force:
                    raise
                return told.LastDevice(name, use, now, error)

        self._studio.ask(work, lambda message: message, to=to, group="switch")

    def keep_alive(self, model: str, seconds: float | None, to: MessagePump) -> None:
        """Says how long a model stays in memory after its last use; nothing goes back to the daemon's default."""
        self._studio.ask(self._studio.daemon.keep_alive(model, seconds), told.KeepAliveSet, to=to)

    def advise(self, run: str, to: MessagePump) -> None:
        """Asks where a run is best done; only the last answer counts."""
        daemon = self._studio.daemon
        self._studio.ask(
            lambda: daemon.advise(run),
            lambda advice: told.Advised(run, advice),
            to=to,
            refused=lambda error: told.AdviceMissed(run, error),
            group="advice",
            latest_only=True,
        )

    def place_run(self, run: str, device: str, agreed: bool, to: MessagePump) -> None:
        """Has what is left of a run done there."""
        call = self._studio.daemon.place_run(run, device, agreed)
        self._studio.ask(call, lambda placed: told.RunPlaced(placed, device), to=to)
