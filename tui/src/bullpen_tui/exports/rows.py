"""Past exports as rows of a table, and all that is known of one. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from bullpen_api.v1 import event_pb2
from bullpen_api.v1 import export_pb2 as pb
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.exports import form
from bullpen_tui.exports.desk import AGAIN, GOING, Desk
from bullpen_tui.exports.words import MARKS, kind, unset
from bullpen_tui.mirror import leaf, project_of
from bullpen_tui.widgets.rows import Column, Row

COLUMNS = (
    Column("made", width=10),
    Column("project", minimum=8, weight=1, drop=2),
    Column("what", width=13),
    Column("state", width=10),
    Column("pages", width=5, right=True, drop=1),
    Column("size", width=6, right=True),
    Column("file", width=11),
    Column("lies at", minimum=12, weight=3, drop=3, middle=True),
)
GONE = "It is gone."
"""What the daemon says of a file that is not there any more."""


def file_mark(export: pb.Export, checked: pb.CheckExportResponse | None) -> words.Mark:
    """Whether the file is there and still what was written."""
    if export.state != pb.Export.STATE_SUCCEEDED:
        return (" ", words.FAINT, words.DASH)
    if checked is None:
        return ("·", words.FAINT, "unchecked")
    if checked.sound:
        return ("✓", words.GOOD, "unchanged")
    return ("✗", words.BAD, "gone" if checked.problem == GONE else "changed")


def export_row(export: pb.Export, desk: Desk, now: float) -> Row:
    """One export for `COLUMNS`."""
    held = export.state in (*GOING, pb.Export.STATE_SUCCEEDED)
    pages = (export.figures.pages or export.figures.pictures) if held else 0
    progress = desk.progress.get(export.name)
    going = export.state == pb.Export.STATE_RUNNING and progress is not None
    file = _far(progress) if going else words.mark(file_mark(export, desk.checks.get(export.name)))
    return Row(
        export.name,
        (
            words.text((words.ago(export.create_time, now), words.QUIET)),
            words.text((leaf(project_of(export.name)), words.QUIET)),
            Content(kind(export)),
            words.mark(words.state(MARKS, export.state)),
            words.text(str(pages or words.DASH)),
            words.text(words.size(export.size_bytes)),
            file,
            words.text((export.path, words.QUIET)),
        ),
    )


def _far(progress: event_pb2.Progress | None) -> Content:
    if progress is None or not progress.steps:
        return words.text((progress.phase if progress is not None else words.DASH, words.QUIET))
    return words.text(words.bar(progress.step, progress.steps, 5), f" {words.percent(progress.step / progress.steps)}")


def about(export: pb.Export, checked: pb.CheckExportResponse | None, now: float) -> list[Content]:
    """All that is known of an export: where it lies, what is in it, what came of it, and whether it still is that."""
    rows = [words.text((export.path, words.STRONG))]
    sha256 = export.sha256[:16]
    made = datetime.fromtimestamp(words.moment(export.create_time), UTC).strftime("%Y-%m-%d %H:%M UTC")
    holds = form.looked(pb.Export(figures=export.figures), ())
    parts = [kind(export), holds, f"made {made}", f"SHA-256 {sha256}…" if sha256 else ""]
    rows.append(words.text((" · ".join(part for part in parts if part), words.QUIET)))
    if asked := _asked(export.spec):
        rows.append(words.text(("asked for: ", words.QUIET), asked))
    if export.left_out:
        rows.append(
            words.text(("left out: ", words.QUIET), _few([one.title or leaf(one.scene) for one in export.left_out]))
        )
    if letters := unset(export):
        rows.append(
            words.text(("⚑ ", words.WARN), f"No font was found for {letters}: a question mark stands for each.")
        )
    if export.state == pb.Export.STATE_FAILED:
        rows.append(words.text(("✗ ", words.BAD), f"{export.error.message} {export.error.remedy}".strip()))
    elif export.state in AGAIN:
        rows.append(words.text(("◐ ", words.WARN), "Cut off when the daemon ended; nothing of it is left. R makes it."))
    if export.state == pb.Export.STATE_SUCCEEDED:
        rows.append(_verdict(checked))
    return rows


def _asked(spec: pb.ExportSpec) -> str:
    """What of it was not the usual."""
    said = (
        [f"{words.plural(len(spec.scenes), 'scene')}: {_few([leaf(name) for name in spec.scenes])}"]
        if spec.scenes
        else []
    )
    said += [f"stage {spec.stage}"] if spec.stage else []
    said += ["what post-process made last"] if spec.pictures == pb.ExportSpec.PICTURES_FINISHED else []
    said += ["all candidates"] if spec.all_candidates else []
    if spec.HasField("layout"):
        manga = ", right to left" if spec.layout.right_to_left else ""
        said.append(f"{spec.layout.columns}×{spec.layout.rows} panels a page{manga}")
    return "; ".join(said)


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _verdict(checked: pb.CheckExportResponse | None) -> Content:
    if checked is None:
        return words.text(
            ("·", words.FAINT), (" Not read since it was made; c reads it again, every byte.", words.QUIET)
        )
    if checked.sound:
        what = f" Every byte is what was written ({words.plural(checked.files, 'part')})."
        return words.text(("✓", words.GOOD), what)
    where = f"{checked.first_difference}: " if checked.problem != GONE else ""
    return words.text(("✗", words.BAD), f" {where}{checked.problem}")
