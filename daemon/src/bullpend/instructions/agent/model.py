"""Who the external agent is, how far a dispatch has come, and what an agent can say.

    PREPARED ──deliver──► SENDING ──► ACCEPTED ──► ANSWERED
       ▲                    │  ▲          ▲            ▲
       └── nothing left ────┘  └─ again ──┴─ UNCERTAIN ┘
                                            any ──► CLOSED (refused, canceled, or too late)

A delivery is noted before its first byte goes out. What stands at SENDING after a crash may have been taken: the agent
is asked first, and is sent it again only with the same key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit


class State(StrEnum):
    """The names are those of bullpen.v1.InstructionDispatch.State."""

    PREPARED = "PREPARED"
    SENDING = "SENDING"
    UNCERTAIN = "UNCERTAIN"
    ACCEPTED = "ACCEPTED"
    ANSWERED = "ANSWERED"
    CLOSED = "CLOSED"


# An answer can still come.
OPEN = (State.PREPARED, State.SENDING, State.UNCERTAIN, State.ACCEPTED)


class Said(StrEnum):
    """What an agent says of an instruction. The last three are answers: nothing comes after them."""

    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


ANSWERS = (Said.DONE, Said.FAILED, Said.CANCELED)


@dataclass(frozen=True, slots=True)
class Answer:
    """One word of an agent. Both texts are cut to what can be shown."""

    said: Said
    result: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent of the settings. `url` takes instructions; `{url}/{key}` tells of one; `secret` is a vault's name."""

    url: str = ""
    secret: str = ""
    dispatch_seconds: float = 20.0
    retries: int = 2
    pause_seconds: float = 1.0
    answer_seconds: float = 3600.0
    poll_seconds: float = 30.0
    callback_url: str = ""
    callback_port: int = 0
    allow_private: bool = False

    @property
    def host(self) -> str:
        """What a person knows it by."""
        return urlsplit(self.url).netloc

    @property
    def callback(self) -> str:
        """Where the agent is told to send its answer; empty where it is only asked."""
        if self.callback_url:
            return self.callback_url
        return f"http://127.0.0.1:{self.callback_port}{CALLBACK_PATH}" if self.callback_port else ""


CALLBACK_PATH = "/v1/callbacks"
