"""The manifests in force: the installation's, and for each project the same with the project's own part laid over it.

A project's own part is `manifest.json` in its folder, in the form of `settings/manifest.json` with only what differs:
a whole new stage, or a few fields of one that exists. It is laid over the installation's as RFC 7396 (JSON merge patch)
says: objects are merged, everything else replaces, null takes away. It may be written by hand: it is looked at each
time, and read again when it changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bullpend import settings_files
from bullpend.errors import EtagMismatch, SettingInvalid
from bullpend.prompts.wildcards import Wildcards
from bullpend.quality.model import Checks
from bullpend.runs import manifest
from bullpend.runs.manifest import FILE_NAME, Manifest

# A manifest of a hundred stages stays far below.
MAX_BYTES = 1_000_000
# Of the installation and not of a project: what it guards is the machine.
_NOT_OWN = ("style_roots", "schema_version")


@dataclass(frozen=True, slots=True)
class Known:
    """A project's own part as it was last read, and the manifest with it; `mark` tells whether the file changed."""

    mark: tuple[int, int, int]
    own: Mapping[str, Any]
    whole: Manifest
    etag: str


class Manifests:
    """Gives the manifest of a project. Small files, read on the caller's thread."""

    def __init__(self, file: Path, projects: Path) -> None:
        """Reads the installation's `file`. Raises SettingInvalid."""
        self._data = settings_files.read(file)
        self.base = manifest.parse(self._data, str(file))
        self._projects = projects
        self._known: dict[str, Known] = {}

    def wildcards(self, project: str) -> Wildcards:
        """The lists of words that a project sees: its own, then the home's."""
        return Wildcards([self._projects / project / "wildcards", self._projects.parent / "wildcards"])

    def of(self, project: str) -> Manifest:
        """The manifest in force in a project; the installation's for none. Raises SettingInvalid."""
        return self.known(project).whole

    def stages(self, project: str) -> list[str]:
        """The stages of a project in their order; the installation's while its own part is wrong."""
        return list(self._sound(project).stages)

    def variables(self, project: str) -> dict[str, tuple[str, ...]]:
        """The variables that each stage of a project declares; of the installation's while its own part is wrong."""
        return {name: tuple(stage.variables) for name, stage in self._sound(project).stages.items()}

    def checks(self, project: str, stage: str) -> Checks:
        """How the pictures of a stage are judged. A stage that is gone by now is judged by nothing."""
        found = self._sound(project).stages.get(stage)
        return found.qa.checks() if found else Checks()

    def _sound(self, project: str) -> Manifest:
        try:
            return self.of(project)
        except SettingInvalid:
            return self.base

    def known(self, project: str) -> Known:
        """The manifest of a project with its own part. Raises SettingInvalid where that is wrong."""
        path = self.path(project)
        try:
            status = path.stat() if project else None
        except OSError:
            status = None
        if status is None:
            self._known.pop(project, None)
            return Known((0, 0, 0), {}, self.base, _etag({}))
        mark = (status.st_mtime_ns, status.st_size, status.st_ino)
        found = self._known.get(project)
        if found is None or found.mark != mark:
            if status.st_size > MAX_BYTES:
                raise SettingInvalid(f"{path} is too large to be a manifest.", field=FILE_NAME, file=str(path))
            own = settings_files.read(path)
            found = self._known[project] = Known(mark, own, self.checked(own, str(path)), _etag(own))
        return found

    def path(self, project: str) -> Path:
        """Where a project's own part lies, whether or not there is one."""
        return self._projects / project / FILE_NAME

    def checked(self, own: Any, where: str) -> Manifest:
        """The whole manifest with an own part. Raises SettingInvalid naming the field by its path."""
        if not isinstance(own, dict):
            raise settings_files.wrong(where, "", "must be an object")
        for key in _NOT_OWN:
            if key in own and own[key] != self._data[key]:
                raise settings_files.wrong(where, key, "belongs to the installation, and is the same for all projects")
        return manifest.parse(laid_over(self._data, own), where)

    def write(self, project: str, own: Mapping[str, Any], etag: str = "") -> Known:
        """Makes `own` the project's part; an empty one removes it. Raises SettingInvalid, EtagMismatch, OSError."""
        path = self.path(project)
        if etag and etag != self.known(project).etag:
            raise EtagMismatch(f"The manifest of {project} changed since it was read.", field="manifest.etag")
        self.checked(own, str(path))
        if own:
            part = path.with_suffix(".json.part")
            with part.open("w", encoding="utf-8") as file:
                file.write(json.dumps(own, indent=2, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        else:
            path.unlink(missing_ok=True)
        return self.known(project)


def laid_over(base: Any, own: Any) -> Any:
    """A JSON value with a merge patch (RFC 7396) applied; neither is changed."""
    if not isinstance(own, dict):
        return own
    merged = dict(base) if isinstance(base, dict) else {}
    for key, value in own.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = laid_over(merged.get(key), value)
    return merged


def _etag(own: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:16]
