"""Runs that one device alone may take, and whether somebody agreed to that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from google.protobuf.message import Message

from bullpend.db import Row, Tx
from bullpend.errors import DeviceUnavailable, OffloadNotConfirmed, StateConflict
from bullpend.models.uses import known
from bullpend.queueing import store as queueing
from bullpend.runs import saying, store
from bullpend.scheduling.model import Use


class Placing:
    """Decides whether a run may be placed on a device."""

    def __init__(self, devices: Sequence[str], use: Callable[[str], Use]) -> None:
        """`use` says what a device may be given now."""
        self._devices = tuple(devices)
        self._use = use

    def device(self, name: str, confirmed: bool) -> str:
        """The device that is asked for; empty stays empty. Raises DeviceUnavailable, OffloadNotConfirmed."""
        if not name:
            return ""
        device = known(self._devices, name, "device")
        use = self._use(device)
        if use is Use.NONE:
            raise DeviceUnavailable(
                f"{device} is switched off.",
                field="device",
                remedy=f"Switch it on again: `bullpen devices --on {device.removeprefix('devices/')}`.",
                device=device,
            )
        if use is not Use.ALL and not confirmed:
            raise OffloadNotConfirmed(
                f"{device} is not in general use: the run would leave the devices that are.",
                field="confirm_offload",
                device=device,
            )
        return device

    def asked(self, request: Message) -> str:
        """The device that a request for a new run asks for. Raises as `device`."""
        fields = request.DESCRIPTOR.fields_by_name
        if "device" not in fields:
            return ""
        return self.device(request.device, request.confirm_offload)  # type: ignore[attr-defined]  # requests of several kinds


def place(tx: Tx, project: str, slug: str, device: str) -> tuple[Row, list[str]]:
    """Binds what is left of a run to a device; returns its row and its unfinished jobs.

    Raises ResourceNotFound, StateConflict.
    """
    row = queueing.open_run(tx, project, slug, "name")
    if ":" in row["model"]:
        raise StateConflict(
            f"{store.run_name(row)} is done by a provider; no device here can take it.",
            field="name",
            remedy="Cancel it, and plan its scenes anew with a model that runs here.",
        )
    if store.bind(tx, row["id"], device):
        saying.emit_run(tx, row["id"], "run.placed")
    return store.by_id(tx, row["id"]), store.open_jobs_of(tx, row["id"])
