"""What is known of the places where a run could be done, and what is said about each. Frozen, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bullpend.costs.model import Money
from bullpend.runs.estimates import Basis
from bullpend.scheduling.model import Use


class Fit(StrEnum):
    """Whether a run fits a device's memory; the names are those of bullpen.v1.ComputeOption.Fit."""

    UNSPECIFIED = "UNSPECIFIED"
    NOW = "NOW"
    AFTER_MAKING_ROOM = "AFTER_MAKING_ROOM"
    IN_PARTS = "IN_PARTS"
    NOT = "NOT"
    NOT_NEEDED = "NOT_NEEDED"


@dataclass(frozen=True, slots=True)
class Memory:
    """A device's memory in bytes: what the run needs, what there is, what is free (None where nobody knows)."""

    needed: int
    total: int
    free: int | None = None
    # The run's model is there already; only its work needs room.
    resident: bool = False
    # Whether the device can hold one network at a time.
    parts: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A device, or a provider's model, with everything that the comparison needs to know. Times are in seconds, None
    where nothing like it was measured.
    """

    device: str
    kind: str
    model: str
    title: str = ""
    use: Use = Use.ALL
    # None for a provider, which looks after its own memory.
    memory: Memory | None = None
    picture_seconds: float | None = None
    basis: Basis | None = None
    jobs_ahead: int = 0
    wait: float | None = 0.0
    cost: Money | None = None
    # Why it cannot be done here; empty where it can.
    problem: str = ""

    @property
    def remote(self) -> bool:
        """Whether it is a provider's."""
        return self.memory is None

    @property
    def needs_consent(self) -> bool:
        """Whether somebody has to agree: it is not in general use, or pictures would leave this machine."""
        return self.remote or self.use is not Use.ALL

    @property
    def label(self) -> str:
        """What it is called: the device, or the provider's model."""
        return self.model if self.remote else self.device


@dataclass(frozen=True, slots=True)
class Option:
    """A place, judged."""

    place: Place
    fit: Fit
    # Seconds from now to the last picture.
    total: float | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """The options, the best first, and which is recommended and why; `recommended` is None where nothing can."""

    options: tuple[Option, ...]
    recommended: Option | None
    reason: str
