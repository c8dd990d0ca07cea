"""What an export would hold and where it would lie: its card, and what of the project must not move meanwhile."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from bullpen_api.v1 import export_pb2, run_pb2

from bullpend.db import Database
from bullpend.exports import gathering, rules
from bullpend.exports.model import PAGED, Content, Format, Wish
from bullpend.instructions import model
from bullpend.instructions.cards import Shown, card, count, few, ident, size
from bullpend.rpc.inside import Calls

LIST_STAGES = "bullpen.v1.RunService/ListStages"
WORDS = {
    Format.BUNDLE: "a ZIP bundle",
    Format.CBZ: "a comic book archive (CBZ)",
    Format.PDF_PAGES: "a PDF",
    Format.PDF_CONTACT_SHEET: "a PDF contact sheet",
}


async def shown(database: Database, calls: Calls, project: str, request: export_pb2.CreateExportRequest) -> Shown:
    """The card of an export. Raises what CreateExport refuses."""
    asked = export_pb2.CreateExportRequest()
    asked.CopyFrom(request)
    asked.validate_only = True
    told = await calls.call(model.EXPORT, asked)
    assert isinstance(told, export_pb2.Export)
    listed = await calls.call(LIST_STAGES, run_pb2.ListStagesRequest(parent=f"projects/{project}"))
    assert isinstance(listed, run_pb2.ListStagesResponse)
    stages = [stage.name.rpartition("/")[2] for stage in listed.stages]
    wish = rules.wish_of(request.spec, project, stages)
    content = await database.read(lambda view: gathering.content(view, project, wish, stages))
    replaces = request.spec.overwrite and await asyncio.to_thread(os.path.lexists, told.path)
    return _card(request.spec, told, wish, content, replaces)


def _card(spec: export_pb2.ExportSpec, told: export_pb2.Export, wish: Wish, content: Content, replaces: bool) -> Shown:
    figures, layout = told.figures, wish.layout
    pages = count(figures.pages, "page") if figures.pages else count(figures.pictures, "picture")
    panels = f"{layout.columns} × {layout.rows} panels a page" if layout else None
    if layout and layout.right_to_left:
        panels = f"{panels}, right to left"
    made = card(
        f"Export {pages} of {content.project} as {WORDS[wish.format]}",
        ("format", WORDS[wish.format]),
        ("scenes", _scenes(spec.scenes, figures.scenes)),
        ("pictures", "what post-process made last" if wish.finished else "as they were accepted"),
        ("stage", wish.stage or "the last accepted one of each scene"),
        ("pages", figures.pages or None),
        ("other candidates", figures.candidates or None),
        ("layout", panels),
        ("title", wish.title),
        ("left out", few([scene.title or ident(scene.scene) for scene in told.left_out]) if told.left_out else None),
        ("size", _size(wish, content)),
        ("file", told.path),
        ("replaces", "the file that lies there" if replaces else None),
    )
    target = {
        "title": content.title,
        "pictures": [[picture.scene, picture.sha256] for picture in content.all],
        "left_out": [scene.scene for scene in content.left_out],
        "path": told.path,
        "replaces": replaces,
    }
    return Shown(made, target)


def _scenes(named: Sequence[str], held: int) -> str:
    return few([ident(name) for name in named]) if named else f"all that have an accepted picture ({held})"


def _size(wish: Wish, content: Content) -> str | None:
    """About how large the file will be: pictures go into it as they are. Nothing is said where they are drawn anew.

    In a bundle of small pictures the logs beside them can be the larger part.
    """
    if wish.layout is not None or (wish.format not in PAGED and wish.format is not Format.BUNDLE):
        return None
    held = size(sum(picture.size_bytes for picture in content.all))
    return f"{held} of pictures, with the logs of their runs" if wish.format is Format.BUNDLE else f"about {held}"
