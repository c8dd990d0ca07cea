"""From what a person wrote to an export, and back to words. Pure, but for paths."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bullpen_api.v1 import export_pb2 as pb
from bullpen_api.v1 import project_pb2

from bullpen_tui.fields import whole_path
from bullpen_tui.plan import FormError

FORMATS: Mapping[str, tuple[str, pb.ExportSpec.Format.ValueType]] = {
    "cbz": ("comic book (CBZ)", pb.ExportSpec.FORMAT_CBZ),
    "pages": ("pages (PDF)", pb.ExportSpec.FORMAT_PDF_PAGES),
    "sheet": ("contact sheet (PDF)", pb.ExportSpec.FORMAT_PDF_CONTACT_SHEET),
    "bundle": ("bundle (ZIP) with where each picture comes from", pb.ExportSpec.FORMAT_BUNDLE),
}
PICTURES = (("accepted", "as they were accepted"), ("finished", "as post-process left them"), ("all", "all candidates"))
"""What of each scene is taken; not every format takes everything."""
LAST = ""
"""Value of the stage that takes what was accepted last."""
LAID = ("cbz", "pages")
_LAYOUT = re.compile(r"(\d{1,2})\s*[x×]\s*(\d{1,2})(\s+rtl)?", re.IGNORECASE)


def spec_of(values: Mapping[str, str]) -> pb.ExportSpec:
    """The export of a form: `format`, `pictures`, `stage`, `layout`, `title`, `destination`. Raises FormError."""
    chosen = values["format"]
    spec = pb.ExportSpec(
        format=FORMATS[chosen][1],
        stage=values["stage"],
        title=values["title"],
        destination=whole_path(values["destination"]),
        pictures=pb.ExportSpec.PICTURES_FINISHED
        if values["pictures"] == "finished"
        else pb.ExportSpec.PICTURES_ACCEPTED,
        all_candidates=values["pictures"] == "all",
    )
    if values["layout"] and chosen in LAID:
        spec.layout.CopyFrom(layout_of(values["layout"]))
    return spec


def layout_of(text: str) -> pb.ExportLayout:
    """Panels beside and below each other, such as `2x3` or `2x3 rtl`. Raises FormError."""
    found = _LAYOUT.fullmatch(text.strip())
    if found is None:
        raise FormError("layout: two numbers such as 2x3; 2x3 rtl reads from right to left; empty is one a page")
    return pb.ExportLayout(columns=int(found[1]), rows=int(found[2]), right_to_left=found[3] is not None)


def stage_choices(project: project_pb2.Project | None) -> list[tuple[str, str]]:
    """The last accepted picture of each scene, or those of one stage, with how many are accepted in it."""
    stages = project.figures.stages if project is not None else ()
    offered = [(f"{one.stage}, {one.accepted} of {one.scenes} accepted", one.stage) for one in stages if one.accepted]
    return [("the last accepted one of each scene", LAST), *offered]


def picture_choices(chosen: str) -> list[tuple[str, str]]:
    """What of each scene a format takes."""
    return [(label, value) for value, label in PICTURES if value != "all" or chosen not in LAID]


def looked(export: pb.Export, leaves: Sequence[str]) -> str:
    """What an export would hold, where it would go, and what would be left out; `leaves` are titles of scenes."""
    figures = export.figures
    parts = [
        (figures.pages, "page"),
        (figures.pictures, "picture"),
        (figures.candidates, "further candidate"),
        (figures.runs, "run log"),
    ]
    holds = ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in parts if number)
    missing = ""
    if leaves:
        shown = ", ".join(leaves[:4]) + (f" and {len(leaves) - 4} more" if len(leaves) > 4 else "")
        missing = f"; nothing is accepted of {shown}"
    return f"{holds}{missing}"
