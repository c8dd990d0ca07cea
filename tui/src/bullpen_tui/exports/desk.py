"""What the studio knows of exports, as one immutable value: they come and go, and of each how far it was last.

Of two versions of an export the one with the larger revision wins; the newest progress wins whatever it says, since an
export counts its files anew in each step; one that has ended has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bullpen_api.v1 import event_pb2
from bullpen_api.v1 import export_pb2 as pb

Item = TypeVar("Item")
GOING = (pb.Export.STATE_QUEUED, pb.Export.STATE_RUNNING)
AGAIN = (pb.Export.STATE_INTERRUPTED, pb.Export.STATE_FAILED)
"""What waits for a person: it can be begun again."""
ENDED = (pb.Export.STATE_SUCCEEDED, pb.Export.STATE_FAILED, pb.Export.STATE_CANCELED, pb.Export.STATE_INTERRUPTED)
DELETED = "export.deleted"


def is_export(name: str) -> bool:
    """Whether a resource is an export."""
    return "/exports/" in name


@dataclass(frozen=True)
class Desk:
    """Exports by name. The messages inside are values: nobody changes them."""

    exports: Mapping[str, pb.Export] = field(default_factory=dict)
    progress: Mapping[str, event_pb2.Progress] = field(default_factory=dict)
    checks: Mapping[str, pb.CheckExportResponse] = field(default_factory=dict)
    """What was found when a file was read again."""
    read: bool = False
    """Whether a list call has answered."""

    def told(self, answer: ExportsRead) -> Desk:
        """With what a call answered."""
        desk = self
        for export in answer.exports:
            desk = desk._put(export)
        for name in answer.gone:
            desk = desk._without(name)
        found = {name: one for name, one in answer.checks.items() if name in desk.exports}
        return replace(desk, checks={**desk.checks, **found}, read=desk.read or answer.listed)

    def happened(self, event: event_pb2.Event) -> Desk:
        """With what an event says."""
        if event.kind == DELETED:
            return self._without(event.export.name)
        return self._put(event.export)

    def moved(self, mark: event_pb2.Progress) -> Desk:
        """With the newest word on how far one is."""
        known = self.exports.get(mark.candidate)
        if known is not None and known.state in ENDED:
            return self
        return replace(self, progress={**self.progress, mark.candidate: mark})

    def restarted(self) -> Desk:
        """Of another daemon: nothing is said yet of how far anything is."""
        return replace(self, progress={})

    def tasks(self) -> list[pb.Export]:
        """Those that are made or wait, then those that can be begun again."""
        found = [one for one in self.exports.values() if one.state in (*GOING, *AGAIN)]
        return sorted(found, key=lambda one: (one.state not in GOING, -one.state, one.name))

    def newest(self) -> list[pb.Export]:
        """All of them, the newest first."""
        times = {name: (one.create_time.seconds, one.create_time.nanos, name) for name, one in self.exports.items()}
        return sorted(self.exports.values(), key=lambda one: times[one.name], reverse=True)

    def _without(self, name: str) -> Desk:
        def rest(items: Mapping[str, Item]) -> dict[str, Item]:
            return {key: one for key, one in items.items() if key != name}

        return replace(self, exports=rest(self.exports), progress=rest(self.progress), checks=rest(self.checks))

    def _put(self, export: pb.Export) -> Desk:
        known = self.exports.get(export.name)
        if known is not None and known.revision > export.revision:
            return self
        progress = self.progress
        if export.state in ENDED:
            progress = {name: one for name, one in progress.items() if name != export.name}
        checks = self.checks
        if known is not None and known.sha256 != export.sha256:
            checks = {name: one for name, one in checks.items() if name != export.name}
        return replace(self, exports={**self.exports, export.name: export}, progress=progress, checks=checks)


@dataclass(frozen=True)
class ExportsRead:
    """Calls answered with these exports and checks, or that some are gone; `listed` says that it was the list."""

    exports: tuple[pb.Export, ...]
    checks: Mapping[str, pb.CheckExportResponse] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    listed: bool = False
