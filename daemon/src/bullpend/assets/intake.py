"""Takes pictures into the store: a post worker checks, hashes and keeps the bytes; one transaction registers them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from bullpen_api.worker.v1 import link_pb2

from bullpend import failpoints
from bullpend.assets import details, origins, store
from bullpend.assets.files import Files
from bullpend.db import Database, Row, Tx
from bullpend.errors import BullpenError

RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]


class Recipes(Protocol):
    """Reads and keeps what a picture's file tells of its making."""

    async def told(self, texts: Sequence[link_pb2.PictureText], display_name: str) -> Any:
        """What is told; None for nothing. Raises nothing: a damaged recipe costs no picture."""

    def keep(self, tx: Tx, row: Row, told: Any) -> None:
        """Keeps it, in the transaction that registers the picture."""


class Intake:
    """The one way by which pictures from outside become assets."""

    def __init__(
        self, database: Database, files: Files, run_task: RunTask, recipes: Recipes, style_roots: Sequence[Path] = ()
    ) -> None:
        """`style_roots` are the folders from which pictures of a style may come."""
        self._style_roots = tuple(style_roots)
        self._recipes = recipes
        self._database = database
        self._files = files
        self._run_task = run_task

    async def take(
        self,
        project: str,
        path: Path,
        *,
        kind: str,
        display_name: str,
        origin: str,
        licence: str = "",
        tags: Sequence[str] = (),
        consume: bool = False,
        field: str = "path",
        derived_from: Sequence[str] = (),
        recipe: Mapping[str, Any] | None = None,
        said: Mapping[str, Any] | None = None,
    ) -> Row:
        """Stores the picture at `path` unchanged and returns its asset's row. `field` is what named the picture;
        `derived_from` are the assets that it was made of, `recipe` says how, and `said` has what people said of it
        before: rating, note, whether it is in the trash. A known picture that now comes from where a style may come
        from has that origin from then on.

        Raises PictureUnreadable, PictureTooLarge, PathNotFound or DiskFull; nothing is half written then.
        """
        sidecar: dict[str, Any] = {
            "schema": "bullpen.asset/1",
            "project": project,
            "kind": kind,
            "display_name": display_name,
            "origin": origin,
            "licence": licence,
            "tags": list(tags),
        }
        if derived_from:
            sidecar |= {"derived_from": list(derived_from)}
        if recipe is not None:
            sidecar |= {"recipe": dict(recipe)}
        sidecar |= {key: value for key, value in (said or {}).items() if value}
        task = link_pb2.Task(
            import_picture=link_pb2.ImportPicture(
                path=str(path),
                assets_folder=str(self._files.assets(project)),
                thumbnails_folder=str(self._files.thumbnails(project)),
                sidecar_json=json.dumps(sidecar),
                consume=consume,
            )
        )
        try:
            stored = (await self._run_task(task)).stored_picture
        except BullpenError as error:
            error.field = error.field or field
            if consume:  # the person knows the picture's own name, not that of the temporary file
                error.message = error.message.replace(str(path), display_name)
            raise
        failpoints.reach("import.stored")
        row: Row = {
            "project": project,
            "kind": kind,
            "sha256": stored.sha256,
            "mime_type": stored.mime_type,
            "size_bytes": stored.size_bytes,
            "width": stored.width,
            "height": stored.height,
            "display_name": display_name,
            "origin": origin,
            "licence": licence,
            "tags": list(tags),
            "derived_from": list(derived_from),
            **(said or {}),
        }
        told = await self._recipes.told(stored.texts, display_name)

        def write(tx: Tx) -> Row:
            added = store.add(tx, self._files, row, recipe or details.told(told))
            if origins.better(added["origin"], origin, self._style_roots):
                added = store.change(tx, self._files, added, {"origin": origin}, "updated")
            if told is not None:
                self._recipes.keep(tx, added, told)
            return added

        return await self._database.write(write)
