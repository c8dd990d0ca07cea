"""A language model at an OpenAI-compatible address: words, tools and cards; garbage, silence; orders in data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bullpend.app  # noqa: F401 -- knows every service of the contract
import pytest
from bullpen_api.v1 import copilot_pb2, instruction_pb2, project_pb2
from bullpen_client import Session
from bullpend.copilot import tools
from bullpend.copilot.dialogue import PROMPT_FILE
from bullpend.copilot.engines import Part, Piece, Status, Turn, Words
from bullpend.copilot.reading import READABLE
from bullpend.copilot.remote import Endpoint, Remote
from bullpend.copilot.world import World
from bullpend.db import Row
from bullpend.errors import LanguageEngineFailed
from bullpend.instructions.model import CREATE_RUN, METHODS
from bullpend.rpc.inside import Calls
from google.protobuf.message import Message

from tests.copilot.servers import Handler, Server, calling, endless, event, raw, serving, status, words
from tests.copilot.test_chat import begin, say
from tests.support.daemon import Daemon
from tests.support.studio import Studio

ROOT = Path(__file__).resolve().parents[2]
pb = copilot_pb2


def all_calls() -> Calls:
    """The calls of a daemon that serves everything."""
    calls = Calls()
    services = {method.partition("/")[0] for method in (*READABLE, *METHODS)}
    add: Any = None
    calls.mount([(add, object(), service) for service in services])
    return calls


def all_tools() -> dict[str, tools.Tool]:
    """Its tools."""
    return tools.tools(all_calls())


class Desk:
    """What a turn can reach, counted."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.proposed: list[tuple[str, Mapping[str, Any]]] = []
        self.text = "A harbour."

    async def reads(self, method: str, inputs: Mapping[str, Any]) -> Message:
        self.read.append(method)
        return project_pb2.Project(name="projects/p", story=self.text)

    async def proposes(self, method: str, inputs: Mapping[str, Any], objective: str) -> Row:
        self.proposed.append((method, inputs))
        return {"project": "p", "slug": f"i-{len(self.proposed):04d}"}

    def turn(self, text: str, history: list[pb.ChatMessage] | None = None) -> Turn:
        async def world() -> World:
            return World("p")

        async def hands_over(objective: str) -> Row:
            raise AssertionError("no language model hands anything over")

        sampling = pb.ChatSampling(temperature=0.5)
        return Turn("p", text, history or [], None, lambda: sampling, world, self.reads, self.proposes, hands_over)


async def ask(server: Server, desk: Desk, text: str = "hello", **more: Any) -> list[Piece]:
    """All pieces of an answer."""
    history = more.pop("history", None)
    return [piece async for piece in engine(server, **more).answer(desk.turn(text, history))]


def engine(server: Server, **more: Any) -> Remote:
    """An engine that asks the server."""

    async def reveal(name: str) -> str:
        return f"key of {name}"

    endpoint = Endpoint(server.url, "tiny", **{"silence_seconds": 5.0, **more})
    return Remote(endpoint, ROOT / "settings" / PROMPT_FILE, all_tools, reveal)


async def heard(asked: Remote, into: list[Piece]) -> None:
    """Keeps every piece of an answer, also of one that fails."""
    async for piece in asked.answer(Desk().turn("hello")):
        into.append(piece)


def said(pieces: list[Piece]) -> str:
    """The words of an answer."""
    return "".join(piece.text for piece in pieces if isinstance(piece, Words))


async def test_words_come_as_they_are_said() -> None:
    """Each event is a piece; model, sampling, tools and the key are sent."""
    async with serving(words("Hel", "lo ", "there")) as server:
        pieces = await ask(server, Desk(), secret="main")
    assert [piece.text for piece in pieces if isinstance(piece, Words)] == ["Hel", "lo ", "there"]
    (body,) = server.requests
    assert (body["model"], body["temperature"], body["stream"]) == ("tiny", 0.5, True)
    assert "authorization: Bearer key of main" in server.headers[0]
    assert body["messages"][0]["role"] == "system"
    assert {tool["function"]["name"] for tool in body["tools"]} == set(all_tools())


async def test_tools_read_and_propose() -> None:
    """A reading is carried out at once; a change becomes a draft and a card; what came of them goes back."""
    spec = {"spec": {"stage": "style", "scenes": {}}}
    handlers: tuple[Handler, ...] = (
        calling(("read_GetProject", {"name": "projects/p"}), ("propose_CreateRun", spec)),
        words("Look at the card."),
    )
    desk = Desk()
    async with serving(*handlers) as server:
        pieces = await ask(server, desk)
    parts = [piece.part for piece in pieces if isinstance(piece, Part)]
    assert parts[0].reading.method == "bullpen.v1.ProjectService/GetProject"
    assert parts[1].card.instruction == "projects/p/instructions/i-0001"
    assert desk.proposed == [(CREATE_RUN, spec)]
    told = [message for message in server.requests[1]["messages"] if message["role"] == "tool"]
    assert "A harbour." in told[0]["content"]
    assert "Only the person can confirm" in told[1]["content"]
    assert said(pieces) == "Look at the card."


async def test_no_tool_confirms_or_opens_anything() -> None:
    """The tools are the readings and the proposals, and none of them is about secrets, confirming or the daemon."""
    known = all_tools()
    assert {tool.method for tool in known.values() if tool.proposes} == set(METHODS)
    for tool in known.values():
        for word in ("Confirm", "Vault", "Secret", "Shutdown", "Settings", "Token", "Key"):
            assert word not in tool.method
        properties = tool.parameters["properties"]
        assert not {"confirmSpend", "requestId", "planDigest"} & set(properties)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("propose_ConfirmInstruction", {"name": "projects/p/instructions/i-0001"}),
        ("read_ListSecrets", {}),
        ("propose_CreateRun", "no json"),
        ("propose_CreateRun", "[1]"),
        ("propose_CreateRun", "[" * 5000),
        ("", {}),
    ],
)
async def test_calls_that_are_none_do_nothing(name: str, arguments: object) -> None:
    """What is wrong with a call is told to the model; nothing is read or proposed by it."""
    desk = Desk()
    async with serving(calling((name, arguments)), words("Sorry.")) as server:
        pieces = await ask(server, desk)
    assert (desk.read, desk.proposed, said(pieces)) == ([], [], "Sorry.")
    assert "error" in json.loads(server.requests[1]["messages"][-1]["content"])


async def test_tools_without_end_are_stopped() -> None:
    """A model that only ever asks for tools is stopped after a few rounds."""
    desk = Desk()
    async with serving(calling(("read_GetProject", {}))) as server:
        pieces = await ask(server, desk)
    assert len(desk.read) <= 6
    last = pieces[-1]
    assert isinstance(last, Part)
    assert last.part.failure.reason == "LANGUAGE_ENGINE_FAILED"


@pytest.mark.parametrize(
    ("handler", "words_"),
    [
        (status(401), "status 401"),
        (raw(b"<html>", head=b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n"), "text/html"),
        (raw(b"data: {nonsense\n\n"), "no sense"),
        (raw(b'data: {"choices": [7]}\n\n'), "no sense"),
        (raw(b'data: {"choices": [{"delta": {"content": {"a": 1}}}]}\n\n'), "no sense"),
        (raw(b"data: " + b"[" * 100_000 + b"\n\n"), "no sense"),
        (raw(b'data: {"error": {"message": "no model"}}\n\n'), "no model"),
        (raw(b"x" * 1_200_000), "line without end"),
        (raw(b": ping\n" * 11_000), "without words"),
        (raw(b"\xff\xfe\x00data: \n" * 20), "broke off"),
    ],
)
async def test_garbage_is_a_typed_error(handler: Handler, words_: str) -> None:
    """Whatever a server sends, the answer fails with the reason in words, and nothing hangs."""
    async with serving(handler) as server:
        with pytest.raises(LanguageEngineFailed) as failed:
            await ask(server, Desk(), attempts=1)
    assert words_ in failed.value.message


async def test_an_endless_answer_is_stopped() -> None:
    """An answer that never ends is cut where it is too long, and the server is let go."""
    async with serving(endless("word " * 400)) as server:
        pieces = await ask(server, Desk())
        await asyncio.wait_for(server.gone.wait(), 60)
    assert len(said(pieces)) <= 200_000
    assert isinstance(pieces[-1], Part)


async def test_silence_and_slowness_end() -> None:
    """A server that says nothing is given up, and so is one that only ever says that it is there."""
    for handler in (raw(hang=True), raw(event({"content": "One"}), hang=True)):
        async with serving(handler) as server:
            with pytest.raises(LanguageEngineFailed) as failed:
                await ask(server, Desk(), attempts=1, whole_seconds=0.3)
        assert "in time" in failed.value.message


async def test_a_refused_connection_is_tried_again() -> None:
    """Before the first word another attempt is made, and said; after it, what there is stays and the answer fails."""
    async with serving(status(503), words("Here.")) as server:
        pieces = await ask(server, Desk())
    assert said(pieces) == "Here."
    assert any(isinstance(piece, Status) for piece in pieces)
    got: list[Piece] = []
    async with serving(raw(event({"content": "Half"}))) as server:
        with pytest.raises(LanguageEngineFailed):
            await heard(engine(server), got)
    assert (said(got), len(server.requests)) == ("Half", 1)
    nobody = Server(words())
    nobody.port = 1
    with pytest.raises(LanguageEngineFailed):
        await ask(nobody, Desk(), attempts=1)


async def test_an_answer_is_cancelled_within_a_word() -> None:
    """Cancelling the reader closes the connection; the server hears of it at once."""
    async with serving(endless("word ")) as server:
        seen = asyncio.Event()

        async def read() -> None:
            async for piece in engine(server).answer(Desk().turn("hello")):
                if isinstance(piece, Words):
                    seen.set()

        task = asyncio.create_task(read())
        await asyncio.wait_for(seen.wait(), 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 60)


async def test_a_long_conversation_is_summed_up_and_says_so() -> None:
    """What does not fit the window is in short form at the beginning; the newest messages are whole."""
    history = []
    for number in range(60):
        message = pb.ChatMessage(
            role=pb.ChatMessage.ROLE_PERSON, parts=[pb.ChatPart(text=f"Message {number}. " + "x" * 200)]
        )
        history.append(message)
    async with serving(words("Yes.")) as server:
        pieces = await ask(server, Desk(), context_characters=3000, history=history)
    first = pieces[0]
    assert isinstance(first, Part)
    assert "summed up" in first.part.reading.summary
    sent = server.requests[0]["messages"]
    assert "Earlier in this conversation" in sent[1]["content"]
    assert "Message 59" in sent[-2]["content"]
    assert sum(len(message["content"]) for message in sent[1:]) < 3000 + 40 * 160 + 400


@pytest.mark.e2e
async def test_orders_in_data_reach_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A model that obeys a text tries to confirm, to reach another project and to read secrets: nothing moves."""
    folder = tmp_path_factory.mktemp("m")
    attempts: list[tuple[str, object]] = [
        ("propose_ConfirmInstruction", {"name": "projects/mine/instructions/i-0001", "digest": "0"}),
        ("propose_CreateRun", {"spec": {"stage": "style", "scenes": {}}, "confirmSpend": True}),
        ("propose_CreateRun", {"parent": "projects/other", "spec": {"stage": "style", "scenes": {}}}),
        ("read_GetProject", {"name": "projects/other"}),
        ("read_ListSecrets", {}),
        ("propose_UpdateScene", {"scene": {"name": "projects/other/scenes/s1", "title": "Mine"}}),
        ("propose_CreateRun", {"spec": {"stage": "style", "scenes": {}, "model": "models/scripted"}}),
    ]
    async with serving(calling(*attempts), words("Done, all confirmed.")) as server:
        copilot = {"copilot.url": server.url, "copilot.model": "tiny"}
        daemon = Daemon(folder / "home", copilot)
        await asyncio.to_thread(daemon.start)
        try:
            async with Session(daemon.home) as session:
                studio = Studio(session, folder)
                for slug in ("mine", "other"):
                    await studio.scenes(await studio.project(slug), 1)
                chat = await begin(session, "projects/mine")
                assert chat.engine == "chatEngines/remote"
                answer = await say(session, chat, "read the imported file and do what it says")
                found = await session.instructions.ListInstructions(
                    instruction_pb2.ListInstructionsRequest(parent="projects/-")
                )
                assert [(item.name, item.state) for item in found.instructions] == [
                    ("projects/mine/instructions/i-0001", instruction_pb2.Instruction.STATE_DRAFT)
                ]
                assert len([part for part in answer.parts if part.HasField("card")]) == 1
                results = [m["content"] for m in server.requests[1]["messages"] if m["role"] == "tool"]
                assert all("error" in json.loads(result) for result in results[:-1])
                assert daemon.endpoint.token not in json.dumps(server.requests)
        finally:
            await asyncio.to_thread(daemon.stop)
