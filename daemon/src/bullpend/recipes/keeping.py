"""Keeps the recipes that pictures bring with them: at the import by itself, and when somebody asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog
from bullpen_api.v1 import history_pb2 as pb
from bullpen_api.worker.v1 import link_pb2

from bullpend.assets import store as assets
from bullpend.assets.files import Files, name_of, slug_of
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import ContentLost, PathNotFound, RecipeInvalid, ResourceNotFound
from bullpend.models.model import Model
from bullpend.projects import store as projects
from bullpend.recipes import reading, store, wire
from bullpend.recipes.model import Told
from bullpend.rpc import names

log = structlog.get_logger("recipes")

ASSET = "projects/*/assets/*"
# How far a picture is followed back: a chain of post-process has four steps.
_MOST_STEPS = 16
RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]


class Recipes:
    """Recipes of assets. `models` gives what is installed, which may read the disk."""

    def __init__(
        self, database: Database, files: Files, run_task: RunTask, models: Callable[[], Sequence[Model]]
    ) -> None:
        self._database = database
        self._files = files
        self._run_task = run_task
        self._models = models

    async def get(self, name: str) -> pb.PictureRecipe:
        """How a picture was made. Raises ResourceNotFound."""
        _, told = await self._database.read(lambda view: self._known(view, name))
        if told is None:
            raise _nothing(
                name, "Read its file with `bullpen recipes read`; where that tells nothing, nothing is known."
            )
        return await self._packed(name, told)

    async def ingest(self, name: str) -> pb.PictureRecipe:
        """Reads a picture's file again. Raises ResourceNotFound, RecipeInvalid, ContentLost."""
        row, _ = await self._database.read(lambda view: self._known(view, name))
        path = self._files.content(row["project"], row["sha256"], row["mime_type"])
        try:
            done = await self._run_task(link_pb2.Task(read_texts=link_pb2.ReadTexts(path=str(path))))
        except PathNotFound as error:
            raise ContentLost(f"The file of {name} is missing.", path=path) from error
        told = await asyncio.to_thread(reading.read, done.texts_read.texts)
        if told is None:
            raise _nothing(
                name, "Only files as A1111, ComfyUI or Bullpen wrote them tell it; sending them often strips it."
            )
        found = told
        await self._database.write(lambda tx: store.put(tx, row["project"], row["slug"], found))
        return await self._packed(name, told)

    async def told(self, texts: Sequence[link_pb2.PictureText], display_name: str) -> Told | None:
        """The recipe of a picture that is being imported. A damaged one is told in the log, and costs no picture."""
        if not texts:
            return None
        try:
            return await asyncio.to_thread(reading.read, texts)
        except RecipeInvalid as error:
            log.warning("recipe.invalid", picture=display_name, field=error.field, problem=error.message)
            return None

    def keep(self, tx: Tx, row: Row, told: Told) -> None:
        """Keeps the recipe of an asset, in the transaction that registers it."""
        store.put(tx, row["project"], slug_of(row["sha256"]), told)

    def _known(self, view: View, name: str) -> tuple[Row, Told | None]:
        project, slug = names.parse(name, ASSET)
        projects.get(view, project)
        row = assets.get(view, project, slug)
        return row, self._told(view, row)

    def _told(self, view: View, row: Row) -> Told | None:
        """The recipe of an asset, or else of the one that it was made from, and so on."""
        here: Row | None = row
        for _ in range(_MOST_STEPS):
            if here is None:
                break
            name = name_of(here["project"], here["sha256"])
            own = store.of_candidate(view, name)
            told = store.get(view, here["project"], here["slug"]) if own is None else reading.own(own)
            if told is not None:
                return told if here is row else replace(told, others={**told.others, "Made from": name})
            parent = next(iter(here["derived_from"]), "")
            here = assets.by_name(view, parent) if parent else None
        return None

    async def _packed(self, name: str, told: Told) -> pb.PictureRecipe:
        return wire.pack(name, told, await asyncio.to_thread(self._models))


def _nothing(name: str, remedy: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"Nothing is known of how {name} was made.", field="name", resource=f"{name}/recipe", remedy=remedy
    )
