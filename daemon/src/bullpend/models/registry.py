"""The registry of installed models: scans folders, checks hashes, remembers both.

Plain blocking functions: the caller runs them in a thread. Nothing here opens a weight file other than to hash it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bullpend.models.model import Model


class Registry:
    """Models below `folders`, in the order of the folders; with `scripted`, also `models/scripted`.

    `roots` are the folders inside which a model may be named by its absolute path.
    """

    def __init__(self, folders: Sequence[Path], *, roots: Sequence[Path] = (), scripted: bool = False) -> None:
        self._folders = tuple(folders)
        self._roots = tuple(roots)
        self._scripted = scripted

    def scan(self) -> tuple[Model, ...]:
        """Looks at the folders anew; reads descriptions and sizes only."""
        raise NotImplementedError

    def models(self) -> tuple[Model, ...]:
        """The models of the last scan, by name; scans first where none was made."""
        raise NotImplementedError

    def get(self, name: str) -> Model:
        """A model by name or by absolute path of its folder.

        Raises ModelNotFound, PathNotAllowed, PathNotFound.
        """
        raise NotImplementedError

    def verify(self, name: str) -> Model:
        """The model with its digest, after comparing every file with its manifest (hashes are remembered).

        Raises what `get` raises, and ModelCorrupt, ModelUnsafe, ModelUnsupported.
        """
        raise NotImplementedError


def starter_folder() -> Path | None:
    """Folder of the embedded models, if the starter is installed; imports nothing of it but its paths."""
    raise NotImplementedError
