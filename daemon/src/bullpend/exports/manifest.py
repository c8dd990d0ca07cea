"""What an export says of itself: the list of its parts with their hashes, and where each picture comes from. Pure.

Both are JSON with sorted keys and say nothing of when or where the export was made: the same content gives the same
bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bullpend.exports.archive import Entry
from bullpend.exports.model import Content, Picture, Wish

NAME = "manifest.json"
PROVENANCE = "provenance.json"
SCHEMA = "bullpen.export/1"
PROVENANCE_SCHEMA = "bullpen.provenance/1"


def manifest(
    wish: Wish, content: Content, parts: Iterable[Entry], pages: Mapping[str, Sequence[Picture]] | None = None
) -> bytes:
    """The list of the parts of an archive; it does not hold itself. `pages` are pictures by the file of their page."""
    return encoded(
        {
            "schema": SCHEMA,
            "format": wish.format.value.lower(),
            "project": content.project,
            "title": content.title,
            "stage": wish.stage,
            "pictures": "finished" if wish.finished else "accepted",
            "left_out": [
                {"scene": scene.scene, "title": scene.title, "reason": "nothing_accepted"} for scene in content.left_out
            ],
            "pages": [
                {
                    "file": name,
                    "pictures": [{"scene": one.scene, "asset": one.asset, "sha256": one.sha256} for one in pictures],
                }
                for name, pictures in (pages or {}).items()
            ],
            "files": [{"name": part.name, "size_bytes": part.size, "sha256": part.sha256} for part in parts],
        }
    )


def provenance(content: Content, files: Mapping[str, str]) -> bytes:
    """Where each picture comes from; `files` has the name of each in the archive, by candidate or asset."""
    told = [_told(picture, files[key_of(picture)]) for picture in content.all]
    return encoded({"schema": PROVENANCE_SCHEMA, "project": content.project, "pictures": told})


def key_of(picture: Picture) -> str:
    """What tells the pictures of an export apart: two candidates may have the same content."""
    return f"{picture.scene}/{picture.candidate or picture.asset}"


def _told(picture: Picture, file: str) -> dict[str, Any]:
    return {
        "file": file,
        "sha256": picture.sha256,
        "mime_type": picture.mime_type,
        "size_bytes": picture.size_bytes,
        "width": picture.width,
        "height": picture.height,
        "asset": picture.asset,
        "licence": picture.licence,
        "scene": picture.scene,
        "scene_title": picture.title,
        "stage": picture.stage,
        "run": picture.run,
        "job": picture.job,
        "candidate": picture.candidate,
        "accepted": picture.accepted,
        "accept_reason": picture.reason,
        "accepted_by_hand": picture.by_hand,
        "seed": picture.seed,
        "model": {"name": picture.model, "digest": picture.model_digest},
        "recipe": picture.recipe,
        "parents": [parent.to_dict() for parent in picture.parents],
    }


def encoded(value: Any) -> bytes:
    """JSON in UTF-8, sorted and ending with a line break."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()
