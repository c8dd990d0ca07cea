"""The wire forms of exports, made from rows."""

from __future__ import annotations

import json

from bullpen_api.v1 import event_pb2, run_pb2
from bullpen_api.v1 import export_pb2 as pb

from bullpend.db import Row
from bullpend.exports.model import Content
from bullpend.rpc.wire import timestamp


def name_of(row: Row) -> str:
    """The resource name of an export's row."""
    return f"projects/{row['project']}/exports/{row['slug']}"


def pack(row: Row, progress: pb.ExportProgress | None = None) -> pb.Export:
    """The wire form of an export's row; with how far it is where it is being made."""
    told = pb.Export.FromString(row["told"])
    succeeded = row["state"] == "SUCCEEDED"
    return pb.Export(
        name=name_of(row),
        spec=pb.ExportSpec.FromString(row["spec"]),
        state=pb.Export.State.Value(f"STATE_{row['state']}"),
        path=row["path"],
        size_bytes=row["size_bytes"] if succeeded else 0,
        sha256=row["sha256"] if succeeded else "",
        figures=told.figures,
        left_out=told.left_out,
        warnings=told.warnings if succeeded else (),
        error=run_pb2.JobError(**json.loads(row["error"])) if row["error"] else None,
        progress=progress,
        create_time=timestamp(row["create_time"]),
        start_time=timestamp(row["start_time"]),
        end_time=timestamp(row["end_time"]),
        revision=row["revision"],
    )


def event(row: Row) -> event_pb2.Event:
    """An event that carries the export as it is now."""
    return event_pb2.Event(export=pack(row))


def told_of(content: Content, pages: int, runs: int, missing: str = "") -> pb.Export:
    """What an export holds, what it leaves out, and which letters could not be set."""
    letters = pb.ExportWarning(kind=pb.ExportWarning.KIND_LETTERS_MISSING, letters=missing)
    return pb.Export(
        warnings=[letters] if missing else [],
        figures=pb.ExportFigures(
            scenes=len({picture.scene for picture in content.pictures}),
            pictures=len(content.pictures),
            pages=pages,
            candidates=len(content.candidates),
            runs=runs,
        ),
        left_out=[
            pb.LeftOut(scene=scene.scene, title=scene.title, reason=pb.LeftOut.REASON_NOTHING_ACCEPTED)
            for scene in content.left_out
        ],
    )
