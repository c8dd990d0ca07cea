"""Decisions about exports: what a wish may say, which picture stands for a scene, and what files are called.

Pure functions, no I/O, no clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bullpen_api.v1 import export_pb2 as pb

from bullpend.db import Row
from bullpend.errors import FieldInvalid, LimitExceeded, StageUnknown, StateConflict
from bullpend.exports.model import ENDINGS, PAGED, TABLE, Format, Layout, Move, State, Wish
from bullpend.rpc import names

MOST_SCENES = 5000
MOST_TITLE = 200
# A4 with 200 pixels an inch.
PAGE = (1654, 2339)
SIDES = (320, 8000)
MOST_COLUMNS, MOST_ROWS = 8, 12
# Of the page's width.
MARGIN, GUTTER = 1 / 20, 1 / 60
LEAST_PANEL = 32
_WAS = {
    State.QUEUED: "waits",
    State.RUNNING: "is being made",
    State.SUCCEEDED: "has succeeded",
    State.FAILED: "has failed",
    State.CANCELED: "was canceled",
    State.INTERRUPTED: "was interrupted",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def move(state: State, what: Move, name: str = "") -> State:
    """The state after a move. Raises StateConflict where the table has no such pair."""
    after = TABLE.get((state, what))
    if after is None:
        raise StateConflict(
            f"The export {_WAS[state]}; it cannot be {what.value}.", field="name", resource=name, state=state.value
        )
    return after


def wish_of(spec: pb.ExportSpec, project: str, stages: Sequence[str]) -> Wish:
    """What a person wishes. Raises FieldInvalid, LimitExceeded or StageUnknown naming the field."""
    if not spec.format:
        known = ", ".join(value.lower().replace("_", "-") for value in Format)
        raise FieldInvalid("No format is given.", field="spec.format", remedy=f"Give one of: {known}.")
    wanted = Format(names.choice(pb.ExportSpec.Format.DESCRIPTOR, spec.format, "spec.format"))
    pictures = names.choice(pb.ExportSpec.Pictures.DESCRIPTOR, spec.pictures, "spec.pictures")
    stage = spec.stage.removeprefix("stages/")
    if stage and stage not in stages:
        raise StageUnknown(f"There is no stage {stage}.", field="spec.stage", stage=stage, stages=", ".join(stages))
    if len(spec.scenes) > MOST_SCENES:
        raise LimitExceeded(f"At most {MOST_SCENES} scenes go into an export.", field="spec.scenes", limit=MOST_SCENES)
    if spec.all_candidates and wanted in PAGED:
        raise _useless("all_candidates", "A comic book and its pages hold accepted pictures alone")
    if spec.HasField("layout") and wanted not in PAGED:
        raise _useless("layout", "Only the pages of a comic book or PDF can be laid out")
    return Wish(
        format=wanted,
        stage=stage,
        scenes=_scenes(spec.scenes, project),
        finished=pictures == "FINISHED",
        all_candidates=spec.all_candidates,
        title=_words(spec.title, "spec.title"),
        series=_words(spec.series, "spec.series"),
        layout=layout_of(spec.layout) if spec.HasField("layout") else None,
    )


def _useless(field: str, why: str) -> FieldInvalid:
    return FieldInvalid(f"{why}.", field=f"spec.{field}", remedy=f"Leave `{field}` out, or choose another format.")


def _words(text: str, field: str) -> str:
    names.text(text, field, MOST_TITLE)
    if _CONTROL.search(text):
        raise FieldInvalid(f"`{field}` holds a control character.", field=field)
    return text.strip()


def _scenes(given: Sequence[str], project: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for index, name in enumerate(given):
        field = f"spec.scenes[{index}]"
        owner, slug = names.parse(name, "projects/*/scenes/*", field)
        if owner != project:
            raise FieldInvalid(f"{name} belongs to another project.", field=field)
        if slug in found:
            raise FieldInvalid(f"{name} is named twice.", field=field, remedy="Name each scene once.")
        found[slug] = None
    return tuple(found)


def layout_of(given: pb.ExportLayout) -> Layout:
    """A layout with its defaults. Raises FieldInvalid naming the field."""
    columns = _within(given.columns, 1, MOST_COLUMNS, "columns")
    rows = _within(given.rows, 1, MOST_ROWS, "rows")
    width = _within(given.page_width or PAGE[0], *SIDES, "page_width")
    height = _within(given.page_height or PAGE[1], *SIDES, "page_height")
    margin = given.margin if given.HasField("margin") else round(width * MARGIN)
    gutter = given.gutter if given.HasField("gutter") else round(width * GUTTER)
    _within(margin, 0, max(width, height), "margin")
    _within(gutter, 0, max(width, height), "gutter")
    for side, count in ((width, columns), (height, rows)):
        if (side - 2 * margin - (count - 1) * gutter) // count < LEAST_PANEL:
            raise FieldInvalid(
                f"{columns} × {rows} panels leave less than {LEAST_PANEL} pixels for each.",
                field="spec.layout",
                remedy="Take fewer panels, a larger page, or a smaller margin.",
            )
    return Layout(columns, rows, width, height, margin, gutter, given.right_to_left)


def _within(value: int, least: int, most: int, field: str) -> int:
    if not least <= value <= most:
        raise FieldInvalid(
            f"`spec.layout.{field}` is {value}, and must be {least} to {most}.", field=f"spec.layout.{field}"
        )
    return value


def last_accepted(by_stage: Mapping[str, Row], order: Sequence[str], stage: str) -> Row | None:
    """The row of the picture that stands for a scene: that of the stage, or of the last one in the manifest's order.

    A stage that the manifest has no more counts as earlier than those that it has.
    """
    if stage:
        return by_stage.get(stage)
    places = {name: place for place, name in enumerate(order)}
    best = max(by_stage, key=lambda name: (places.get(name, -1), name), default="")
    return by_stage.get(best)


def nothing_accepted(project: str, stage: str) -> StateConflict:
    """The refusal of an export without a single picture."""
    where = f" in the stage {stage}" if stage else ""
    return StateConflict(
        f"No picture of {project} is accepted{where}, so there is nothing to export.",
        field="spec.stage" if stage else "parent",
        remedy="Accept a candidate of each scene first"
        + (", or leave the stage out to take the last accepted one of each scene." if stage else "."),
    )


def file_name(project: str, wanted: Format, mark: str = "") -> str:
    """What a file is called where only its folder is given; `mark` tells those of the project's own folder apart."""
    what = {Format.PDF_PAGES: "-pages", Format.PDF_CONTACT_SHEET: "-contact-sheet"}.get(wanted, "")
    return f"{project}{what}{f'-{mark}' if mark else ''}{ENDINGS[wanted]}"


def numbered(count: int) -> list[str]:
    """Numbers from 1, padded with noughts, so that names sort as the numbers do."""
    digits = max(4, len(str(count)))
    return [f"{number:0{digits}}" for number in range(1, count + 1)]
