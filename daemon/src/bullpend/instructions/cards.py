"""Cards: what a person sees of a call before they confirm it, and what the digest covers beside the call itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bullpen_api.v1 import instruction_pb2, run_pb2


@dataclass
class Shown:
    """A card, the plan of a run, and what the digest covers."""

    preview: instruction_pb2.InstructionPreview
    target: dict[str, Any] = field(default_factory=dict)
    plan: run_pb2.Plan | None = None

    @property
    def plan_digest(self) -> str:
        """Digest of the run's plan; empty for other calls."""
        return self.plan.digest if self.plan is not None else ""

    @property
    def confirm_until(self) -> float | None:
        """Seconds since 1970 until which its price holds; None where it has none."""
        if self.plan is None or not self.plan.HasField("confirm_until"):
            return None
        return self.plan.confirm_until.ToMicroseconds() / 1e6


def card(summary: str, *facts: tuple[str, object]) -> instruction_pb2.InstructionPreview:
    """A card with its facts; facts without a value are left out."""
    made = instruction_pb2.InstructionPreview(summary=summary)
    for label, value in facts:
        if value not in ("", None):
            made.facts.add(label=label, value=str(value))
    return made


def ident(name: str) -> str:
    """The last part of a resource name."""
    return name.rpartition("/")[2]


def count(number: int, word: str) -> str:
    """`1 scene`, `2 scenes`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def size(count: int) -> str:
    """Bytes as people say them: `12 kB`, `3.4 MB`."""
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{max(1, round(count / 1e3))} kB"


def few(names: Sequence[str]) -> str:
    """The first of several names, and how many more there are."""
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"


def money(preview: instruction_pb2.InstructionPreview) -> str:
    """What it costs in words; empty where it costs no money."""
    if preview.HasField("estimated_cost"):
        return f"{preview.estimated_cost.micros / 1e6:.2f} {preview.estimated_cost.currency_code}"
    return f"{preview.estimated_cost_usd:.2f} USD" if preview.estimated_cost_usd > 0 else ""
