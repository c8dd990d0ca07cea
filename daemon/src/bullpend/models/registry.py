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
from typing import Protocol

from bullpend.errors import ModelCorrupt, ModelNotFound
from bullpend.models import description, language
from bullpend.models import folder as folders_of
from bullpend.models.hashes import CheckedFile, Hashes, Mark, digest
from bullpend.models.model import Model, ModelState
from bullpend.models.rules import SCRIPTED, require
from bullpend.paths import allowed_folder, allowed_path
from bullpend.settings import Settings

_LONE = description.SAFE | description.PICKLED
# Signs of a hash that are shown: enough to tell files apart, short enough to be read.
_SHOWN = 12


class Remote(Protocol):
    """Models that run at providers: they have a name, a price, and no folder."""

    def models(self) -> Sequence[Model]:
        """All of them; none where their list cannot be read."""
        ...

    def model(self, name: str) -> Model:
        """One by its name. Raises ModelNotFound, SettingInvalid."""
        ...


# The mark of each file of a model; None where it cannot be read.
State = tuple[tuple[str, Mark | None], ...]


class Registry:
    """Models below `folders`, in the order of the folders; with `scripted`, also `models/scripted`.

    A folder holds models in diffusers layout or with a manifest, or folders of such, or is a Hugging Face cache.
    `roots` are the folders inside which a model may be named by its absolute path; `folders` belong to them.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        roots: Sequence[Path] = (),
        scripted: bool = False,
        hashes: Hashes | None = None,
        remote: Remote | None = None,
    ) -> None:
        """`remote` knows the models that run at providers."""
        self._folders = tuple(folders)
        self._roots = (*roots, *folders)
        self._scripted = scripted
        self._remote = remote
        self._hashes = hashes or Hashes()
        self._lock = threading.Lock()
        self._models: dict[str, Model] | None = None
        # What a full check found, by (path of the model, state of its files).
        self._checked: dict[tuple[str, State], Model] = {}

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
        if self._remote is not None:
            found |= {model.name: model for model in self._remote.models()}
        for root in self._folders:
            for place, title in _places(root):
                real = os.path.realpath(place)
                if real in seen:
                    continue
                seen.add(real)
                name = _unique(title, found)
                found[name] = self._recall(_describe(place, name))
        with self._lock:
            self._models = found
        return tuple(found[name] for name in sorted(found))

    def models(self) -> tuple[Model, ...]:
        """The models of the last scan, by name; scans first where none was made."""
        with self._lock:
            known = self._models
        return self.scan() if known is None else tuple(known[name] for name in sorted(known))

    def seen(self) -> tuple[Model, ...]:
        """The models of the last scan; none where there was none yet. Never looks at the disk."""
        with self._lock:
            return tuple((self._models or {}).values())

    def get(self, name: str) -> Model:
        """A model by name (`models/x`, or `x`) or by absolute path of its folder, or of a language model's file, as it
        is on the disk now.

        Raises ModelNotFound, FieldInvalid, PathNotAllowed, PathNotFound.
        """
        if self._remote is not None and ":" in name and not Path(name).is_absolute():
            return self._remote.model(name)
        if name.startswith("/") or Path(name).is_absolute():
            # A checkpoint that is one file is refused as what it is, not as a path that is no folder.
            one_file = language.is_language(name) or Path(name).suffix.lower() in _LONE
            real = (allowed_path if one_file else allowed_folder)(name, self._roots, "model")
            for model in self.models():
                if model.path and os.path.realpath(model.path) == str(real):
                    return self._fresh(model)
            return self._recall(_describe(real, str(real)))
        wanted = name if name.startswith("models/") else f"models/{name}"
        for models in (self.models, self.scan):
            for model in models():
                if model.name == wanted:
                    return self._fresh(model)
        raise self._missing(wanted)

    def verify(self, name: str, *, anew: bool = False) -> Model:
        """The model with its digest, after comparing every file with its manifest (hashes are remembered).

        With `anew` every file is read, which also finds what a failing disk changed.
        Raises what `get` raises, and ModelCorrupt, ModelUnsafe, ModelUnsupported.
        """
        model = self.get(name)
        if not _has_files(model):
            return require(model)
        if anew:
            model = _describe(Path(model.path), model.name)
        if model.digest or model.state is not ModelState.READY:
            return require(model)
        state: State = ()
        try:
            place, files = _contents(model)
            if anew:
                for path in files:
                    self._hashes.forget(place / path)
            state = _state(place, files)
            checked = replace(model, digest=self._check(place, files))
        except (ModelCorrupt, description.FolderError) as error:
            checked = replace(model, state=ModelState.CORRUPT, refusal=error.reason, problem=error.message)
        with self._lock:
            if state and all(mark is not None and self._hashes.settled(mark) for _, mark in state):
                self._checked[model.path, state] = checked
            if self._models is not None and model.name in self._models:
                self._models[model.name] = checked
        return require(checked)

    def loadable(self, name: str, expected: str) -> tuple[Model, tuple[CheckedFile, ...]]:
        """The model with its files as they are now, for a worker that loads exactly these.

        `expected` is the digest that the model was planned with. Raises what `verify` raises, and ModelCorrupt where
        the model is another one by now.
        """
        model = self.verify(name)
        if not model.path:
            if model.digest != expected:
                raise ModelCorrupt(
                    f"{name} is not set up as it was when this was planned.",
                    field="model",
                    remedy="Plan anew with the model as it is now.",
                    model=name,
                )
            return model, ()
        place, names = _contents(model)
        files = []
        for path in names:
            sha256, mark = self._hash(place, path)
            files.append(CheckedFile(path, sha256, mark))
        found = digest({file.path: file.sha256 for file in files})
        if found != expected:
            raise ModelCorrupt(
                f"{name} is not the model that this was planned with: the digest of its files begins with "
                f"{found[:_SHOWN]}, the plan's with {expected[:_SHOWN]}.",
                field="model",
                remedy="Put the model's files back as they were, or plan anew with the model as it is now.",
                model=name,
            )
        return model, tuple(files)

    def _check(self, place: Path, files: Sequence[str]) -> str:
        """Digest of the folder's files. Raises ModelCorrupt naming the first that differs from the manifest."""
        listed = description.listed_files(place)
        hashes = {}
        for path in files:
            found = hashes[path] = self._hash(place, path)[0]
            if (entry := listed.get(path)) is not None and found != entry.sha256:
                raise ModelCorrupt(
                    f"{path} is not the file that the model's manifest lists: its SHA-256 begins with "
                    f"{found[:_SHOWN]}, the manifest's with {entry.sha256[:_SHOWN]}.",
                    field="model",
                    file=path,
                )
            if listed and entry is None and description.is_weights(path):
                raise ModelCorrupt(f"{path} holds weights that the model's manifest does not list.", field="model")
        return digest(hashes)

    def _hash(self, place: Path, path: str) -> tuple[str, Mark]:
        try:
            return self._hashes.of(place / path)
        except FileNotFoundError as error:
            raise ModelCorrupt(f"{path} is missing.", field="model", file=path) from error
        except OSError as error:
            raise ModelCorrupt(f"{path} cannot be read: {error.strerror}.", field="model", file=path) from error

    def _fresh(self, model: Model) -> Model:
        """The model as its files are now: described anew, with what a full check of the same files found."""
        if not _has_files(model):
            if model.path and not Path(model.path).exists():
                raise self._missing(model.name)
            return model
        return self._recall(_describe(Path(model.path), model.name))

    def _recall(self, model: Model) -> Model:
        if model.state is not ModelState.READY:
            return model
        key = (model.path, _state(*_contents(model)))
        with self._lock:
            checked = self._checked.get(key)
        if checked is None:
            return model
        return replace(
            model, digest=checked.digest, state=checked.state, refusal=checked.refusal, problem=checked.problem
        )

    def _missing(self, wanted: str) -> ModelNotFound:
        # Without what all names begin with, which would make any two of them alike.
        names = [model.name.removeprefix("models/") for model in self.models()]
        near = difflib.get_close_matches(wanted.removeprefix("models/"), names, n=1)
        return ModelNotFound(
            f"The model {wanted} is not installed." + (f" The nearest name is models/{near[0]}." if near else ""),
            field="model",
            remedy="Choose an installed model (`bullpen models list`), or put its folder into "
            + (" or ".join(str(folder) for folder in self._folders) or "a folder named in paths.model_folders")
            + ".",
            model=wanted,
        )


def from_settings(settings: Settings) -> Registry:
    """The registry that the settings describe."""
    return Registry(settings.model_folders(), roots=settings.input_roots(), scripted=settings.testing.scripted)


def _describe(place: Path, name: str) -> Model:
    """What lies at a place: a folder, a language model's file, or a checkpoint that is one file."""
    if place.is_dir():
        return folders_of.describe(place, name)
    return language.describe(place, name) if language.is_language(name) else folders_of.lone_file(place, name)


def _has_files(model: Model) -> bool:
    """Whether there is something to be hashed and loaded."""
    return bool(model.path) and (
        Path(model.path).is_dir() or (model.engine == language.ENGINE and Path(model.path).is_file())
    )


def _contents(model: Model) -> tuple[Path, list[str]]:
    """The folder of a model's files, and what of it decides what the model makes. Raises FolderError."""
    place = Path(model.path)
    if model.engine == language.ENGINE:
        return place.parent, language.content_files(place)
    return place, description.content_files(place)


def _places(root: Path) -> Iterator[tuple[Path, str]]:
    """Models below a root with their names, sorted: folders, folders of folders, cache entries and lone files."""
    for place in _sorted(root):
        if place.name.startswith("models--"):
            snapshot = _snapshot(place)
            title = place.name.removeprefix("models--")
            if snapshot is not None and folders_of.holds_model(snapshot):
                yield snapshot, title
            if snapshot is not None:
                yield from _texts(snapshot, title)
        elif place.is_dir():
            yield from _texts(place, place.name)
            if folders_of.holds_model(place):
                yield place, place.name
                continue
            for inner in _sorted(place):
                if folders_of.holds_model(inner):
                    yield inner, f"{place.name}--{inner.name}"
        elif language.is_file(place):
            yield place, language.title_of(place)
        elif place.suffix.lower() in _LONE and place.is_file():
            yield place, place.stem


def _texts(folder: Path, title: str) -> Iterator[tuple[Path, str]]:
    """Language models in a folder; each file is a model of its own."""
    for path in _sorted(folder):
        if language.is_file(path):
            yield path, f"{title}--{language.title_of(path)}"


def _sorted(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        # A folder that is not there, or not readable, holds no models; `bullpen doctor` lists the folders.
        return []


def _snapshot(place: Path) -> Path | None:
    """The snapshot of a Hugging Face cache entry that `main` names, else the last by name; only those that hold one."""
    try:
        revision = (place / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        revision = ""
    snapshots = [
        path
        for path in _sorted(place / "snapshots")
        if folders_of.holds_model(path) or any(True for _ in _texts(path, ""))
    ]
    for path in snapshots:
        if path.name == revision:
            return path
    return snapshots[-1] if snapshots else None


def _unique(title: str, taken: dict[str, Model]) -> str:
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", title).strip("-.") or "model"
    # What runs a language model is seen by the end of its name.
    stem, ending = (slug[: -len(language.SUFFIX)], language.SUFFIX) if language.is_language(slug) else (slug, "")
    name, number = f"models/{stem}{ending}", 1
    while name in taken:
        number += 1
        name = f"models/{stem}-{number}{ending}"
    return name


def _state(place: Path, files: Sequence[str]) -> State:
    """The mark of each file, and of the manifest where there is one; another tuple after any change."""
    state: list[tuple[str, Mark | None]] = []
    manifest = (description.MANIFEST,) if (place / description.MANIFEST).is_file() else ()
    for path in (*manifest, *files):
        try:
            state.append((path, Mark.of((place / path).stat())))
        except OSError:
            state.append((path, None))
    return tuple(state)
