"""Everything of LabService: pictures from a text, and post-process of a person's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.lab.pictures import PictureLab
from bullpend.lab.service import LabService, RunTask
from bullpend.models.registry import Registry
from bullpend.postprocess.following import RunLongTask
from bullpend.postprocess.resolving import Resolver
from bullpend.remote.cutouts import PaidCutouts
from bullpend.runs.plan import DeviceFacts


class Lab(LabService, PictureLab):
    """One service on the wire, two parts behind it."""

    def __init__(
        self,
        registry: Registry,
        dispatcher: Dispatcher,
        run_task: RunTask,
        devices: Sequence[DeviceFacts],
        most: int,
        scratch: Path,
        *,
        resolver: Resolver,
        run_long_task: RunLongTask,
        roots: Sequence[Path],
        paid: PaidCutouts,
    ) -> None:
        """As its parts."""
        LabService.__init__(self, registry, dispatcher, run_task, devices, most, scratch, paid.consents)
        PictureLab.__init__(self, resolver, run_long_task, roots, scratch, paid)
