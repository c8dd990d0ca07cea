"""What the remote room knows: paid requests with their states, orders, answers.

A paid request is written down before anything is sent. PREPARED means that nothing was sent, or that the provider said
that nothing was done; from SENT on it may have cost money, and only three facts lead further: an answer that is kept
here, a refusal by the provider, or that nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bullpend.costs.model import Money


class PaidState(StrEnum):
    """The names are those of bullpen.v1.PaidRequest.State."""

    PREPARED = "PREPARED"
    SENT = "SENT"
    ANSWERED = "ANSWERED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


# Where each state may lead; every other pair is refused. SENT → PREPARED: the provider was not reached, or took
# nothing.
PAID_TABLE: Mapping[PaidState, frozenset[PaidState]] = {
    PaidState.PREPARED: frozenset({PaidState.SENT, PaidState.FAILED}),
    PaidState.SENT: frozenset({PaidState.PREPARED, PaidState.ANSWERED, PaidState.FAILED, PaidState.UNKNOWN}),
    PaidState.ANSWERED: frozenset(),
    PaidState.FAILED: frozenset(),
    # A person says what became of it.
    PaidState.UNKNOWN: frozenset({PaidState.FAILED}),
}

MEANINGS: Mapping[PaidState, str] = {
    PaidState.PREPARED: "Nothing was sent yet.",
    PaidState.SENT: "It was sent, and the answer is waited for.",
    PaidState.ANSWERED: "The provider answered and charged it.",
    PaidState.FAILED: "It brought no picture, and nothing was charged.",
    PaidState.UNKNOWN: (
        "It was sent, and its answer was lost: the provider may have charged it or not. It is not sent again. "
        "Look it up in the provider's list of usage, then resolve it as charged or as not charged."
    ),
}
CHARGED_IN_VAIN = "It brought no picture, but the provider charged it."


class Resolution(StrEnum):
    """What a person found out; the names are those of bullpen.v1.PaidRequest.Resolution."""

    CHARGED = "CHARGED"
    NOT_CHARGED = "NOT_CHARGED"


@dataclass(frozen=True, slots=True)
class Account:
    """A provider account: its resource name, provider (lower case), address, and names of secrets by their use."""

    name: str
    provider: str
    base_url: str
    secret_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that goes to a provider: pixels only, made by a worker. `path` is a PNG."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The pictures of a call, as PNG: the one to work on, those that steer, and where to paint. Empty for none."""

    source: bytes = b""
    references: tuple[bytes, ...] = ()
    mask: bytes = b""


@dataclass(frozen=True, slots=True)
class Order:
    """One call that is to be paid.

    `confirmation` is what a person's consent covers exactly once: a candidate's name, or a lab call with its content.
    `repeatable` says that a call that was charged in vain may be made again under it, because each call is confirmed
    anew. `size` is width × height in pixels of what is asked for; None where the provider keeps the upload's.
    `references` steer an edit of `upload`, and `mask` is transparent where it is to be made anew.
    """

    confirmation: str
    subject: str
    operation: str
    model: str
    account: Account
    estimate: Money
    project: str = ""
    run: str = ""
    stage: str = ""
    prompt: str = ""
    upload: Upload | None = None
    references: tuple[Upload, ...] = ()
    mask: Upload | None = None
    size: tuple[int, int] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False

    @property
    def content(self) -> tuple[object, ...]:
        """What tells it from another order under the same confirmation."""
        pictures = [one.sha256 if one else "" for one in (self.upload, self.mask, *self.references)]
        return (self.confirmation, self.account.name, self.model, self.prompt, self.size, *pictures)


@dataclass(frozen=True, slots=True)
class Paid:
    """An answer that is kept: the picture as the provider sent it, undecoded, and what it cost."""

    request: str
    path: Path
    amount: Money
    units: Mapping[str, float]


def name_of(slug: str) -> str:
    """The resource name of a paid request."""
    return f"paidRequests/{slug}"
