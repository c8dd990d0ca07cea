"""What the device loop needs of an engine that answers in words, and the few values that pass between them.

An answer is a generator, as denoising is: the engine yields after every token and the loop owns cancel, changes of
sampling and pace. Engines know nothing of the link.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from bullpen_worker.engines.base import ModelSpec

# As llama.cpp's own programs have them.
TEMPERATURE, TOP_K, TOP_P, MIN_P = 0.8, 40, 0.95, 0.05


class LoadCanceledError(Exception):
    """A model was on its way into memory for a job that is to stop."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen. A temperature of 0 takes the likeliest; `max_tokens` 0 is as many as the window holds."""

    temperature: float = TEMPERATURE
    top_k: int = TOP_K
    top_p: float = TOP_P
    min_p: float = MIN_P
    repeat_penalty: float = 1.0
    max_tokens: int = 0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said; `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(slots=True)
class Asked:
    """What an engine is asked to answer. `sampling` is read anew before each token; the engine fills in the counts.

    `grammar` is GBNF that holds from `trigger` on, or from the first token where there is no trigger.
    """

    messages: tuple[Message, ...]
    sampling: Sampling
    grammar: str = ""
    trigger: str = ""
    prompt_tokens: int = 0
    window: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """So many tokens of the conversation are taken in."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Said:
    """One token more of the answer, as whole characters; `finished` is set in the last: why it ended."""

    text: str
    finished: str = ""


STOP, LENGTH, GRAMMAR = "stop", "length", "grammar"


@runtime_checkable
class Speaker(Protocol):
    """An engine that answers in words. `loading` is told how far a model is, 0–1, and says whether to go on."""

    loading: Callable[[ModelSpec, float], bool]

    def write(self, model: Any, asked: Asked) -> Generator[Reading | Said, None, None]:
        """The answer to a conversation. Raises WorkerError, LIMIT_EXCEEDED where the window cannot hold it."""
        ...
