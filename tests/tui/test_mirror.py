"""What wins over what in the mirror."""

from __future__ import annotations

from bullpen_api.v1 import bible_pb2, event_pb2, project_pb2, run_pb2
from bullpen_tui.mirror import (
    PREVIEWS_KEPT,
    Change,
    Happened,
    Listed,
    Restarted,
    Snapshot,
    apply,
    apply_all,
    leaf,
    natural,
    parent_of,
    project_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui import story

RUN = "projects/p/runs/r"
States = run_pb2.Candidate


def job_name(number: int) -> str:
    return f"{RUN}/jobs/{number}"


def candidate_name(job: int, number: int) -> str:
    return f"{job_name(job)}/candidates/{number}"


def candidate_event(revision: int, job: int, number: int, state: run_pb2.Candidate.State.ValueType) -> event_pb2.Event:
    name = candidate_name(job, number)
    return event_pb2.Event(
        revision=revision,
        subject=name,
        kind="candidate.changed",
        candidate=run_pb2.Candidate(name=name, state=state, revision=revision),
    )


def job_event(revision: int, job: int, state: run_pb2.Job.State.ValueType, attempt: int = 1) -> event_pb2.Event:
    name = job_name(job)
    return event_pb2.Event(
        revision=revision,
        subject=name,
        kind="job.changed",
        job=run_pb2.Job(name=name, state=state, attempt=attempt, revision=revision),
    )


def run_event(revision: int, done: int) -> event_pb2.Event:
    return event_pb2.Event(
        revision=revision,
        subject=RUN,
        run=run_pb2.Run(name=RUN, revision=revision, figures=run_pb2.RunFigures(candidates_done=done)),
    )


def progress(job: int, number: int, step: int, phase: str = "denoising") -> event_pb2.Progress:
    return event_pb2.Progress(candidate=candidate_name(job, number), step=step, steps=8, phase=phase)


def preview(job: int, number: int, step: int) -> event_pb2.Preview:
    return event_pb2.Preview(candidate=candidate_name(job, number), step=step, image=bytes([step]))


def grown(*items: event_pb2.Event | event_pb2.Progress | event_pb2.Preview | event_pb2.Bookmark) -> Snapshot:
    return apply_all(Snapshot(), [Happened(item) for item in items])


@st.composite
def journals(draw: st.DrawFn) -> list[Change]:
    """A journal: durable events with growing revisions, and progress between them."""
    changes: list[Change] = []
    for revision in range(1, draw(st.integers(1, 25))):
        job, number = draw(st.integers(1, 2)), draw(st.integers(1, 2))
        kind = draw(st.sampled_from(["candidate", "job", "run", "progress", "preview", "bookmark"]))
        if kind == "candidate":
            state = draw(st.sampled_from([States.STATE_RUNNING, States.STATE_SUCCEEDED, States.STATE_CANCELED]))
            changes.append(Happened(candidate_event(revision, job, number, state)))
        elif kind == "job":
            changes.append(Happened(job_event(revision, job, run_pb2.Job.STATE_RUNNING)))
        elif kind == "run":
            changes.append(Happened(run_event(revision, revision)))
        elif kind == "progress":
            changes.append(Happened(progress(job, number, draw(st.integers(0, 8)))))
        elif kind == "preview":
            changes.append(Happened(preview(job, number, draw(st.integers(0, 8)))))
        else:
            changes.append(Happened(event_pb2.Bookmark(revision=revision - 1)))
    return changes


@settings(deadline=None)
@given(journals(), st.data())
def test_replaying_a_prefix_changes_nothing(changes: list[Change], data: st.DataObject) -> None:
    """A client that resumes too early and sees a part of the journal again has the same picture afterwards."""
    once = apply_all(Snapshot(), changes)
    durable = [
        change for change in changes if isinstance(change, Happened) and isinstance(change.item, event_pb2.Event)
    ]
    prefix = durable[: data.draw(st.integers(0, len(durable)))]
    again = apply_all(once, prefix)
    assert again.runs == once.runs
    assert again.jobs == once.jobs
    assert again.candidates == once.candidates
    assert again.revision == once.revision
    assert again.progress == once.progress


@settings(deadline=None)
@given(journals())
def test_any_order_of_durable_events_ends_the_same(changes: list[Change]) -> None:
    """A listing that is newer than the watch never goes back: only revisions decide."""
    durable = [
        change for change in changes if isinstance(change, Happened) and isinstance(change.item, event_pb2.Event)
    ]
    forward, backward = apply_all(Snapshot(), durable), apply_all(Snapshot(), reversed(durable))
    assert forward.candidates == backward.candidates
    assert forward.runs == backward.runs
    assert forward.jobs == backward.jobs


@settings(deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=12))
def test_progress_never_goes_back(steps: list[int]) -> None:
    """A step that arrives late is not shown."""
    snapshot = grown(*(progress(1, 1, step) for step in steps))
    assert snapshot.progress[candidate_name(1, 1)].step == max(steps)


def test_phases_of_one_step_go_forward_only() -> None:
    """Decoding follows denoising at the same step, and not the other way round."""
    snapshot = grown(progress(1, 1, 8), progress(1, 1, 8, "decoding"), progress(1, 1, 8))
    assert snapshot.progress[candidate_name(1, 1)].phase == "decoding"


def test_progress_and_preview_end_with_the_candidate() -> None:
    """Nothing unfinished is shown of a finished candidate, not even when it arrives afterwards."""
    done = candidate_event(5, 1, 1, States.STATE_SUCCEEDED)
    before = grown(progress(1, 1, 3), preview(1, 1, 3))
    assert candidate_name(1, 1) in before.previews
    after = apply_all(before, [Happened(done), Happened(progress(1, 1, 4)), Happened(preview(1, 1, 4))])
    assert not after.progress
    assert not after.previews


def test_a_new_attempt_begins_at_step_zero() -> None:
    """When a job is leased again its old progress is forgotten, so that the new one is not taken for late."""
    snapshot = grown(
        job_event(1, 1, run_pb2.Job.STATE_RUNNING),
        progress(1, 1, 7),
        job_event(2, 1, run_pb2.Job.STATE_RUNNING, attempt=2),
        progress(1, 1, 1),
    )
    assert snapshot.progress[candidate_name(1, 1)].step == 1


def test_a_job_that_stops_shows_no_progress() -> None:
    """Canceled, failed and queued-again jobs are not being made."""
    snapshot = grown(progress(1, 1, 3), preview(1, 1, 3), progress(2, 1, 1))
    snapshot = apply(snapshot, Happened(job_event(2, 1, run_pb2.Job.STATE_CANCELED)))
    assert list(snapshot.progress) == [candidate_name(2, 1)]
    assert not snapshot.previews


def test_candidates_inside_a_job_get_entries_of_their_own() -> None:
    """A listing of jobs fills the candidates, and the newer of two versions stays."""
    newer = candidate_event(50, 3, 2, States.STATE_SUCCEEDED)
    newer.candidate.name = f"{story.TIME_RUN}/jobs/3/candidates/c2"
    snapshot = apply_all(Snapshot(), [Happened(newer), Listed(tuple(story.time_jobs()), 30)])
    assert len(snapshot.candidates_of(f"{story.TIME_RUN}/jobs/1")) == 3
    assert snapshot.candidates[newer.candidate.name].state == States.STATE_SUCCEEDED
    assert not snapshot.jobs[f"{story.TIME_RUN}/jobs/1"].candidates


def test_only_few_previews_are_kept() -> None:
    """Previews are bounded; those that moved last stay."""
    snapshot = grown(*(preview(job, 1, 1) for job in range(1, PREVIEWS_KEPT + 10)))
    assert len(snapshot.previews) == PREVIEWS_KEPT
    assert candidate_name(PREVIEWS_KEPT + 9, 1) in snapshot.previews


def test_events_in_a_project_make_its_figures_old() -> None:
    """The dashboard knows when to ask again, and stops asking when it has the answer."""
    snapshot = apply(Snapshot(), Listed((story.project(),), 3))
    snapshot = apply(snapshot, Happened(event_pb2.Event(revision=9, subject=story.TIME_RUN, run=story.runs()[0])))
    assert snapshot.stale_projects == {story.PROJECT: 9}
    assert apply(snapshot, Listed((story.project(),), 8)).stale_projects
    assert not apply(snapshot, Listed((story.project(),), 9)).stale_projects


def test_a_project_event_keeps_the_figures_until_they_are_read() -> None:
    """An event says nothing about figures: those known stay on the screen, and are asked for again."""
    bare = story.project()
    bare.ClearField("figures")
    bare.title = "New title"
    bare.revision = 12
    snapshot = apply(Snapshot(), Listed((story.project(),), 3))
    snapshot = apply(snapshot, Happened(event_pb2.Event(revision=12, subject=story.PROJECT, project=bare)))
    assert snapshot.projects[story.PROJECT].title == "New title"
    assert snapshot.projects[story.PROJECT].figures.runs == 3
    assert story.PROJECT in snapshot.stale_projects


def test_a_deleted_project_is_gone_until_it_is_back() -> None:
    """It is not among the projects, and nobody asks for its figures; an older list does not bring it back."""
    known = story.project()
    gone = project_pb2.Project(name=known.name, title=known.title, revision=12)
    gone.delete_time.FromSeconds(1)
    snapshot = apply(Snapshot(), Listed((known,), 3))
    snapshot = apply(snapshot, Happened(event_pb2.Event(revision=11, subject=f"{known.name}/scenes/pier")))
    assert snapshot.stale_projects
    snapshot = apply(snapshot, Happened(event_pb2.Event(revision=12, subject=known.name, project=gone)))
    snapshot = apply(snapshot, Happened(event_pb2.Event(revision=13, subject=f"{known.name}/runs/r-1")))
    snapshot = apply(snapshot, Listed((known,), 13))
    assert (dict(snapshot.projects), dict(snapshot.stale_projects)) == ({}, {})
    back = project_pb2.Project(name=known.name, title=known.title, revision=14)
    snapshot = apply(snapshot, Happened(event_pb2.Event(revision=14, subject=known.name, project=back)))
    assert snapshot.projects[known.name].figures.runs == 3
    assert known.name in snapshot.stale_projects


def test_another_instance_forgets_what_lived_in_memory() -> None:
    """Progress of a daemon that died says nothing about the one that follows."""
    snapshot = apply(grown(run_event(1, 2), progress(1, 1, 3), preview(1, 1, 3)), Restarted())
    assert not snapshot.progress
    assert not snapshot.previews
    assert RUN in snapshot.runs


def test_a_bookmark_moves_the_revision_only_forward() -> None:
    """A resume begins after the last revision that was seen."""
    assert grown(event_pb2.Bookmark(revision=8), event_pb2.Bookmark(revision=5)).revision == 8


def test_an_equal_change_gives_the_same_snapshot_object() -> None:
    """Screens may compare snapshots by identity to leave out drawing."""
    snapshot = apply(Snapshot(), Listed((story.project(),), 3))
    again = apply(snapshot, Listed((story.project(),), 3))
    assert again.projects is snapshot.projects


def test_orders() -> None:
    """Runs go newest first, jobs by number, assets newest first, scenes by the story."""
    listed = [Listed(tuple(story.runs())), Listed(tuple(story.assets())), Listed(tuple(reversed(story.scenes())))]
    snapshot = apply_all(Snapshot(), listed)
    assert [leaf(run.name) for run in snapshot.runs_of(story.PROJECT)] == [
        "r-0002-time",
        "r-0003-weather",
        "r-0001-style",
    ]
    assert [scene.ordinal for scene in snapshot.scenes_of(story.PROJECT)] == [1, 2, 3, 4, 5, 6]
    times = [asset.create_time.seconds for asset in snapshot.assets_of(story.PROJECT)]
    assert times == sorted(times, reverse=True)
    assert sorted(["jobs/10", "jobs/9", "jobs/1"], key=natural) == ["jobs/1", "jobs/9", "jobs/10"]


def test_names() -> None:
    """Names are taken apart as the contract builds them."""
    assert parent_of(f"{RUN}/jobs/1") == RUN
    assert project_of(f"{RUN}/jobs/1") == "projects/p"
    assert project_of("models/starter-edit") == ""


def test_a_scene_in_the_trash_is_no_part_of_the_story() -> None:
    """It leaves the scenes of its project with the event, and comes back with the next."""
    name = "projects/p/scenes/pier"
    events = [
        event_pb2.Event(revision=number, subject=name, kind=kind, scene=bible_pb2.Scene(name=name, revision=number))
        for number, kind in enumerate(("scene.created", "scene.deleted", "scene.undeleted"), 1)
    ]
    events[1].scene.delete_time.GetCurrentTime()
    shown, snapshot = [], Snapshot()
    for event in events:
        snapshot = apply(snapshot, Happened(event))
        shown.append([scene.name for scene in snapshot.scenes_of("projects/p")])
    assert shown == [[name], [], [name]]
    assert name in snapshot.scenes
