"""How much is measured, and how rows are found."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.table import Row


@dataclass(frozen=True, slots=True)
class Effort:
    """What the command line asks for: `quick` measures less, for a first look; `folder` is where what takes very long
    keeps its place, to go on there.
    """

    quick: bool = False
    threads: int = 1
    folder: Path | None = None

    def count(self, full: int, quick: int) -> int:
        """A number of repetitions."""
        return quick if self.quick else full


Measure = Callable[[Effort], Coroutine[Any, Any, list[Row]]]
