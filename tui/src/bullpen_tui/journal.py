"""Events of the journal in words: one line for each thing that happened, with what a person wants to know of it."""

from __future__ import annotations

from bullpen_api.v1 import event_pb2, run_pb2

from bullpen_tui.snapshot import Entry


def entry_of(event: event_pb2.Event) -> Entry:
    """The line of an event."""
    return Entry(
        revision=event.revision,
        time=event.time.seconds + event.time.nanos / 1e9,
        kind=event.kind,
        subject=event.subject,
        said=_said(event),
    )


def _said(event: event_pb2.Event) -> str:
    match event.WhichOneof("payload"):
        case "run":
            return _run(event.run)
        case "job":
            job = event.job
            failed = f"{job.error.message} {job.error.remedy}".strip() if job.error.reason else ""
            parts = [failed or job.source_path or job.scene.rsplit("/", 1)[-1]]
            parts += [f"attempt {job.attempt}"] if job.attempt > 1 else []
            return "   ".join(part for part in parts if part)
        case "candidate":
            return _candidate(event.candidate)
        case "asset":
            return event.asset.display_name
        case "export":
            return event.export.error.message or event.export.path
        case "notice":
            details = " ".join(f"{name}={value}" for name, value in sorted(event.notice.details.items()))
            return f"{event.notice.message} {details}".strip()
        case None:
            return ""
        case other:
            return str(getattr(getattr(event, other), "title", ""))


def _run(run: run_pb2.Run) -> str:
    if run.error.reason:
        return f"{run.error.message} {run.error.remedy}".strip()
    figures = run.figures
    counted = f"   {figures.jobs_done}/{figures.jobs} jobs" if figures.jobs else ""
    return f"{run.spec.stage}{counted}"


def _candidate(candidate: run_pb2.Candidate) -> str:
    parts = []
    if candidate.accepted:
        parts.append("accepted by hand" if candidate.accepted_by_hand else "accepted")
    parts += [finding.message for finding in candidate.quality.findings[:2]]
    if not parts and candidate.state == run_pb2.Candidate.STATE_SUCCEEDED:
        parts.append(f"seed {candidate.seed}")
    return "   ".join(parts)
