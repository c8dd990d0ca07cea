"""What devices may be given: in general use, kept for runs that are placed there, or switched off.

The settings say which devices are in general use; all others that were found are kept. A person's decision at run time
goes before the settings, and lasts over restarts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bullpen_api.v1 import event_pb2, model_pb2

from bullpend.db import Database, Tx
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.errors import DeviceUnavailable, StateConflict
from bullpend.rpc import names
from bullpend.scheduling import model as s

WORDS = {
    s.Use.ALL: "is in general use",
    s.Use.BOUND: "takes only runs that are placed there",
    s.Use.NONE: "is switched off",
}


def wire(use: s.Use) -> model_pb2.Device.Use.ValueType:
    """A use as the contract has it."""
    return model_pb2.Device.Use.Value(f"USE_{use.name}")


def known(devices: Sequence[str], name: str, field: str) -> str:
    """The device's name, with or without `devices/` before it. Raises DeviceUnavailable."""
    full = name if name.startswith("devices/") else f"devices/{name}"
    if full not in devices:
        raise DeviceUnavailable(
            f"There is no device {name[:100]!r}; there is: {', '.join(devices) or 'none'}.",
            field=field,
            remedy="Name one of these; `bullpen devices` shows them.",
            device=name[:100],
        )
    return full


class Switching:
    """Switches devices. Used on the dispatcher's loop."""

    def __init__(self, database: Database, dispatcher: Dispatcher, own: Mapping[str, s.Use]) -> None:
        """`own` is what the settings say, by device."""
        self._database = database
        self._dispatcher = dispatcher
        self._own = own

    def use(self, device: str) -> s.Use:
        """What the device may be given now."""
        state = self._dispatcher.state.devices.get(device)
        return state.use if state is not None else self._own.get(device, s.Use.ALL)

    async def switch(self, request: model_pb2.SwitchDeviceRequest) -> str:
        """Switches, durably; returns the device's name. Raises DeviceUnavailable, FieldInvalid, StateConflict."""
        name = known(tuple(self._own), request.name, "name")
        said = names.choice(model_pb2.Device.Use.DESCRIPTOR, request.use, "use")
        decided = None if said == "UNSPECIFIED" else s.Use[said]
        use = self._own[name] if decided is None else decided
        others = [other for other in self._own if other != name and self.use(other) is s.Use.ALL]
        if use is not s.Use.ALL and self.use(name) is s.Use.ALL and not others and not request.force:
            raise StateConflict(
                f"{name} is the last device in general use: without it all work that is not placed elsewhere waits.",
                field="use",
                remedy="Put another one into general use first (`bullpen devices --on NAME`), or force it (--force).",
            )
        before = self.use(name)

        def write(tx: Tx) -> None:
            tx.run("DELETE FROM device_uses WHERE device = ?", name)
            if decided is not None:
                tx.insert("device_uses", {"device": name, "use": decided.value})
            if use is not before:
                details = {"device": name, "use": use.value}
                notice = event_pb2.Notice(message=f"{name} {WORDS[use]}.", details=details)
                tx.emit("", name, "device.switched", event_pb2.Event(notice=notice).SerializeToString())

        await self._database.write(write)
        self._dispatcher.tell(s.DeviceSwitched(name, use, request.now))
        if use is s.Use.NONE:
            self._dispatcher.memory.lost(name, "the device was switched off")
        return name
