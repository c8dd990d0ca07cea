"""What the studio knows of exports, as one immutable value: they come and go, and of each how far it was last.

Of two versions of an export the one with the larger revision wins; the newest progress wins whatever it says, since an
export counts its files anew in each step; one that has ended has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bullpen_api.v1 import event_pb2
from bullpen_api.v1 import export_pb2 as pb

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

    def listed(self, exports: Iterable[pb.Export]) -> Desk:
        """With what a list call answered."""
        desk = self
        for export in exports:
            desk = desk._put(export)
        return desk

    def happened(self, event: event_pb2.Event) -> Desk:
        """With what an event says."""
        if event.kind == DELETED:
            return replace(
                self,
                exports={name: one for name, one in self.exports.items() if name != event.export.name},
                progress={name: one for name, one in self.progress.items() if name != event.export.name},
            )
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

    def _put(self, export: pb.Export) -> Desk:
        known = self.exports.get(export.name)
        if known is not None and known.revision > export.revision:
            return self
        progress = self.progress
        if export.state in ENDED:
            progress = {name: one for name, one in progress.items() if name != export.name}
        return replace(self, exports={**self.exports, export.name: export}, progress=progress)


@dataclass(frozen=True)
class ExportsRead:
    """A list call answered with these exports."""

    exports: tuple[pb.Export, ...]
