"""Answers that are being written: cancelled, cut off by the daemon's end, failed, or left by their client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from bullpen_api.v1 import copilot_pb2
from bullpen_client import Session, errors

from tests.copilot.servers import Handler, Server, event, raw, serving, words
from tests.copilot.test_chat import begin, messages, say
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e
pb = copilot_pb2
# A beginning, and then nothing but signs of life.
HALF = raw(event({"content": "The pier "}), event({"content": "lies "}), hang=True)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a")


@asynccontextmanager
async def asked(folder: Path, *handlers: Handler) -> AsyncIterator[tuple[Daemon, Session, pb.ChatSession, Server]]:
    """A daemon whose copilot asks this server, and a conversation with it."""
    async with serving(*handlers) as server:
        daemon = Daemon(folder / "home", {"copilot.url": server.url, "copilot.model": "tiny"})
        await asyncio.to_thread(daemon.start)
        try:
            async with Session(daemon.home) as session:
                project = await Studio(session, folder).project()
                yield daemon, session, await begin(session, project), server
        finally:
            await asyncio.to_thread(daemon.stop)


async def half(session: Session, chat: pb.ChatSession) -> asyncio.Task[pb.ChatMessage]:
    """Asks, and comes back when the answer has begun; the task gives its end."""
    began = asyncio.Event()

    async def follow() -> pb.ChatMessage:
        last = pb.ChatMessage()
        async for item in session.copilot.SendChatMessage(pb.SendChatMessageRequest(parent=chat.name, text="hello")):
            if item.delta.text.startswith("lies"):
                began.set()
            if item.HasField("message"):
                last = item.message
        return last

    task = asyncio.create_task(follow())
    async with asyncio.timeout(60):
        await began.wait()
    return task


def text(message: pb.ChatMessage) -> str:
    """The words of a message."""
    return "".join(part.text for part in message.parts)


async def test_a_cancelled_answer_keeps_what_there_is(folder: Path) -> None:
    """It ends at once, is marked, lets the server go, and the next message is answered; two at once are refused."""
    async with asked(folder, HALF, words("Yes.")) as (_, session, chat, server):
        task = await half(session, chat)
        with pytest.raises(errors.StateConflict):
            await say(session, chat, "and now?")
        now = await session.copilot.GetChatSession(pb.GetChatSessionRequest(name=chat.name))
        assert now.answering == f"{chat.name}/messages/m-0002"
        await session.copilot.CancelChatAnswer(pb.CancelChatAnswerRequest(name=chat.name))
        ended = await task
        assert (ended.state, text(ended)) == (pb.ChatMessage.STATE_CANCELED, "The pier lies ")
        await asyncio.wait_for(server.gone.wait(), 60)
        assert text(await say(session, chat, "and now?")) == "Yes."


async def test_an_answer_that_the_daemon_s_end_cut_short_is_kept(folder: Path) -> None:
    """After `kill -9` what was said is there, marked as interrupted, and the conversation goes on."""
    async with asked(folder, HALF, words("Yes.")) as (daemon, session, chat, _):
        task = await half(session, chat)
        async with asyncio.timeout(60):
            kept = ""
            while kept != "The pier lies ":  # what is written down on the way is no event
                kept = text((await messages(session, chat))[1])
        daemon.kill()
        with pytest.raises(errors.BullpenError):
            await task
        daemon.start()
        async with Session(daemon.home) as again:
            cut = (await messages(again, chat))[1]
            assert (cut.state, text(cut)) == (pb.ChatMessage.STATE_INTERRUPTED, "The pier lies ")
            assert cut.HasField("end_time")
            assert text(await say(again, chat, "and now?")) == "Yes."


async def test_an_answer_goes_on_when_its_client_leaves(folder: Path) -> None:
    """Whoever comes back finds it whole."""
    slow: Handler = words(*("word " for _ in range(50)))
    async with asked(folder, slow) as (_, session, chat, _server):
        request = pb.SendChatMessageRequest(parent=chat.name, text="hello")
        async for item in session.copilot.SendChatMessage(request):
            if item.HasField("message"):
                break
        await Studio(session, folder).event(chat.name, chat.revision, "chat_message.complete")
        answer = (await messages(session, chat))[1]
        assert (answer.state, text(answer)) == (pb.ChatMessage.STATE_COMPLETE, "word " * 50)


async def test_a_failed_answer_says_why_and_harms_nothing(folder: Path) -> None:
    """Garbage from the server is the last part of the answer; the built-in grammar answers in the same conversation."""
    async with asked(folder, raw(event({"content": "Half"}), b"data: {\n\n")) as (_, session, chat, _server):
        failed = await say(session, chat, "hello")
        assert failed.state == pb.ChatMessage.STATE_FAILED
        assert failed.parts[0].text == "Half"
        assert failed.parts[1].failure.reason == "LANGUAGE_ENGINE_FAILED"
        other = pb.ChatSession(name=chat.name, engine="chatEngines/builtin")
        await session.copilot.UpdateChatSession(pb.UpdateChatSessionRequest(chat_session=other))
        assert "not a language model" in text(await say(session, chat, "who are you?"))
