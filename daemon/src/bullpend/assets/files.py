"""Where an asset's files lie. Every path follows from the project and the content's hash; nothing is ever searched."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

EXTENSIONS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}
SLUG_LENGTH = 24


class Files:
    """Paths below `<home>/projects`."""

    def __init__(self, projects: Path) -> None:
        self._projects = projects
        # Joining paths is slow, and every picture needs this one several times.
        self._assets: dict[str, Path] = {}

    def assets(self, project: str) -> Path:
        """Root of the content: `ab/cd/<sha256>.png` and the sidecar `<sha256>.json` beside it."""
        folder = self._assets.get(project)
        if folder is None:
            folder = self._assets[project] = self._projects / project / "assets"
        return folder

    def thumbnails(self, project: str) -> Path:
        """Root of the thumbnails: `ab/<sha256>.webp`."""
        return self._projects / project / "thumbnails"

    def run(self, project: str, run: str) -> Path:
        """Folder of a run: its log and its contact sheet."""
        return self._projects / project / "runs" / run

    def exports(self, project: str) -> Path:
        """Folder of the project's exports that were given no other place."""
        return self._projects / project / "exports"

    def content(self, project: str, sha256: str, mime_type: str) -> Path:
        """The content of an asset."""
        return self.assets(project).joinpath(sha256[:2], sha256[2:4], f"{sha256}{EXTENSIONS[mime_type]}")

    def thumbnail(self, project: str, sha256: str) -> Path:
        """The thumbnail of an asset."""
        return self.thumbnails(project) / sha256[:2] / f"{sha256}.webp"

    def unknown(self, known: Set[tuple[str, str]]) -> list[Path]:
        """Stored content that no (project, hash) of `known` names. Walks every folder: for diagnosis only."""
        return [
            path
            for path in sorted(self._projects.glob("*/assets/??/??/*"))
            if path.suffix in EXTENSIONS.values() and (path.parts[-5], path.stem) not in known
        ]

    def projects_beside(self, slugs: Set[str]) -> list[Path]:
        """Folders of projects with pictures, but for those of `slugs`."""
        found = sorted({path.parent for path in self._projects.glob("*/assets") if any(path.glob("??/??"))})
        return [folder for folder in found if folder.name not in slugs]


def slug_of(sha256: str) -> str:
    """The id of an asset: the beginning of its hash, so that a registry rebuilt from disk has the same names."""
    return sha256[:SLUG_LENGTH]


def name_of(project: str, sha256: str) -> str:
    """The resource name of an asset."""
    return f"projects/{project}/assets/{slug_of(sha256)}"
