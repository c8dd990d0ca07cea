"""What an export is: its states and their table, what a person wishes, and what it is made of.

    QUEUED ──begin──► RUNNING ──finish──► SUCCEEDED
      │  ▲               ├──── fail ─────► FAILED ─────┐
      │  │               ├── interrupt ──► INTERRUPTED ┤ also from QUEUED
      │  └──────────── restart ──────────┬─────────────┘
      └───── cancel ─────┴──────────────► CANCELED

Every pair that is not in the table changes nothing and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """The names are those of bullpen.v1.Export.State."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    INTERRUPTED = "INTERRUPTED"


class Move(StrEnum):
    """What can happen to an export; the event is named after it."""

    BEGIN = "started"
    SEAL = "sealed"
    FINISH = "succeeded"
    FAIL = "failed"
    CANCEL = "canceled"
    INTERRUPT = "interrupted"
    RESTART = "restarted"


TABLE: Mapping[tuple[State, Move], State] = {
    (State.QUEUED, Move.BEGIN): State.RUNNING,
    (State.QUEUED, Move.CANCEL): State.CANCELED,
    (State.QUEUED, Move.INTERRUPT): State.INTERRUPTED,
    (State.RUNNING, Move.SEAL): State.RUNNING,
    (State.RUNNING, Move.FINISH): State.SUCCEEDED,
    (State.RUNNING, Move.FAIL): State.FAILED,
    (State.RUNNING, Move.CANCEL): State.CANCELED,
    (State.RUNNING, Move.INTERRUPT): State.INTERRUPTED,
    (State.FAILED, Move.RESTART): State.QUEUED,
    (State.CANCELED, Move.RESTART): State.QUEUED,
    (State.INTERRUPTED, Move.RESTART): State.QUEUED,
}
ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELED, State.INTERRUPTED})


def sources(move: Move) -> tuple[State, ...]:
    """States from which a move may happen."""
    return tuple(state for state, known in TABLE if known is move)


class Format(StrEnum):
    """The names are those of bullpen.v1.ExportSpec.Format."""

    BUNDLE = "BUNDLE"
    CBZ = "CBZ"
    PDF_PAGES = "PDF_PAGES"
    PDF_CONTACT_SHEET = "PDF_CONTACT_SHEET"


ENDINGS: Mapping[Format, str] = {
    Format.BUNDLE: ".zip",
    Format.CBZ: ".cbz",
    Format.PDF_PAGES: ".pdf",
    Format.PDF_CONTACT_SHEET: ".pdf",
}
PAGED = (Format.CBZ, Format.PDF_PAGES)
"""Formats whose pages can be laid out."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Panels on a page; lengths in pixels."""

    columns: int
    rows: int
    page_width: int
    page_height: int
    margin: int
    gutter: int
    right_to_left: bool = False

    @property
    def panels(self) -> int:
        """Panels of one page."""
        return self.columns * self.rows


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for, checked. Scenes are ids in the order in which they are to appear; none means all."""

    format: Format
    stage: str = ""
    scenes: tuple[str, ...] = ()
    finished: bool = False
    all_candidates: bool = False
    title: str = ""
    series: str = ""
    layout: Layout | None = None


@dataclass(frozen=True, slots=True)
class Parent:
    """What a picture was made from, at any distance."""

    asset: str
    sha256: str
    kind: str
    origin: str
    derived_from: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """As provenance tells it."""
        return {
            "asset": self.asset,
            "sha256": self.sha256,
            "kind": self.kind.lower(),
            "origin": self.origin,
            "derived_from": list(self.derived_from),
        }


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of an export: a file of the store, the scene that it shows, and how it came to be."""

    scene: str
    title: str
    characters: tuple[str, ...]
    stage: str
    candidate: str
    asset: str
    sha256: str
    mime_type: str
    size_bytes: int
    width: int
    height: int
    accepted: bool = True
    reason: str = ""
    by_hand: bool = False
    seed: int = 0
    model: str = ""
    model_digest: str = ""
    licence: str = ""
    recipe: Mapping[str, object] | None = None
    parents: tuple[Parent, ...] = ()

    @property
    def job(self) -> str:
        """Name of the job that made it; empty where none did."""
        return self.candidate.rpartition("/candidates/")[0]

    @property
    def run(self) -> str:
        """Name of the run that made it; empty where none did."""
        return self.job.rpartition("/jobs/")[0]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A scene that has no picture in the export."""

    scene: str
    title: str


@dataclass(frozen=True, slots=True)
class Content:
    """What an export is made of."""

    project: str
    title: str
    story: str
    pictures: tuple[Picture, ...]
    candidates: tuple[Picture, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    cast: Mapping[str, str] = field(default_factory=dict)
    """Titles of characters by their ids."""

    @property
    def all(self) -> tuple[Picture, ...]:
        """Accepted pictures, and then the others."""
        return self.pictures + self.candidates
