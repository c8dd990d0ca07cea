"""CopilotService: unpack, call, pack."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from bullpen_api.v1 import copilot_pb2 as pb
from bullpen_api.v1 import copilot_pb2_grpc
from google.protobuf.json_format import MessageToDict

from bullpend.copilot import store, wire
from bullpend.copilot.conversation import Conversations, cards_now
from bullpend.copilot.engines import Asked, Engine
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import FieldInvalid, LimitExceeded, ResourceNotFound
from bullpend.projects import store as projects
from bullpend.rpc import masks, names, paging
from bullpend.rpc.wire import etag, once

MOST_CHARACTERS = 32_000
WRITABLE = ("title", "engine", "sampling")
_BOUNDS = (
    ("temperature", 0, 2),
    ("top_p", 0, 1),
    ("max_tokens", 1, 100_000),
    ("top_k", 0, 1000),
    ("min_p", 0, 1),
    ("repeat_penalty", 0.5, 2),
)


class CopilotService(copilot_pb2_grpc.CopilotServiceServicer):
    """Conversations about projects."""

    def __init__(
        self,
        database: Database,
        conversations: Conversations,
        engines: Mapping[str, Engine],
        default: str,
        look: Callable[[bool], Awaitable[None]],
        loaded: Callable[[], Awaitable[Mapping[str, str]]],
    ) -> None:
        """`look` looks for engines that came since: the first time, or each time that it is told to.

        `loaded` gives the device of each model that is in memory now.
        """
        self._look = look
        self._loaded = loaded
        self._database = database
        self._conversations = conversations
        self._engines = engines
        self._default = default

    async def CreateChatSession(self, request: pb.CreateChatSessionRequest, context: Any) -> pb.ChatSession:  # noqa: N802 -- gRPC's names from here on
        """A new conversation."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        given = request.chat_session
        title = names.text(given.title, "chat_session.title", 200)
        await self._look(False)
        engine, sampling = self._engine(given.engine), _sampling(given.sampling)

        def write(tx: Tx) -> Row:
            def work() -> str:
                projects.get(tx, project, "parent")
                return str(store.create(tx, project, title, engine, sampling)["slug"])

            return store.get(tx, project, once(tx, request.request_id, request, work))

        return wire.pack_session(await self._database.write(write))

    async def GetChatSession(self, request: pb.GetChatSessionRequest, context: Any) -> pb.ChatSession:  # noqa: N802
        """One conversation."""
        return wire.pack_session(*await self._session(request.name))

    async def ListChatSessions(self, request: pb.ListChatSessionsRequest, context: Any) -> pb.ListChatSessionsResponse:  # noqa: N802
        """Conversations, the one that was used last first."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        scope = f"{project}/chat/{request.show_deleted}"
        page = paging.page(request.page_size, request.page_token, scope, (float, int))

        def read(view: View) -> tuple[list[tuple[Row, Row | None]], int]:
            projects.get(view, project, "parent")
            before = (float(page.after[0]), int(page.after[1])) if page.after else None
            rows = store.page(view, project, before, page.limit + 1, request.show_deleted)
            return [(row, store.writing(view, row)) for row in rows], view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["update_time"], row["id"]) for row, _ in rows])
        sessions = [wire.pack_session(row, writing) for row, writing in shown]
        return pb.ListChatSessionsResponse(chat_sessions=sessions, next_page_token=token, revision=revision)

    async def UpdateChatSession(self, request: pb.UpdateChatSessionRequest, context: Any) -> pb.ChatSession:  # noqa: N802
        """Another title, engine or sampling."""
        given = request.chat_session
        await self._look(False)
        project, slug = names.parse(given.name, store.SESSION, "chat_session.name")

        def write(tx: Tx) -> Row:
            projects.get(tx, project, "chat_session.name")
            row = store.get(tx, project, slug, "chat_session.name")
            masks.check_etag(given.etag, etag(row["id"], row["revision"]), given.name, "chat_session.etag")
            merged = masks.merge(wire.pack_session(row), given, request.update_mask, WRITABLE)
            said = {
                "title": names.text(merged.title, "chat_session.title", 200),
                "engine": self._engine(merged.engine),
                "sampling": json.dumps(_sampling(merged.sampling)),
            }
            if all(row[key] == value for key, value in said.items()):
                return row
            return store.change(tx, row, **said)

        row = await self._database.write(write)
        live = self._conversations.live(row["id"])
        if live is not None:
            live.session = row
        return wire.pack_session(row, live.answer if live is not None else None)

    async def DeleteChatSession(self, request: pb.DeleteChatSessionRequest, context: Any) -> pb.ChatSession:  # noqa: N802
        """Into the trash; an answer that is being written there is stopped."""
        row, _ = await self._session(request.name)
        await self._conversations.cancel(row["id"])
        return await self._move(request.name, into_trash=True)

    async def UndeleteChatSession(self, request: pb.UndeleteChatSessionRequest, context: Any) -> pb.ChatSession:  # noqa: N802
        """Out of the trash."""
        return await self._move(request.name, into_trash=False)

    async def ListChatMessages(self, request: pb.ListChatMessagesRequest, context: Any) -> pb.ListChatMessagesResponse:  # noqa: N802
        """Messages in their order, with their cards as they are now."""
        project, slug = names.parse(request.parent, store.SESSION, "parent")
        page = paging.page(request.page_size, request.page_token, request.parent, (int,))

        def read(view: View) -> tuple[list[tuple[int, pb.ChatMessage]], int]:
            projects.get(view, project, "parent")
            session = store.get(view, project, slug, "parent")
            rows = store.messages(view, session, int(page.after[0]) if page.after else 0, page.limit + 1)
            cards = cards_now(view, rows)
            packed = [(row["number"], wire.pack_message(store.message_name(session, row), row, cards)) for row in rows]
            return packed, view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(number,) for number, _ in rows])
        return pb.ListChatMessagesResponse(
            chat_messages=[message for _, message in shown], next_page_token=token, revision=revision
        )

    async def SearchChatMessages(  # noqa: N802
        self, request: pb.SearchChatMessagesRequest, context: Any
    ) -> pb.SearchChatMessagesResponse:
        """Messages that hold all words, newest first."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        query = names.text(request.query, "query", 500, required=True)
        page = paging.page(request.page_size, request.page_token, f"{project}/chat/{query}", (int,))

        def read(view: View) -> tuple[list[tuple[int, pb.ChatMessage]], int]:
            projects.get(view, project, "parent")
            rows = store.search(view, project, query, int(page.after[0]) if page.after else None, page.limit + 1)
            cards = cards_now(view, rows)
            return [
                (row["id"], wire.pack_message(store.message_name(row, row), row, cards)) for row in rows
            ], view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(identity,) for identity, _ in rows])
        return pb.SearchChatMessagesResponse(
            chat_messages=[message for _, message in shown], next_page_token=token, revision=revision
        )

    async def ExportChatSession(  # noqa: N802
        self, request: pb.ExportChatSessionRequest, context: Any
    ) -> pb.ExportChatSessionResponse:
        """A conversation as Markdown or JSON."""
        project, slug = names.parse(request.name, store.SESSION)
        kind = names.choice(pb.ExportChatSessionRequest.Format.DESCRIPTOR, request.format, "format")

        def read(view: View) -> tuple[pb.ChatSession, list[pb.ChatMessage]]:
            projects.get(view, project)
            session = store.get(view, project, slug)
            rows = store.messages(view, session, 0, 1_000_000)
            cards = cards_now(view, rows)
            packed = [wire.pack_message(store.message_name(session, row), row, cards) for row in rows]
            return wire.pack_session(session, store.writing(view, session)), packed

        session, messages = await self._database.read(read)
        if kind == "JSON":
            return pb.ExportChatSessionResponse(text=wire.as_json(session, messages), mime_type="application/json")
        return pb.ExportChatSessionResponse(text=wire.as_markdown(session, messages), mime_type="text/markdown")

    async def SendChatMessage(  # noqa: N802
        self, request: pb.SendChatMessageRequest, context: Any
    ) -> AsyncIterator[pb.SendChatMessageResponse]:
        """The message is durable before its answer begins."""
        project, slug = names.parse(request.parent, store.SESSION, "parent")
        text = request.text
        if len(text) > MOST_CHARACTERS:
            raise LimitExceeded(
                f"A message may have {MOST_CHARACTERS} characters, and this one has {len(text)}.",
                field="text",
                limit=MOST_CHARACTERS,
            )
        names.text(text, "text", MOST_CHARACTERS, required=True)
        await self._look(False)

        def write(tx: Tx) -> tuple[Row, Row, Row, Asked | None, bool]:
            projects.get(tx, project, "parent")
            session = store.get(tx, project, slug, "parent")
            asked = Asked(*json.loads(session["asked"])) if session["asked"] else None
            fresh = False

            def work() -> str:
                nonlocal fresh
                fresh = True
                engine = session["engine"] if session["engine"] in self._engines else self._default
                _, _, answer = store.say(tx, session, text, engine)
                return str(answer["id"])

            answer = store.message(tx, int(once(tx, request.request_id, request, work)))
            (person,) = store.messages(tx, session, answer["number"] - 2, 1)
            return store.get(tx, project, slug, "parent"), person, answer, asked, fresh

        session, person, answer, asked, fresh = await self._database.write(write)
        live = (
            self._conversations.begin(session, answer, text, asked)
            if fresh
            else self._conversations.live(session["id"])
        )
        following = self._conversations.follow(live) if live is not None else None
        yield pb.SendChatMessageResponse(message=wire.pack_message(store.message_name(session, person), person))
        if following is None:
            cards = await self._database.read(lambda view: cards_now(view, [answer]))
            message = wire.pack_message(store.message_name(session, answer), answer, cards)
            yield pb.SendChatMessageResponse(message=message)
            return
        yield pb.SendChatMessageResponse(message=wire.pack_message(store.message_name(session, answer), answer))
        async for item in following:
            yield item

    async def CancelChatAnswer(self, request: pb.CancelChatAnswerRequest, context: Any) -> pb.ChatSession:  # noqa: N802
        """Stops the answer that is being written."""
        row, _ = await self._session(request.name)
        await self._conversations.cancel(row["id"])
        return wire.pack_session(*await self._session(request.name))

    async def ListChatEngines(self, request: pb.ListChatEnginesRequest, context: Any) -> pb.ListChatEnginesResponse:  # noqa: N802
        """What can answer; looks at the model folders anew."""
        await self._look(True)
        loaded, cards = await self._loaded(), []
        for name, engine in self._engines.items():
            card = pb.ChatEngine()
            card.MergeFrom(engine.card)
            card.loaded_on = loaded.get(card.model, "")
            card.is_default = name == self._default
            cards.append(card)
        return pb.ListChatEnginesResponse(chat_engines=cards)

    async def _session(self, name: str) -> tuple[Row, Row | None]:
        project, slug = names.parse(name, store.SESSION)

        def read(view: View) -> tuple[Row, Row | None]:
            projects.get(view, project)
            row = store.get(view, project, slug)
            return row, store.writing(view, row)

        return await self._database.read(read)

    async def _move(self, name: str, into_trash: bool) -> pb.ChatSession:
        project, slug = names.parse(name, store.SESSION)

        def write(tx: Tx) -> Row:
            projects.get(tx, project)
            row = store.get(tx, project, slug)
            if (row["delete_time"] is not None) == into_trash:
                return row
            what = "deleted" if into_trash else "undeleted"
            return store.change(tx, row, what, delete_time=tx.now if into_trash else None)

        return wire.pack_session(await self._database.write(write))

    def _engine(self, given: str) -> str:
        """The engine that is meant. Raises ResourceNotFound."""
        if not given:
            return self._default
        if given not in self._engines:
            known = ", ".join(self._engines)
            raise ResourceNotFound(
                f"There is no {given[:100]}.",
                field="chat_session.engine",
                remedy=f"The engines are: {known}.",
                resource=given[:100],
            )
        return given


def _sampling(sampling: pb.ChatSampling) -> dict[str, Any]:
    """Sampling within its bounds. Raises FieldInvalid."""
    given: Any = sampling
    for name, low, high in _BOUNDS:
        if given.HasField(name) and not low <= getattr(given, name) <= high:
            at = f"chat_session.sampling.{name}"
            raise FieldInvalid(f"`{at}` is {getattr(given, name)}; it must be {low} to {high}.", field=at)
    made: dict[str, Any] = MessageToDict(given)
    return made
