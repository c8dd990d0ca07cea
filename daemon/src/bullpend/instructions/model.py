"""What an instruction is: its states and their table, how workers take it up, and which calls it can be.

    DRAFT ──confirm──► QUEUED ──claim──► RUNNING ──► DONE | FAILED
      │                  ▲  │               │
      │                  └──┼── retry ──────┤ a failed attempt, or a lost lock
      └────── cancel ───────┴── cancel ─────┴──► CANCELED

Every pair that is not in the table changes nothing and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The names are those of bullpen.v1.Instruction.State."""

    DRAFT = "DRAFT"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class Executor(StrEnum):
    """Who carries an instruction out; the names are those of bullpen.v1.InstructionExecution.Executor."""

    DAEMON = "DAEMON"
    AGENT = "AGENT"


class Move(StrEnum):
    """What can happen to an instruction; the event is named after it."""

    SHOW = "shown"
    CONFIRM = "queued"
    CLAIM = "running"
    RETRY = "retrying"
    FINISH = "done"
    FAIL = "failed"
    ASK_CANCEL = "canceling"
    CANCEL = "canceled"


TABLE: Mapping[tuple[State, Move], State] = {
    (State.DRAFT, Move.SHOW): State.DRAFT,
    (State.DRAFT, Move.CONFIRM): State.QUEUED,
    (State.DRAFT, Move.CANCEL): State.CANCELED,
    (State.QUEUED, Move.CLAIM): State.RUNNING,
    (State.QUEUED, Move.CANCEL): State.CANCELED,
    # A lock that ran out: another worker takes it up where the first one left it.
    (State.RUNNING, Move.CLAIM): State.RUNNING,
    (State.RUNNING, Move.RETRY): State.QUEUED,
    (State.RUNNING, Move.FINISH): State.DONE,
    (State.RUNNING, Move.FAIL): State.FAILED,
    (State.RUNNING, Move.ASK_CANCEL): State.RUNNING,
    (State.RUNNING, Move.CANCEL): State.CANCELED,
}
ENDED = frozenset({State.DONE, State.FAILED, State.CANCELED})


def sources(move: Move) -> tuple[State, ...]:
    """States from which a move may happen."""
    return tuple(state for state, known in TABLE if known is move)


@dataclass(frozen=True, slots=True)
class Policy:
    """How workers take instructions up, in seconds."""

    poll_seconds: float = 2.0
    lock_seconds: float = 120.0
    max_attempts: int = 3
    backoff_seconds: float = 10.0
    confirm_seconds: float = 600.0
    at_once: int = 16


class Makes(StrEnum):
    """What a call can begin that goes on by itself."""

    RUN = "run"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Method:
    """A call that can be an instruction. `makes` says that its answer goes on by itself, and is followed to its end."""

    name: str
    type: str
    words: str
    makes: Makes | None = None


_RUNS = "bullpen.v1.RunService"
_QUEUE = "bullpen.v1.QueueService"
_BIBLE = "bullpen.v1.BibleService"
CREATE_RUN = f"{_RUNS}/CreateRun"
RETRY_RUN = f"{_RUNS}/RetryRun"
CANCEL_RUN = f"{_RUNS}/CancelRun"
CANCEL_JOB = f"{_RUNS}/CancelJob"
PAUSE_RUN = f"{_QUEUE}/PauseRun"
RESUME_RUN = f"{_QUEUE}/ResumeRun"
PAUSE_QUEUE = f"{_QUEUE}/PauseQueue"
RESUME_QUEUE = f"{_QUEUE}/ResumeQueue"
PRIORITIZE = f"{_QUEUE}/PrioritizeRun"
TUNE_JOB = f"{_RUNS}/TuneJob"
ACCEPT = f"{_RUNS}/AcceptCandidate"
PROCESS = "bullpen.v1.PostProcessService/ProcessAssets"
QUALITY = "bullpen.v1.QualityService/GetQualitySummary"
SYNC = "bullpen.v1.StorageService/SyncStorage"
EXPORT = "bullpen.v1.ExportService/CreateExport"
CANCEL_EXPORT = "bullpen.v1.ExportService/CancelExport"
RESTART_EXPORT = "bullpen.v1.ExportService/RestartExport"
UPDATE_SCENE = f"{_BIBLE}/UpdateScene"

# The closed list. What is not here can be no instruction: nothing of secrets, of the daemon, or of instructions.
METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        Method(CREATE_RUN, "PIPELINE_RUN", "Runs a stage over scenes or over a folder of pictures.", Makes.RUN),
        Method(RETRY_RUN, "PIPELINE_RUN", "Runs what failed in an ended run again.", Makes.RUN),
        Method(CANCEL_RUN, "CUSTOM", "Stops a run; finished candidates stay."),
        Method(CANCEL_JOB, "CUSTOM", "Stops one job."),
        Method(PAUSE_RUN, "CUSTOM", "Lets a run wait; what is being made is finished first."),
        Method(RESUME_RUN, "CUSTOM", "Lets a paused run go on."),
        Method(PAUSE_QUEUE, "CUSTOM", "Lets everything wait that is not being made now."),
        Method(RESUME_QUEUE, "CUSTOM", "Lets the queue go on."),
        Method(PRIORITIZE, "CUSTOM", "Changes the priority of a run."),
        Method(TUNE_JOB, "CUSTOM", "Changes the guidance of a running job."),
        Method(ACCEPT, "ASSET_EDIT", "Takes a candidate as the picture of its scene."),
        Method(PROCESS, "ASSET_EDIT", "Cuts out, upscales or colours finished pictures."),
        Method(SYNC, "STORAGE_SYNC", "Brings a project's pictures to a folder, or to its bucket."),
        Method(EXPORT, "CUSTOM", "Makes one file of a project: a comic book, a PDF or a bundle.", Makes.EXPORT),
        Method(QUALITY, "QA_CHECK", "Sums up what was found in the pictures of a run."),
        *(
            Method(f"{_BIBLE}/{verb}{kind}", "ASSET_EDIT", f"{words} a {kind_words}.")
            for verb, words in (("Create", "Adds"), ("Update", "Changes"), ("Delete", "Puts into the trash"))
            for kind, kind_words in (
                ("Scene", "scene"),
                ("Character", "character"),
                ("StyleGuide", "style guide"),
                ("ReferenceSet", "reference set"),
                ("PromptTemplate", "prompt template"),
            )
        ),
    )
}
