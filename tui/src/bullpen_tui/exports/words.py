"""How exports are written: state, row among the tasks, and what is told when one has ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bullpen_api.v1 import event_pb2
from bullpen_api.v1 import export_pb2 as pb
from textual.content import Content
from textual.notifications import SeverityLevel

from bullpen_tui import words
from bullpen_tui.exports.desk import DELETED, ENDED
from bullpen_tui.mirror import Change, Happened, Snapshot, leaf, project_of
from bullpen_tui.widgets.rows import Row
from bullpen_tui.words import Mark

MARKS: Mapping[pb.Export.State.ValueType, Mark] = {
    pb.Export.STATE_UNSPECIFIED: ("·", words.FAINT, "unknown"),
    pb.Export.STATE_QUEUED: ("◌", words.QUIET, "queued"),
    pb.Export.STATE_RUNNING: ("●", words.ACCENT, "running"),
    pb.Export.STATE_SUCCEEDED: ("✓", words.GOOD, "done"),
    pb.Export.STATE_FAILED: ("✗", words.BAD, "failed"),
    pb.Export.STATE_CANCELED: ("⊘", words.QUIET, "canceled"),
    pb.Export.STATE_INTERRUPTED: ("◐", words.WARN, "cut off"),
}
_KINDS = {
    pb.ExportSpec.FORMAT_BUNDLE: "bundle",
    pb.ExportSpec.FORMAT_CBZ: "comic book",
    pb.ExportSpec.FORMAT_PDF_PAGES: "PDF pages",
    pb.ExportSpec.FORMAT_PDF_CONTACT_SHEET: "contact sheet",
}


def kind(export: pb.Export) -> str:
    """What is made, in a word or two."""
    return _KINDS.get(export.spec.format, "export")


def task_row(export: pb.Export, progress: event_pb2.Progress | None) -> Row:
    """An export among the runs that are being made."""
    going = export.state == pb.Export.STATE_RUNNING
    done, left = words.text((words.DASH, words.QUIET)), words.DASH
    if going and progress is not None:
        done = words.text((progress.phase, words.QUIET))
        if progress.steps:
            done = words.text(words.bar(progress.step, progress.steps, 6), f" {progress.step}/{progress.steps}")
        if progress.HasField("time_left"):
            left = words.clock(words.seconds_of(progress.time_left))
    return Row(
        export.name,
        (
            Content(f"{leaf(export.name)} {kind(export)}"),
            words.text((leaf(project_of(export.name)), words.QUIET)),
            words.mark(words.state(MARKS, export.state)),
            done,
            words.text(left),
            words.text((words.DASH, words.QUIET)),
        ),
    )


def ended(changes: Iterable[Change], before: Snapshot) -> list[pb.Export]:
    """Exports that ended with these changes. One that ended before the studio looked is no news."""
    found: dict[str, pb.Export] = {}
    for change in changes:
        item = change.item if isinstance(change, Happened) else None
        if not isinstance(item, event_pb2.Event) or item.WhichOneof("payload") != "export":
            continue
        known = before.exports.exports.get(item.export.name)
        news = known is None or known.state not in ENDED
        if item.revision > before.revision and item.export.state in ENDED and news and item.kind != DELETED:
            found[item.export.name] = item.export
    return list(found.values())


def severity(export: pb.Export) -> SeverityLevel:
    """How urgent it is to be told."""
    return "information" if export.state == pb.Export.STATE_SUCCEEDED and not export.warnings else "warning"


def unset(export: pb.Export) -> str:
    """Letters that no font of the daemon's machine has; empty where all could be set."""
    missing = pb.ExportWarning.KIND_LETTERS_MISSING
    return "".join(one.letters for one in export.warnings if one.kind == missing)


def said(export: pb.Export) -> str:
    """What came of an export, with the path of its file."""
    what = f"The {kind(export)} of {leaf(project_of(export.name))}"
    match export.state:
        case pb.Export.STATE_SUCCEEDED:
            left = f"; {words.plural(len(export.left_out), 'scene')} left out" if export.left_out else ""
            letters = f"; no font was found for {unset(export)}" if unset(export) else ""
            return f"{what} lies at {export.path}, checked{left}{letters}"
        case pb.Export.STATE_FAILED:
            return f"{what} was not made. {export.error.message} {export.error.remedy}".strip()
        case pb.Export.STATE_CANCELED:
            return f"{what} was stopped; nothing of it is left"
        case _:
            return f"{what} was cut off when the daemon ended; enter in the tasks begins it again"
