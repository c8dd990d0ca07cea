"""PromptService: unpack, call, pack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bullpen_api.v1 import prompt_pb2 as pb
from bullpen_api.v1 import prompt_pb2_grpc

from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import FieldInvalid, LimitExceeded, StateConflict
from bullpend.models.model import Model
from bullpend.projects import store as projects
from bullpend.prompts import dynamic, enhance, store, weights
from bullpend.prompts.wildcards import Wildcards
from bullpend.rpc import names, paging
from bullpend.rpc.wire import once

MOST_EXPANSIONS = 100
SEED_LIMIT = 2**32


class PromptService(prompt_pb2_grpc.PromptServiceServicer):
    """Keeps, expands and enhances prompts."""

    def __init__(self, database: Database, home: Path, styles: Path, find_model: Callable[[str], Model]) -> None:
        self._database = database
        self._home = home
        self._styles = styles
        self._find_model = find_model

    async def CreatePrompt(self, request: pb.CreatePromptRequest, context: Any) -> pb.Prompt:  # noqa: N802 -- gRPC's names from here on
        """Keeps a prompt."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        given = request.prompt
        text, negative = _texts(given.text, given.negative_text, "prompt.")
        model, family = await self._family(given.model, given.family, "prompt.model")

        def write(tx: Tx) -> Row:
            def work() -> str:
                projects.get(tx, project, "parent")
                return str(store.create(tx, project, "WRITTEN", text, negative, model, family)["slug"])

            return store.get(tx, project, once(tx, request.request_id, request, work))

        return store.pack(await self._database.write(write))

    async def GetPrompt(self, request: pb.GetPromptRequest, context: Any) -> pb.Prompt:  # noqa: N802
        """One prompt."""
        project, slug = names.parse(request.name, store.NAME)

        def read(view: View) -> Row:
            projects.get(view, project)
            return store.get(view, project, slug)

        return store.pack(await self._database.read(read))

    async def ListPrompts(self, request: pb.ListPromptsRequest, context: Any) -> pb.ListPromptsResponse:  # noqa: N802
        """Prompts, newest first."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        query = names.text(request.query, "query", 500)
        page = paging.page(request.page_size, request.page_token, f"{project}/prompts/{query}", (int,))

        def read(view: View) -> tuple[list[Row], int]:
            projects.get(view, project, "parent")
            before = int(page.after[0]) if page.after else None
            return store.page(view, project, query, before, page.limit + 1), view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["id"],) for row in rows])
        return pb.ListPromptsResponse(
            prompts=[store.pack(row) for row in shown], next_page_token=token, revision=revision
        )

    async def EnhancePrompt(self, request: pb.EnhancePromptRequest, context: Any) -> pb.Prompt:  # noqa: N802
        """The snapshot and the enhanced prompt are one transaction: there is never the one without the other."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        text, negative = _texts(request.text, request.negative_text, "")
        model, family = await self._family(request.model, request.family, "model")
        styles = await asyncio.to_thread(enhance.load, self._styles)
        made = enhance.enhance(text, negative, family, styles.of(family))

        def write(tx: Tx) -> Row:
            def work() -> str:
                projects.get(tx, project, "parent")
                before = store.create(tx, project, "SNAPSHOT", text, negative, model, family)
                after = store.create(
                    tx,
                    project,
                    "ENHANCED",
                    made.text,
                    made.negative_text,
                    model,
                    family,
                    store.name_of(before),
                    made.notes,
                )
                return str(after["slug"])

            return store.get(tx, project, once(tx, request.request_id, request, work))

        return store.pack(await self._database.write(write))

    async def RevertPrompt(self, request: pb.RevertPromptRequest, context: Any) -> pb.Prompt:  # noqa: N802
        """The prompt before, as the newest one."""
        project, slug = names.parse(request.name, store.NAME)

        def write(tx: Tx) -> Row:
            projects.get(tx, project)
            row = store.get(tx, project, slug)
            if not row["parent_prompt"]:
                raise StateConflict(
                    f"Nothing was before {request.name}.",
                    field="name",
                    remedy="Name an enhanced prompt.",
                    resource=request.name,
                )
            before = store.get(tx, project, row["parent_prompt"].rpartition("/")[2])
            said = {key: before[key] for key in ("text", "negative_text", "model", "family")}
            return store.create(tx, project, "REVERTED", **said, parent=request.name)

        return store.pack(await self._database.write(write))

    async def ExpandPrompt(self, request: pb.ExpandPromptRequest, context: Any) -> pb.ExpandPromptResponse:  # noqa: N802
        """Expansions from a seed on."""
        wildcards = await self._wildcards(request.parent)
        text, _ = _texts(request.text, "", "")
        count = request.count or 1
        if not 1 <= count <= MOST_EXPANSIONS:
            raise LimitExceeded(
                f"{count} expansions are asked for; 1 to {MOST_EXPANSIONS} are made.",
                field="count",
                limit=MOST_EXPANSIONS,
            )
        if not 0 <= request.seed < SEED_LIMIT:
            raise FieldInvalid(f"The seed {request.seed} is out of its bounds.", field="seed")
        styles = await asyncio.to_thread(enhance.load, self._styles)
        form = styles.of(request.family)

        def work() -> pb.ExpandPromptResponse:
            answer = pb.ExpandPromptResponse(combinations=dynamic.combinations(text, wildcards.lines))
            for number in range(count):
                seed = (request.seed + number) % SEED_LIMIT
                made = dynamic.expand(text, seed, wildcards.lines)
                plain, weighted = weights.read(made.text)
                expansion = answer.expansions.add(seed=seed, text=made.text, plain_text=plain)
                for drawn in made.choices:
                    expansion.choices.add(**{"from": drawn.written, "to": drawn.became})
                for one in weighted:
                    expansion.weights.add(text=one.text, weight=one.weight)
                if not number:
                    answer.notes.extend(enhance.notes_on(made.text, request.family, form))
            return answer

        return await asyncio.to_thread(work)

    async def ListWildcards(self, request: pb.ListWildcardsRequest, context: Any) -> pb.ListWildcardsResponse:  # noqa: N802
        """What can stand between two underscores."""
        wildcards = await self._wildcards(request.parent)
        found = await asyncio.to_thread(wildcards.all)
        return pb.ListWildcardsResponse(
            wildcards=[pb.Wildcard(wildcard=one.name, lines=len(one.lines), path=str(one.path)) for one in found]
        )

    async def _wildcards(self, parent: str) -> Wildcards:
        folders = [self._home / "wildcards"]
        if parent:
            (project,) = names.parse(parent, "projects/*", "parent")
            await self._database.read(lambda view: projects.get(view, project, "parent"))
            folders.insert(0, self._home / "projects" / project / "wildcards")
        return Wildcards(folders)

    async def _family(self, model: str, family: str, field: str) -> tuple[str, str]:
        """Model and family; the model's own family where none is said. Raises ModelNotFound."""
        names.text(family, field.replace("model", "family"), 60)
        if not model:
            return "", family
        found = await asyncio.to_thread(self._find_model, model)
        return found.name, family or found.family


def _texts(text: str, negative: str, at: str) -> tuple[str, str]:
    """Both texts within their bounds. Raises FieldInvalid."""
    names.text(text, f"{at}text", dynamic.MOST_CHARACTERS, required=True)
    return text, names.text(negative, f"{at}negative_text", dynamic.MOST_CHARACTERS)
