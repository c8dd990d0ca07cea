"""What a sentence turned out to be. The grammar only says it; nothing here does anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Propose:
    """Calls to be proposed, each as (method, request in JSON); `reply` is what is said beside the cards."""

    calls: tuple[tuple[str, Mapping[str, Any]], ...]
    reply: str = ""
    random_seed: bool = False


@dataclass(frozen=True)
class Ask:
    """Something is missing, or can be read in two ways. `slot` is what the answer will say."""

    question: str
    choices: tuple[str, ...] = ()
    slot: str = ""


@dataclass(frozen=True)
class Read:
    """Something to be looked up: `what` is one of the readings, `about` its subject."""

    what: str
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Say:
    """Something to be said as it is; `what` is one of the texts."""

    what: str
    about: Mapping[str, Any] = field(default_factory=dict)


Understood = Propose | Ask | Read | Say
