"""Pictures of an export as records, for rules that need no files."""

from __future__ import annotations

from typing import Any

from bullpend.exports.model import Content, Picture


def picture(number: int, **changes: Any) -> Picture:
    """The accepted picture of scene `s<number>`."""
    name = f"projects/p/runs/r-0001/jobs/j-{number:04d}/candidates/c-1"
    given: dict[str, Any] = {
        "scene": f"projects/p/scenes/s{number}",
        "title": f"Scene {number}",
        "characters": ("mara",),
        "stage": "style",
        "candidate": name,
        "asset": f"projects/p/assets/{number:024x}",
        "sha256": f"{number:064x}",
        "mime_type": "image/png",
        "size_bytes": 1000 + number,
        "width": 512,
        "height": 384,
        "seed": 40 + number,
        **changes,
    }
    return Picture(**given)


def content(count: int, **changes: Any) -> Content:
    """A project with that many accepted pictures."""
    given: dict[str, Any] = {
        "project": "p",
        "title": "The Lamp",
        "story": "It goes out.",
        "pictures": tuple(picture(number) for number in range(1, count + 1)),
        "cast": {"mara": "Mara, the keeper"},
        **changes,
    }
    return Content(**given)
