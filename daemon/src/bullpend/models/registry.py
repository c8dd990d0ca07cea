"""The registry of installed models: scans folders, checks hashes, remembers both.

Plain blocking functions: the caller runs them in a thread. Nothing here opens a weight file other than to hash it.
"""

from __future__ import annotations

import difflib
import os
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bullpend.errors import ModelCorrupt, ModelNotFound
from bullpend.models import folder as folders_of
from bullpend.models.hashes import Hashes, digest
from bullpend.models.model import Model, ModelState
from bullpend.models.rules import SCRIPTED, require
from bullpend.paths import allowed_folder
from bullpend.settings import Settings

_LONE = folders_of.SAFE | folders_of.PICKLED


class Registry:
    """Models below `folders`, in the order of the folders; with `scripted`, also `models/scripted`.

    A folder holds models in diffusers layout, or folders of such, or is a Hugging Face cache. `roots` are the folders
    inside which a model may be named by its absolute path; `folders` belong to them.
    """

    def __init__(self, folders: Sequence[Path], *, roots: Sequence[Path] = (), scripted: bool = False) -> None:
        self._folders = tuple(folders)
        self._roots = (*roots, *folders)
        self._scripted = scripted
        self._hashes = Hashes()
        self._lock = threading.Lock()
        self._models: dict[str, Model] | None = None
        # What a full check found, by (path of the model, state of its files).
        self._checked: dict[tuple[str, tuple[object, ...]], Model] = {}

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that are searched."""
        return self._folders

    def scan(self) -> tuple[Model, ...]:
        """Looks at the folders anew; reads descriptions and sizes only."""
        found: dict[str, Model] = {}
        seen: set[str] = set()
        if self._scripted:
            found[SCRIPTED.name] = SCRIPTED
        for root in self._folders:
            for place, title in _places(root):
                real = os.path.realpath(place)
                if real in seen:
                    continue
                seen.add(real)
                name = _unique(title, found)
                found[name] = self._recall(
                    folders_of.describe(place, name) if place.is_dir() else folders_of.lone_file(place, name)
                )
        with self._lock:
            self._models = found
        return tuple(found[name] for name in sorted(found))

    def models(self) -> tuple[Model, ...]:
        """The models of the last scan, by name; scans first where none was made."""
        with self._lock:
            known = self._models
        return self.scan() if known is None else tuple(known[name] for name in sorted(known))

    def get(self, name: str) -> Model:
        """A model by name (`models/x`, or `x`) or by absolute path of its folder, as it is on the disk now.

        Raises ModelNotFound, FieldInvalid, PathNotAllowed, PathNotFound.
        """
        if name.startswith("/") or Path(name).is_absolute():
            real = allowed_folder(name, self._roots, "model")
            for model in self.models():
                if model.path and os.path.realpath(model.path) == str(real):
                    return self._fresh(model)
            return self._recall(folders_of.describe(real, str(real)))
        wanted = name if name.startswith("models/") else f"models/{name}"
        for models in (self.models, self.scan):
            for model in models():
                if model.name == wanted:
                    return self._fresh(model)
        raise self._missing(wanted)

    def verify(self, name: str) -> Model:
        """The model with its digest, after comparing every file with its manifest (hashes are remembered).

        Raises what `get` raises, and ModelCorrupt, ModelUnsafe, ModelUnsupported.
        """
        model = require(self.get(name))
        if model is SCRIPTED or model.digest:
            return model
        place = Path(model.path)
        files = folders_of.content_files(place)
        state = _state(place, files)
        try:
            checked = replace(model, digest=self._check(place, files))
        except (ModelCorrupt, folders_of.FolderError) as error:
            checked = replace(model, state=ModelState.CORRUPT, refusal=error.reason, problem=error.message)
        with self._lock:
            self._checked[model.path, state] = checked
            if self._models is not None and model.name in self._models:
                self._models[model.name] = checked
        return require(checked)

    def _check(self, place: Path, files: Sequence[str]) -> str:
        """Digest of the folder's files. Raises ModelCorrupt naming the first that differs from the manifest."""
        listed = folders_of.listed_files(place)
        hashes = {}
        for path in files:
            try:
                hashes[path] = self._hashes.of(place / path)
            except OSError as error:
                raise ModelCorrupt(f"{path} cannot be read: {error.strerror}.", field="model", file=path) from error
        for path, entry in listed.items():
            if (found := hashes.get(path)) is None:
                try:
                    found = self._hashes.of(place / path)
                except OSError as error:
                    raise ModelCorrupt(f"{path} is missing.", field="model", file=path) from error
            if found != entry.sha256:
                raise ModelCorrupt(f"{path} differs from the model's manifest.", field="model", file=path)
        return digest(hashes)

    def _fresh(self, model: Model) -> Model:
        """The model as its files are now: described anew, with what a full check of the same files found."""
        if model is SCRIPTED or not Path(model.path).is_dir():
            if model is not SCRIPTED and not Path(model.path).exists():
                raise self._missing(model.name)
            return model
        return self._recall(folders_of.describe(Path(model.path), model.name))

    def _recall(self, model: Model) -> Model:
        place = Path(model.path)
        if model.state is not ModelState.READY:
            return model
        key = (model.path, _state(place, folders_of.content_files(place)))
        with self._lock:
            checked = self._checked.get(key)
        if checked is None:
            return model
        return replace(
            model, digest=checked.digest, state=checked.state, refusal=checked.refusal, problem=checked.problem
        )

    def _missing(self, wanted: str) -> ModelNotFound:
        names = [model.name for model in self.models()]
        near = difflib.get_close_matches(wanted, names, n=1)
        return ModelNotFound(
            f"The model {wanted} is not installed." + (f" The nearest name is {near[0]}." if near else ""),
            field="model",
            remedy="Choose an installed model (`bullpen models list`), or put its folder into "
            + (" or ".join(str(folder) for folder in self._folders) or "a folder named in paths.model_folders")
            + ".",
            model=wanted,
        )


def from_settings(settings: Settings) -> Registry:
    """The registry that the settings describe."""
    return Registry(settings.model_folders(), roots=settings.input_roots(), scripted=settings.testing.scripted)


def _places(root: Path) -> Iterator[tuple[Path, str]]:
    """Models below a root with their names, sorted: folders, folders of folders, cache entries and lone files."""
    for place in _sorted(root):
        if place.name.startswith("models--"):
            snapshot = _snapshot(place)
            if snapshot is not None:
                yield snapshot, place.name.removeprefix("models--")
        elif place.is_dir():
            if (place / folders_of.INDEX).is_file():
                yield place, place.name
                continue
            for inner in _sorted(place):
                if (inner / folders_of.INDEX).is_file():
                    yield inner, f"{place.name}--{inner.name}"
        elif place.suffix.lower() in _LONE and place.is_file():
            yield place, place.stem


def _sorted(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        # A folder that is not there, or not readable, holds no models; `bullpen doctor` lists the folders.
        return []


def _snapshot(place: Path) -> Path | None:
    """The snapshot of a Hugging Face cache entry that `main` names, else the last by name; only diffusers ones."""
    try:
        revision = (place / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        revision = ""
    snapshots = [path for path in _sorted(place / "snapshots") if (path / folders_of.INDEX).is_file()]
    for path in snapshots:
        if path.name == revision:
            return path
    return snapshots[-1] if snapshots else None


def _unique(title: str, taken: dict[str, Model]) -> str:
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", title).strip("-.") or "model"
    name, number = f"models/{slug}", 1
    while name in taken:
        number += 1
        name = f"models/{slug}-{number}"
    return name


def _state(place: Path, files: Sequence[str]) -> tuple[object, ...]:
    """Size and time of change of each file, and of the manifest; another tuple after any change."""
    state: list[object] = []
    for path in (folders_of.MANIFEST, *files):
        try:
            status = (place / path).stat()
        except OSError:
            state.append((path, None))
        else:
            state.append((path, status.st_size, status.st_mtime_ns))
    return tuple(state)
