"""HistoryService: logs of runs, going out and coming in, the descent of pictures, and how they were made."""

# ruff: noqa: N802 -- methods are named as the contract names them
from __future__ import annotations

import asyncio
from typing import Any

from bullpen_api.v1 import history_pb2 as pb
from bullpen_api.v1 import history_pb2_grpc, lineage_pb2

from bullpend.db import Database, Tx
from bullpend.db.database import View
from bullpend.dispatch.archive import log_text, read_run
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.errors import StateConflict
from bullpend.projects import store as projects
from bullpend.recipes.keeping import Recipes
from bullpend.rpc import names
from bullpend.rpc.wire import once
from bullpend.runs import ingest, logform, pedigree, store, wire

RUN = "projects/*/runs/*"
# What a lineage may be asked of.
SUBJECTS = ("projects/*/scenes/*", "projects/*/assets/*", RUN, f"{RUN}/jobs/*", f"{RUN}/jobs/*/candidates/*")


class HistoryService(history_pb2_grpc.HistoryServiceServicer):
    """Keeps what became of runs."""

    def __init__(self, database: Database, dispatcher: Dispatcher, recipes: Recipes) -> None:
        self._database = database
        self._recipes = recipes
        self._dispatcher = dispatcher

    async def GetRunLog(self, request: pb.GetRunLogRequest, context: Any) -> pb.RunLog:
        """The log of an ended run, as it is now."""
        project, slug = names.parse(request.name, RUN)

        def read(view: View) -> Any:
            projects.get(view, project)
            row = store.get(view, project, slug)
            if row["end_time"] is None:
                raise StateConflict(f"{request.name} has not ended.", field="name", remedy="Cancel it, or wait for it.")
            return read_run(view, row["id"])

        found = await self._database.read(read)
        # A long log takes a while to write out as JSON; others are not to wait for it.
        return pb.RunLog(run=request.name, json=await asyncio.to_thread(log_text, *found))

    async def GetRunLogSchema(self, request: pb.GetRunLogSchemaRequest, context: Any) -> pb.RunLogSchema:
        """The schema of run logs."""
        return pb.RunLogSchema(schema=logform.SCHEMA, json=await asyncio.to_thread(logform.schema))

    async def IngestRunLog(self, request: pb.IngestRunLogRequest, context: Any) -> pb.IngestRunLogResponse:
        """Makes an ended run of a log, or finds the one that was made."""
        project = names.parse(request.parent, "projects/*", "parent")[0] if request.parent else ""
        log = await asyncio.to_thread(ingest.parse, request.run_log)
        done: list[ingest.Ingested] = []

        def write(tx: Tx) -> None:
            done.clear()
            done.append(ingest.ingest(tx, log, project or log.project))
            once(tx, request.request_id, request, lambda: store.run_name(done[0].row))

        await self._database.write(write)
        if done[0].changed:
            self._dispatcher.archive(done[0].row["id"])
        run = wire.pack_run(done[0].row)
        return pb.IngestRunLogResponse(run=run, created=done[0].created, missing=done[0].missing)

    async def GetLineage(self, request: pb.GetLineageRequest, context: Any) -> lineage_pb2.Lineage:
        """Where pictures come from and what was made of them."""
        given = request.name.split("/")
        fitting = [one for one in SUBJECTS if len(one.split("/")) == len(given) and one.split("/")[2:3] == given[2:3]]
        project, *_ = names.parse(request.name, fitting[0] if fitting else RUN)

        def read(view: View) -> lineage_pb2.Lineage:
            projects.get(view, project)
            return lineage_pb2.Lineage(nodes=pedigree.nodes(view, request.name), revision=view.revision())

        return await self._database.read(read)

    async def GetRecipe(self, request: pb.GetRecipeRequest, context: Any) -> pb.PictureRecipe:
        """How a picture was made."""
        return await self._recipes.get(request.name)

    async def IngestRecipe(self, request: pb.IngestRecipeRequest, context: Any) -> pb.PictureRecipe:
        """How a picture's own file tells that it was made."""
        return await self._recipes.ingest(request.name)
