"""How the client's picture of the daemon changes: `snapshot × change → snapshot`.

It is fed by list-then-watch: a listing replaces nothing that is already newer, then events after the listing's
revision bring it forward. Nothing here does I/O or knows a clock, so that every rule about what wins over what can be
tested as a function.

What wins: of two versions of a resource the one with the larger journal revision; of two progress marks of a candidate
the one that is further on; nothing that is unfinished is shown of a candidate that has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bullpen_api.v1 import asset_pb2, bible_pb2, copilot_pb2, event_pb2, instruction_pb2, log_pb2, project_pb2, run_pb2
from google.protobuf.message import Message as Answer

from bullpen_tui.daemonlog import grown
from bullpen_tui.exports.desk import ExportsRead, is_export
from bullpen_tui.gallery import window
from bullpen_tui.gallery.window import GalleryChange, Paged, Slipped, Summed
from bullpen_tui.journal import entry_of
from bullpen_tui.shelf import Shelf, parent_of
from bullpen_tui.snapshot import Kept, Snapshot, leaf, natural, project_of

__all__ = [
    "Answered",
    "Change",
    "Grew",
    "Happened",
    "Listed",
    "Logged",
    "Recalled",
    "Restarted",
    "Snapshot",
    "apply",
    "apply_all",
    "leaf",
    "natural",
    "parent_of",
    "project_of",
]

PREVIEWS_KEPT = 24
"""Previews are pictures of the moment; only those of the candidates that moved last are kept."""
JOURNAL_KEPT = 2000

_PHASES = ("", "loading", "denoising", "decoding", "storing")

_ENDED = (
    run_pb2.Candidate.STATE_SUCCEEDED,
    run_pb2.Candidate.STATE_FAILED,
    run_pb2.Candidate.STATE_CANCELED,
)

_SHELVES: dict[type[Kept], str] = {
    project_pb2.Project: "all_projects",
    bible_pb2.Scene: "scenes",
    bible_pb2.Character: "characters",
    bible_pb2.StyleGuide: "style_guides",
    bible_pb2.ReferenceSet: "reference_sets",
    bible_pb2.PromptTemplate: "prompt_templates",
    bible_pb2.ProviderAccount: "provider_accounts",
    run_pb2.Run: "runs",
    run_pb2.Job: "jobs",
    run_pb2.Candidate: "candidates",
    asset_pb2.Asset: "assets",
    instruction_pb2.Instruction: "instructions",
    copilot_pb2.ChatSession: "chat_sessions",
    copilot_pb2.ChatMessage: "chat_messages",
}
_PAYLOADS = frozenset(
    {
        "project",
        "scene",
        "character",
        "style_guide",
        "reference_set",
        "prompt_template",
        "provider_account",
        "run",
        "job",
        "candidate",
        "asset",
        "instruction",
        "chat_session",
        "chat_message",
    }
)


@dataclass(frozen=True)
class Listed:
    """A list call answered with these resources; the list is as new as `revision`."""

    items: tuple[Kept, ...]
    revision: int = 0


@dataclass(frozen=True)
class Answered:
    """The daemon answered a question that no event answers."""

    asked: str
    answer: Answer


@dataclass(frozen=True)
class Recalled:
    """What happened before the studio looked, read from the journal; in its order."""

    events: tuple[event_pb2.Event, ...]


@dataclass(frozen=True)
class Grew:
    """An answer that is being written has more words."""

    delta: copilot_pb2.ChatDelta


@dataclass(frozen=True)
class Logged:
    """The daemon's log has more lines."""

    message: log_pb2.WatchLogResponse


@dataclass(frozen=True)
class Happened:
    """The watch brought one item."""

    item: event_pb2.Event | event_pb2.Progress | event_pb2.Preview | event_pb2.Bookmark


@dataclass(frozen=True)
class Restarted:
    """The daemon is another instance: what only lived in its memory is gone."""


Change = Listed | Answered | Recalled | Grew | Logged | Happened | Restarted | GalleryChange | ExportsRead


def apply(snapshot: Snapshot, change: Change) -> Snapshot:
    """Gives the snapshot after a change. The same change twice gives the same snapshot as once."""
    match change:
        case Listed(items, revision):
            snapshot = _put_all(snapshot, items, 0)
            fresh = {item.name for item in items if isinstance(item, project_pb2.Project)}
            return _freshened(snapshot, fresh, revision)
        case Answered(asked, answer):
            if snapshot.answers.get(asked) == answer:
                return snapshot
            return replace(snapshot, answers={**snapshot.answers, asked: answer})
        case Recalled(events):
            first = snapshot.journal[0].revision if snapshot.journal else None
            older = [entry_of(event) for event in events if first is None or event.revision < first]
            return replace(snapshot, journal=(*older, *snapshot.journal)[-JOURNAL_KEPT:]) if older else snapshot
        case Grew(delta):
            return _grew(snapshot, delta)
        case Logged(message):
            return replace(snapshot, log=grown(snapshot.log, message))
        case Happened(item):
            return _watched(snapshot, item)
        case Paged() | Summed() | Slipped():
            return replace(snapshot, gallery=window.apply(snapshot.gallery, change))
        case ExportsRead():
            return replace(snapshot, exports=snapshot.exports.told(change))
        case Restarted():
            return replace(snapshot, progress={}, previews={}, exports=snapshot.exports.restarted())


def apply_all(snapshot: Snapshot, changes: Iterable[Change]) -> Snapshot:
    """Folds several changes in their order."""
    for change in changes:
        snapshot = apply(snapshot, change)
    return snapshot


def _grew(snapshot: Snapshot, delta: copilot_pb2.ChatDelta) -> Snapshot:
    """Adds words to an answer. One that has ended, or is not known, is whole already or comes whole."""
    known = snapshot.chat_messages.get(delta.message)
    if known is None or known.state != copilot_pb2.ChatMessage.STATE_WRITING or delta.part > len(known.parts):
        return snapshot
    grown = copilot_pb2.ChatMessage()
    grown.CopyFrom(known)
    part = grown.parts[delta.part] if delta.part < len(grown.parts) else grown.parts.add()
    if delta.WhichOneof("added") == "text":
        part.text += delta.text
    else:
        part.CopyFrom(delta.whole)
    return replace(snapshot, chat_messages=snapshot.chat_messages.put(grown))


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
    payload = event.WhichOneof("payload")
    if payload in _PAYLOADS:
        item = getattr(event, payload)
        snapshot = _put_all(snapshot, (_with_figures(snapshot, item),), event.revision)
        if (
            payload in ("asset", "candidate")
            and (seen := window.happened(snapshot.gallery, event)) is not snapshot.gallery
        ):
            snapshot = replace(snapshot, gallery=seen)
    if payload == "export":
        snapshot = replace(snapshot, exports=snapshot.exports.happened(event))
    if seen_before:
        return snapshot
    snapshot = replace(snapshot, revision=event.revision, journal=(*snapshot.journal, entry_of(event))[-JOURNAL_KEPT:])
    project = project_of(event.subject)
    if project in snapshot.all_projects and project not in snapshot.projects:
        # Nobody is asked for figures of what is in the trash.
        left = {name: since for name, since in snapshot.stale_projects.items() if name != project}
        return replace(snapshot, stale_projects=left)
    if project:
        snapshot = replace(snapshot, stale_projects={**snapshot.stale_projects, project: event.revision})
    return snapshot


def _freshened(snapshot: Snapshot, names: set[str], revision: int) -> Snapshot:
    """Figures read when nothing newer than `revision` was known are fresh only if nothing happened since."""
    stale = {name: since for name, since in snapshot.stale_projects.items() if name not in names or since > revision}
    return replace(snapshot, stale_projects=stale) if len(stale) < len(snapshot.stale_projects) else snapshot


def _with_figures(snapshot: Snapshot, item: Kept) -> Kept:
    """A project of an event comes without figures; those known before stay until they are read again."""
    if not isinstance(item, project_pb2.Project) or item.HasField("figures"):
        return item
    known = snapshot.all_projects.get(item.name)
    if known is None:
        return item
    whole = project_pb2.Project()
    whole.CopyFrom(item)
    whole.figures.CopyFrom(known.figures)
    return whole


def _put_all(snapshot: Snapshot, items: Sequence[Kept], revision: int) -> Snapshot:
    """Puts resources in their places, all of a kind at once."""
    by_kind: dict[type[Kept], list[Kept]] = {}
    for item in items:
        if type(item) not in _SHELVES:
            raise TypeError(f"the mirror keeps no {type(item).__name__}")
        by_kind.setdefault(type(item), []).append(item)
    for asset in by_kind.get(asset_pb2.Asset, ()):
        if (now := window.seen(snapshot.gallery, asset)) is not snapshot.gallery:  # type: ignore[arg-type]  # of its kind
            snapshot = replace(snapshot, gallery=now)
    for kind, found in by_kind.items():
        if kind is run_pb2.Job:
            snapshot = _put_jobs(snapshot, [one for one in found if isinstance(one, run_pb2.Job)], revision)
        elif kind is run_pb2.Candidate:
            made = [one for one in found if isinstance(one, run_pb2.Candidate)]
            snapshot = _put_candidates(snapshot, made, revision)
        else:
            snapshot = _shelve(snapshot, kind, found, revision)[0]
    return snapshot


def _shelve(
    snapshot: Snapshot, kind: type[Kept], items: Sequence[Kept], revision: int
) -> tuple[Snapshot, list[tuple[Any, Any]]]:
    """Puts items on their shelf unless newer versions are there; also gives each change as before and after.

    An equal revision is taken: figures may differ.
    """
    shelf: Shelf[Any] = getattr(snapshot, _SHELVES[kind])
    news: dict[str, tuple[Any, Any]] = {}
    for item in items:
        if not _revision(item) and revision:
            item = _at(item, revision)
        before = news[item.name][1] if item.name in news else shelf.get(item.name)
        if before is None or not (before.revision > item.revision or before == item):
            first = news[item.name][0] if item.name in news else before
            news[item.name] = (first, item)
    if not news:
        return snapshot, []
    after = [item for _, item in news.values()]
    shelf = shelf.put(after[0]) if len(after) == 1 else shelf.put_all(after)
    changed: dict[str, Any] = {_SHELVES[kind]: shelf}
    return replace(snapshot, **changed), list(news.values())


def _revision(item: Kept) -> int:
    return item.revision


def _at(item: Any, revision: int) -> Any:
    copy = type(item)()
    copy.CopyFrom(item)
    copy.revision = revision
    return copy


def _put_jobs(snapshot: Snapshot, jobs: Sequence[run_pb2.Job], revision: int) -> Snapshot:
    bare: list[run_pb2.Job] = []
    candidates: list[run_pb2.Candidate] = []
    for job in jobs:
        candidates += job.candidates
        copy = run_pb2.Job()
        copy.CopyFrom(job)
        del copy.candidates[:]
        bare.append(copy)
    snapshot, news = _shelve(snapshot, run_pb2.Job, bare, revision)
    running, quiet = set(snapshot.running), set()
    for before, now in news:
        begun_anew = before is not None and now.attempt > before.attempt
        if now.state == run_pb2.Job.STATE_RUNNING:
            running.add(now.name)
        else:
            running.discard(now.name)
        if begun_anew or now.state != run_pb2.Job.STATE_RUNNING:
            quiet.add(now.name)
    if running != snapshot.running:
        snapshot = replace(snapshot, running=frozenset(running))
    if quiet:
        unfinished = {*snapshot.progress, *snapshot.previews}
        snapshot = _forget(snapshot, [name for name in unfinished if parent_of(name) in quiet])
    return _put_candidates(snapshot, candidates, revision) if candidates else snapshot


def _put_candidates(snapshot: Snapshot, items: Sequence[run_pb2.Candidate], revision: int) -> Snapshot:
    snapshot, news = _shelve(snapshot, run_pb2.Candidate, items, revision)
    counts: dict[str, int] = {}
    done = run_pb2.Candidate.STATE_SUCCEEDED
    for before, now in news:
        change = (now.state == done) - (before is not None and before.state == done)
        if change:
            run = parent_of(parent_of(now.name))
            counts[run] = counts.get(run, snapshot.finished.get(run, 0)) + change
    if counts:
        snapshot = replace(snapshot, finished={**snapshot.finished, **counts})
    return _forget(snapshot, [now.name for _, now in news if now.state in _ENDED])


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
    if is_export(mark.candidate):
        return replace(snapshot, exports=snapshot.exports.moved(mark))
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
