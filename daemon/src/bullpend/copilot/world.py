"""What the grammar may know of a project: plain data, gathered before a sentence is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ACTIVE = ("QUEUED", "RUNNING")


@dataclass(frozen=True, slots=True)
class StageWords:
    """A stage and what people call it. `values` maps a way of saying a value to (variable, value)."""

    id: str
    title: str
    names: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    default_candidates: int = 2


@dataclass(frozen=True, slots=True)
class SceneWords:
    """A scene in story order; `characters` are slugs; `accepted` maps a stage to the accepted asset."""

    slug: str
    title: str
    ordinal: int
    characters: tuple[str, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CandidateWords:
    """A candidate of a job, by its full name."""

    name: str
    state: str
    accepted: bool = False
    asset: str = ""


@dataclass(frozen=True, slots=True)
class JobWords:
    """A job of a run; `scene` is a slug, empty for a folder's picture."""

    name: str
    scene: str
    state: str
    candidates: tuple[CandidateWords, ...] = ()


@dataclass(frozen=True, slots=True)
class RunWords:
    """A run; `jobs` in their order."""

    name: str
    stage: str
    state: str
    jobs: tuple[JobWords, ...] = ()
    paused: bool = False

    @property
    def slug(self) -> str:
        """Such as `r-0003-style`."""
        return self.name.rpartition("/")[2]

    @property
    def active(self) -> bool:
        """Whether it still waits or works."""
        return self.state in ACTIVE

    @property
    def again(self) -> tuple[JobWords, ...]:
        """Jobs that a retry would make again."""
        return tuple(job for job in self.jobs if job.state in ("FAILED", "HELD", "CANCELED"))


@dataclass(frozen=True, slots=True)
class World:
    """One project. `runs` come newest first; `models` maps a model's id to what it can do."""

    project: str
    title: str = ""
    stages: tuple[StageWords, ...] = ()
    scenes: tuple[SceneWords, ...] = ()
    characters: Mapping[str, str] = field(default_factory=dict)
    style_guides: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    runs: tuple[RunWords, ...] = ()
    candidate_cap: int = 6
    methods: frozenset[str] = frozenset()
    # The project's own bucket; empty where it names none.
    bucket: str = ""

    @property
    def active(self) -> tuple[RunWords, ...]:
        """Runs that have not ended, newest first."""
        return tuple(run for run in self.runs if run.active)

    def scene_name(self, slug: str) -> str:
        """The resource name of a scene."""
        return f"projects/{self.project}/scenes/{slug}"

    def stage(self, stage: str) -> StageWords | None:
        """A stage by its id."""
        return next((known for known in self.stages if known.id == stage), None)
