"""The client's picture of the daemon, as one immutable value that the screens draw."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from bullpen_api.v1 import asset_pb2, bible_pb2, copilot_pb2, event_pb2, instruction_pb2, project_pb2, run_pb2
from google.protobuf.message import Message as Answer
from google.protobuf.timestamp_pb2 import Timestamp

from bullpen_tui.daemonlog import DaemonLog
from bullpen_tui.exports.desk import Desk
from bullpen_tui.gallery.window import Window
from bullpen_tui.shelf import Shelf

Kept = (
    project_pb2.Project
    | bible_pb2.Scene
    | bible_pb2.Character
    | bible_pb2.StyleGuide
    | bible_pb2.ReferenceSet
    | bible_pb2.PromptTemplate
    | bible_pb2.ProviderAccount
    | run_pb2.Run
    | run_pb2.Job
    | run_pb2.Candidate
    | asset_pb2.Asset
    | instruction_pb2.Instruction
    | copilot_pb2.ChatSession
    | copilot_pb2.ChatMessage
)
"""What has an entry of its own in the mirror."""

Told = TypeVar("Told", bound=Answer)
_NUMBERED = re.compile(r"([^0-9]*)([0-9]*)")


def leaf(name: str) -> str:
    """Last part of a resource name."""
    return name.rsplit("/", 1)[-1]


def project_of(name: str) -> str:
    """Name of the project that a resource belongs to, or an empty string."""
    parts = name.split("/", 2)
    return "/".join(parts[:2]) if len(parts) >= 2 and parts[0] == "projects" else ""


@lru_cache(maxsize=65536)
def natural(name: str) -> tuple[tuple[str, int], ...]:
    """Sort key that puts `job-2` before `job-10`. No two names have the same."""
    return (*((words, int(digits) if digits else -1) for words, digits in _NUMBERED.findall(name)), (name, 0))


def _when(stamp: Timestamp) -> tuple[int, int]:
    return stamp.seconds, stamp.nanos


def _newest(item: run_pb2.Run | asset_pb2.Asset | instruction_pb2.Instruction) -> tuple[int, int, str]:
    return -item.create_time.seconds, -item.create_time.nanos, item.name


def _eldest(
    item: bible_pb2.Character
    | bible_pb2.StyleGuide
    | bible_pb2.ReferenceSet
    | bible_pb2.PromptTemplate
    | bible_pb2.ProviderAccount
    | copilot_pb2.ChatMessage,
) -> tuple[tuple[int, int], str]:
    return _when(item.create_time), item.name


def _used_last(item: copilot_pb2.ChatSession) -> tuple[int, int, str]:
    return -item.update_time.seconds, -item.update_time.nanos, item.name


def _by_number(item: run_pb2.Job | run_pb2.Candidate) -> tuple[tuple[str, int], ...]:
    return natural(item.name)


def _by_name(item: project_pb2.Project) -> str:
    return item.name


def _by_story(item: bible_pb2.Scene) -> tuple[int, str]:
    return item.ordinal, item.name


@dataclass(frozen=True)
class Entry:
    """One line of the journal: what happened to which resource."""

    revision: int
    time: float
    kind: str
    subject: str
    said: str

    @property
    def name(self) -> str:
        """What tells it from others."""
        return str(self.revision)


@dataclass(frozen=True)
class Snapshot:
    """Everything the screens may draw. The messages inside are values: nobody changes them.

    Jobs are kept without their candidates, which have entries of their own, because each moves at its own revision.
    """

    revision: int = 0
    all_projects: Shelf[project_pb2.Project] = field(default_factory=lambda: Shelf(_by_name))
    """Also those in the trash, so that an older list does not bring them back."""
    scenes: Shelf[bible_pb2.Scene] = field(default_factory=lambda: Shelf(_by_story))
    characters: Shelf[bible_pb2.Character] = field(default_factory=lambda: Shelf(_eldest))
    style_guides: Shelf[bible_pb2.StyleGuide] = field(default_factory=lambda: Shelf(_eldest))
    reference_sets: Shelf[bible_pb2.ReferenceSet] = field(default_factory=lambda: Shelf(_eldest))
    prompt_templates: Shelf[bible_pb2.PromptTemplate] = field(default_factory=lambda: Shelf(_eldest))
    provider_accounts: Shelf[bible_pb2.ProviderAccount] = field(default_factory=lambda: Shelf(_eldest))
    runs: Shelf[run_pb2.Run] = field(default_factory=lambda: Shelf(_newest))
    jobs: Shelf[run_pb2.Job] = field(default_factory=lambda: Shelf(_by_number))
    candidates: Shelf[run_pb2.Candidate] = field(default_factory=lambda: Shelf(_by_number))
    assets: Shelf[asset_pb2.Asset] = field(default_factory=lambda: Shelf(_newest))
    instructions: Shelf[instruction_pb2.Instruction] = field(default_factory=lambda: Shelf(_newest))
    chat_sessions: Shelf[copilot_pb2.ChatSession] = field(default_factory=lambda: Shelf(_used_last))
    chat_messages: Shelf[copilot_pb2.ChatMessage] = field(default_factory=lambda: Shelf(_eldest))
    gallery: Window = field(default_factory=Window)
    """What the gallery has in view, of a list that may be of any length."""
    exports: Desk = field(default_factory=Desk)
    """Exports, and how far they are."""
    progress: Mapping[str, event_pb2.Progress] = field(default_factory=dict)
    previews: Mapping[str, event_pb2.Preview] = field(default_factory=dict)
    stale_projects: Mapping[str, int] = field(default_factory=dict)
    """Projects whose figures are older than something that happened in them, with the revision of the last of it."""
    running: frozenset[str] = frozenset()
    """Names of the jobs that a worker has."""
    finished: Mapping[str, int] = field(default_factory=dict)
    """Finished candidates by run."""
    journal: tuple[Entry, ...] = ()
    """What happened last, the newest at the end."""
    log: DaemonLog = field(default_factory=DaemonLog)
    """What the daemon said of its own work, as far as somebody looked."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """What the daemon told that no event brings, by what was asked."""

    def answer(self, asked: str, kind: type[Told]) -> Told | None:
        """The last answer to a question, or nothing where it was not answered yet."""
        found = self.answers.get(asked)
        return found if isinstance(found, kind) else None

    def runs_of(self, project: str) -> list[run_pb2.Run]:
        """Runs of a project, newest first."""
        return self.runs.of(project)

    def jobs_of(self, run: str) -> list[run_pb2.Job]:
        """Jobs of a run, in the order in which the run makes them."""
        return self.jobs.of(run)

    def running_jobs(self, run: str) -> list[str]:
        """Names of the jobs of a run that are being made, in their order."""
        return sorted((name for name in self.running if name.startswith(run + "/")), key=natural)

    def candidates_of(self, job: str) -> list[run_pb2.Candidate]:
        """Candidates of a job, in their order."""
        return self.candidates.of(job)

    def assets_of(self, project: str) -> list[asset_pb2.Asset]:
        """Assets of a project, newest first."""
        return self.assets.of(project)

    @cached_property
    def projects(self) -> Mapping[str, project_pb2.Project]:
        """Projects that are not in the trash, by name."""
        found = {name: one for name, one in self.all_projects.items() if not one.HasField("delete_time")}
        return found if len(found) < len(self.all_projects) else self.all_projects

    def scenes_of(self, project: str) -> list[bible_pb2.Scene]:
        """Scenes of a project that are not in the trash, in story order."""
        return [one for one in self.scenes.of(project) if not one.HasField("delete_time")]

    def characters_of(self, project: str) -> list[bible_pb2.Character]:
        """The cast of a project without its trash, in the order of creation."""
        return [one for one in self.characters.of(project) if not one.HasField("delete_time")]

    def style_guides_of(self, project: str) -> list[bible_pb2.StyleGuide]:
        """Style guides of a project without its trash, in the order of creation."""
        return [one for one in self.style_guides.of(project) if not one.HasField("delete_time")]

    def reference_sets_of(self, project: str) -> list[bible_pb2.ReferenceSet]:
        """Reference sets of a project without its trash, in the order of creation."""
        return [one for one in self.reference_sets.of(project) if not one.HasField("delete_time")]

    def prompt_templates_of(self, project: str) -> list[bible_pb2.PromptTemplate]:
        """Prompt templates of a project without its trash, in the order of creation."""
        return [one for one in self.prompt_templates.of(project) if not one.HasField("delete_time")]

    def provider_accounts_of(self, project: str) -> list[bible_pb2.ProviderAccount]:
        """Accounts of providers that a project may use, without its trash, in the order of creation."""
        return [one for one in self.provider_accounts.of(project) if not one.HasField("delete_time")]

    def trash_of(self, project: str) -> list[Any]:
        """What lies in the trash of a project's bible, as far as that was seen, what went there last first."""
        shelves: tuple[Shelf[Any], ...] = (
            self.scenes,
            self.characters,
            self.style_guides,
            self.reference_sets,
            self.prompt_templates,
            self.provider_accounts,
        )
        gone = [one for shelf in shelves for one in shelf.of(project) if one.HasField("delete_time")]
        return sorted(gone, key=lambda one: (_when(one.delete_time), one.name), reverse=True)

    def trashed_last(self, project: str) -> str:
        """Name of what went into a project's trash last, as far as that was seen; empty for nothing."""
        gone = self.trash_of(project)
        return gone[0].name if gone else ""

    def chat_sessions_of(self, project: str) -> list[copilot_pb2.ChatSession]:
        """Conversations of a project without its trash, the one that was used last first."""
        return [one for one in self.chat_sessions.of(project) if not one.HasField("delete_time")]

    def active_candidate(self, run: str) -> str | None:
        """Name of the candidate of a run that is being made now, or nothing."""
        moving = [name for name in self.progress if name.startswith(run + "/")]
        return min(moving, key=natural) if moving else None
