"""The client's picture of the daemon, as one immutable value.

A `Snapshot` is what the screens draw. It is fed by list-then-watch: a listing replaces nothing that is already newer,
then events after the listing's revision bring it forward. Nothing here does I/O or knows a clock, so that every rule
about what wins over what can be tested as a function.

What wins: of two versions of a resource the one with the larger journal revision; of two progress marks of a candidate
the one that is further on; nothing that is unfinished is shown of a candidate that has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeVar

from bullpen_api.v1 import asset_pb2, bible_pb2, event_pb2, project_pb2, run_pb2

PREVIEWS_KEPT = 24
"""Previews are pictures of the moment; only those of the candidates that moved last are kept."""

_PHASES = ("", "loading", "denoising", "decoding", "storing")

_ENDED = (
    run_pb2.Candidate.STATE_SUCCEEDED,
    run_pb2.Candidate.STATE_FAILED,
    run_pb2.Candidate.STATE_CANCELED,
)

Resource = TypeVar(
    "Resource",
    project_pb2.Project,
    bible_pb2.Scene,
    run_pb2.Run,
    run_pb2.Job,
    run_pb2.Candidate,
    asset_pb2.Asset,
)


@dataclass(frozen=True)
class Snapshot:
    """Everything the screens may draw. The messages inside are values: nobody changes them.

    Jobs are kept without their candidates, which have entries of their own, because each moves at its own revision.
    """

    revision: int = 0
    projects: Mapping[str, project_pb2.Project] = field(default_factory=dict)
    scenes: Mapping[str, bible_pb2.Scene] = field(default_factory=dict)
    runs: Mapping[str, run_pb2.Run] = field(default_factory=dict)
    jobs: Mapping[str, run_pb2.Job] = field(default_factory=dict)
    candidates: Mapping[str, run_pb2.Candidate] = field(default_factory=dict)
    assets: Mapping[str, asset_pb2.Asset] = field(default_factory=dict)
    progress: Mapping[str, event_pb2.Progress] = field(default_factory=dict)
    previews: Mapping[str, event_pb2.Preview] = field(default_factory=dict)
    stale_projects: Mapping[str, int] = field(default_factory=dict)
    """Projects whose figures are older than something that happened in them, with the revision of the last of it."""

    def runs_of(self, project: str) -> list[run_pb2.Run]:
        """Runs of a project, newest first."""
        found = [run for name, run in self.runs.items() if parent_of(name) == project]
        return sorted(found, key=lambda run: (-run.create_time.ToNanoseconds(), run.name))

    def jobs_of(self, run: str) -> list[run_pb2.Job]:
        """Jobs of a run, in the order in which the run makes them."""
        found = [job for name, job in self.jobs.items() if parent_of(name) == run]
        return sorted(found, key=lambda job: natural(job.name))

    def candidates_of(self, job: str) -> list[run_pb2.Candidate]:
        """Candidates of a job, in their order."""
        found = [one for name, one in self.candidates.items() if parent_of(name) == job]
        return sorted(found, key=lambda one: natural(one.name))

    def assets_of(self, project: str) -> list[asset_pb2.Asset]:
        """Assets of a project, newest first."""
        found = [asset for name, asset in self.assets.items() if parent_of(name) == project]
        return sorted(found, key=lambda asset: (-asset.create_time.ToNanoseconds(), asset.name))

    def scenes_of(self, project: str) -> list[bible_pb2.Scene]:
        """Scenes of a project that are not in the trash, in story order."""
        mine = [scene for name, scene in self.scenes.items() if parent_of(name) == project]
        found = [scene for scene in mine if not scene.HasField("delete_time")]
        return sorted(found, key=lambda scene: (scene.ordinal, scene.name))

    def active_candidate(self, run: str) -> str | None:
        """Name of the candidate of a run that is being made now, or nothing."""
        moving = [name for name in self.progress if name.startswith(run + "/")]
        return min(moving, key=natural) if moving else None


@dataclass(frozen=True)
class Listed:
    """A list call answered with these resources; the list is as new as `revision`."""

    items: tuple[
        project_pb2.Project | bible_pb2.Scene | run_pb2.Run | run_pb2.Job | run_pb2.Candidate | asset_pb2.Asset, ...
    ]
    revision: int = 0


@dataclass(frozen=True)
class Happened:
    """The watch brought one item."""

    item: event_pb2.Event | event_pb2.Progress | event_pb2.Preview | event_pb2.Bookmark


@dataclass(frozen=True)
class Restarted:
    """The daemon is another instance: what only lived in its memory is gone."""


Change = Listed | Happened | Restarted


def parent_of(name: str) -> str:
    """Name of the resource that holds this one: `projects/p/runs/r` gives `projects/p`."""
    return "/".join(name.split("/")[:-2])


def leaf(name: str) -> str:
    """Last part of a resource name."""
    return name.rsplit("/", 1)[-1]


def project_of(name: str) -> str:
    """Name of the project that a resource belongs to, or an empty string."""
    parts = name.split("/")
    return "/".join(parts[:2]) if len(parts) >= 2 and parts[0] == "projects" else ""


@lru_cache(maxsize=65536)
def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts `job-2` before `job-10`."""
    key: list[tuple[int, int, str]] = []
    digits = ""
    for sign in name + "\0":
        if sign.isascii() and sign.isdigit():
            digits += sign
            continue
        if digits:
            key.append((0, int(digits), digits))
            digits = ""
        key.append((1, 0, sign))
    return tuple(key)


def apply(snapshot: Snapshot, change: Change) -> Snapshot:
    """Gives the snapshot after a change. The same change twice gives the same snapshot as once."""
    match change:
        case Listed(items, revision):
            for item in items:
                snapshot = _put(snapshot, item, 0)
            fresh = {item.name for item in items if isinstance(item, project_pb2.Project)}
            return _freshened(snapshot, fresh, revision)
        case Happened(item):
            return _watched(snapshot, item)
        case Restarted():
            return replace(snapshot, progress={}, previews={})


def apply_all(snapshot: Snapshot, changes: Iterable[Change]) -> Snapshot:
    """Folds several changes in their order."""
    for change in changes:
        snapshot = apply(snapshot, change)
    return snapshot


def _watched(snapshot: Snapshot, item: object) -> Snapshot:
    match item:
        case event_pb2.Event():
            return _event(snapshot, item)
        case event_pb2.Progress():
            return _progress(snapshot, item)
        case event_pb2.Preview():
            return _preview(snapshot, item)
        case event_pb2.Bookmark():
            return replace(snapshot, revision=max(snapshot.revision, item.revision))
        case _:
            raise TypeError(f"a watch brings no {type(item).__name__}")


def _event(snapshot: Snapshot, event: event_pb2.Event) -> Snapshot:
    seen_before = event.revision <= snapshot.revision
    match event.WhichOneof("payload"):
        case "project":
            snapshot = _put(snapshot, _with_figures(snapshot, event.project), event.revision)
        case "scene":
            snapshot = _put(snapshot, event.scene, event.revision)
        case "run":
            snapshot = _put(snapshot, event.run, event.revision)
        case "job":
            snapshot = _put(snapshot, event.job, event.revision)
        case "candidate":
            snapshot = _put(snapshot, event.candidate, event.revision)
        case "asset":
            snapshot = _put(snapshot, event.asset, event.revision)
        case _:
            pass
    project = project_of(event.subject)
    if project and not seen_before:
        snapshot = replace(snapshot, stale_projects={**snapshot.stale_projects, project: event.revision})
    return replace(snapshot, revision=max(snapshot.revision, event.revision))


def _freshened(snapshot: Snapshot, names: set[str], revision: int) -> Snapshot:
    """Figures read when nothing newer than `revision` was known are fresh only if nothing happened since."""
    stale = {name: since for name, since in snapshot.stale_projects.items() if name not in names or since > revision}
    return replace(snapshot, stale_projects=stale) if len(stale) < len(snapshot.stale_projects) else snapshot


def _with_figures(snapshot: Snapshot, project: project_pb2.Project) -> project_pb2.Project:
    """A project of an event comes without figures; those known before stay until they are read again."""
    known = snapshot.projects.get(project.name)
    if known is None or project.HasField("figures"):
        return project
    whole = project_pb2.Project()
    whole.CopyFrom(project)
    whole.figures.CopyFrom(known.figures)
    return whole


def _put(snapshot: Snapshot, item: object, revision: int) -> Snapshot:
    match item:
        case project_pb2.Project():
            return replace(snapshot, projects=_newer(snapshot.projects, item, revision))
        case bible_pb2.Scene():
            return replace(snapshot, scenes=_newer(snapshot.scenes, item, revision))
        case run_pb2.Run():
            return replace(snapshot, runs=_newer(snapshot.runs, item, revision))
        case run_pb2.Job():
            return _put_job(snapshot, item, revision)
        case run_pb2.Candidate():
            return _settle(replace(snapshot, candidates=_newer(snapshot.candidates, item, revision)), item.name)
        case asset_pb2.Asset():
            return replace(snapshot, assets=_newer(snapshot.assets, item, revision))
        case _:
            raise TypeError(f"the mirror keeps no {type(item).__name__}")


def _put_job(snapshot: Snapshot, job: run_pb2.Job, revision: int) -> Snapshot:
    before = snapshot.jobs.get(job.name)
    bare = run_pb2.Job()
    bare.CopyFrom(job)
    del bare.candidates[:]
    snapshot = replace(snapshot, jobs=_newer(snapshot.jobs, bare, revision))
    now = snapshot.jobs[job.name]
    begun_anew = before is not None and now.attempt > before.attempt
    if begun_anew or now.state != run_pb2.Job.STATE_RUNNING:
        unfinished = {*snapshot.progress, *snapshot.previews}
        snapshot = _forget(snapshot, [name for name in unfinished if parent_of(name) == job.name])
    for candidate in job.candidates:
        snapshot = _put(snapshot, candidate, revision)
    return snapshot


def _newer(have: Mapping[str, Resource], item: Resource, revision: int) -> Mapping[str, Resource]:
    """Puts an item in its place unless a newer version is there. An equal revision is taken: figures may differ."""
    if not item.revision and revision:
        copy = type(item)()
        copy.CopyFrom(item)
        copy.revision = revision
        item = copy
    old = have.get(item.name)
    if old is not None and (old.revision > item.revision or old == item):
        return have
    return {**have, item.name: item}


def _settle(snapshot: Snapshot, candidate: str) -> Snapshot:
    """Drops progress and preview of a candidate that has ended."""
    return _forget(snapshot, [candidate]) if _ended(snapshot, candidate) else snapshot


def _forget(snapshot: Snapshot, names: Iterable[str]) -> Snapshot:
    gone = {name for name in names if name in snapshot.progress or name in snapshot.previews}
    if not gone:
        return snapshot
    return replace(
        snapshot,
        progress={name: mark for name, mark in snapshot.progress.items() if name not in gone},
        previews={name: shot for name, shot in snapshot.previews.items() if name not in gone},
    )


def _ended(snapshot: Snapshot, candidate: str) -> bool:
    known = snapshot.candidates.get(candidate)
    return known is not None and known.state in _ENDED


def _further(old: event_pb2.Progress, new: event_pb2.Progress) -> bool:
    def place(mark: event_pb2.Progress) -> tuple[int, int]:
        return mark.step, _PHASES.index(mark.phase) if mark.phase in _PHASES else 0

    return place(new) >= place(old)


def _progress(snapshot: Snapshot, mark: event_pb2.Progress) -> Snapshot:
    old = snapshot.progress.get(mark.candidate)
    if _ended(snapshot, mark.candidate) or (old is not None and not _further(old, mark)):
        return snapshot
    return replace(snapshot, progress={**snapshot.progress, mark.candidate: mark})


def _preview(snapshot: Snapshot, shot: event_pb2.Preview) -> Snapshot:
    old = snapshot.previews.get(shot.candidate)
    if _ended(snapshot, shot.candidate) or (old is not None and old.step > shot.step):
        return snapshot
    previews = {name: kept for name, kept in snapshot.previews.items() if name != shot.candidate}
    previews[shot.candidate] = shot
    while len(previews) > PREVIEWS_KEPT:
        del previews[next(iter(previews))]
    return replace(snapshot, previews=previews)
