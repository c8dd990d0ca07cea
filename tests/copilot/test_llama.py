"""A language model of this machine answers over a real daemon: loading, cancel, change, crash, hang, bad files."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psutil
import pytest
from bullpen_api.v1 import copilot_pb2, instruction_pb2, model_pb2
from bullpen_client import Session, errors
from bullpend.copilot import gbnf
from google.protobuf.field_mask_pb2 import FieldMask

from tests.copilot.test_chat import begin, messages, words
from tests.support.daemon import Daemon
from tests.support.studio import Studio
from tests.support.tiny_gguf import write

pytestmark = pytest.mark.e2e
pb = copilot_pb2
State = pb.ChatMessage
TINY = "models/tiny.gguf"
WINDOW = 16384
# One daemon serves all tests: each has a project of its own.
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a tiny model that answers, and files that are none."""
    home = tmp_path_factory.mktemp("l") / "home"
    whole = write(home / "models" / "tiny.gguf", context=WINDOW)
    (home / "models" / "cut.gguf").write_bytes(whole.read_bytes()[:-5000])
    write(home / "models" / "new.gguf", architecture="frobnicator9")
    write(home / "models" / "eager.gguf", context=WINDOW, begins=gbnf.OPEN)
    settings = {"copilot.local_model": "tiny.gguf", "copilot.context_tokens": WINDOW, "worker.hang_seconds": 6}
    with Daemon(home, {**settings, "worker.heartbeat_seconds": 0.5, "devices.threads": 1}) as daemon:
        yield daemon


@asynccontextmanager
async def conversation(daemon: Daemon, **more: object) -> AsyncIterator[tuple[Session, pb.ChatSession]]:
    """A session of a client, and a conversation in a project of its own."""
    async with Session(daemon.home) as session:
        studio = Studio(session, daemon.home)
        project = await studio.project(f"p{next(_numbers)}")
        sampling = pb.ChatSampling(seed=3, temperature=0.0)
        yield session, await begin(session, project, **{"sampling": sampling, **more})


async def begun(
    session: Session, chat: pb.ChatSession, text: str = "Hello"
) -> tuple[AsyncIterator[pb.SendChatMessageResponse], list[pb.SendChatMessageResponse]]:
    """A message whose answer has its first words; the rest of the stream, and what came of it so far."""
    stream = aiter(session.copilot.SendChatMessage(pb.SendChatMessageRequest(parent=chat.name, text=text)))
    heard = []
    async for item in stream:
        heard.append(item)
        if item.HasField("delta") and item.delta.text:
            break
    return stream, heard


async def last(stream: AsyncIterator[pb.SendChatMessageResponse]) -> pb.ChatMessage:
    """The whole answer at the end of a stream."""
    items = [item async for item in stream]
    return items[-1].message


async def end_soon(session: Session, chat: pb.ChatSession) -> None:
    """The answer that is being written ends with its next word."""
    change = pb.ChatSession(name=chat.name, sampling=pb.ChatSampling(max_tokens=1))
    mask = FieldMask(paths=["sampling"])
    await session.copilot.UpdateChatSession(pb.UpdateChatSessionRequest(chat_session=change, update_mask=mask))


def worker_of(daemon: Daemon) -> psutil.Process:
    """The process that runs the language model."""
    (found,) = (
        one for one in daemon.workers() if any("libllama" in place.path for place in one.memory_maps(grouped=True))
    )
    return found


def failure_of(answer: pb.ChatMessage) -> pb.ChatFailure:
    """Why an answer is not whole."""
    return answer.parts[-1].failure


async def test_loading_is_shown_before_the_first_word(talking: Daemon) -> None:
    """A cold model is loaded with its progress in the stream; then it is in memory like any other, and can leave it."""
    async with conversation(talking) as (session, chat):
        assert chat.engine == "chatEngines/tiny.gguf"
        stream, heard = await begun(session, chat)
        shown = [item.status for item in heard if item.HasField("status")]
        loading = [status for status in shown if "loaded" in status.text]
        assert loading
        assert loading[-1].share == 1.0
        assert any("started" in status.text for status in shown)
        await end_soon(session, chat)
        answer = await last(stream)
        assert failure_of(answer).reason == "LANGUAGE_ENGINE_FAILED"
        assert "limit" in failure_of(answer).message
        (resident,) = (await session.models.ListResidents(model_pb2.ListResidentsRequest())).residents
        assert (resident.model, resident.device, resident.in_use) == (TINY, "devices/language", False)
        assert resident.HasField("expires")
        devices = (await session.devices.ListDevices(model_pb2.ListDevicesRequest())).devices
        assert [(one.name, one.engine) for one in devices][-1] == ("devices/language", "llama")
        again, more = await begun(session, chat)
        assert not any("loaded" in item.status.text for item in more)
        await end_soon(session, chat)
        await last(again)
        await session.models.PinModel(model_pb2.PinModelRequest(name=TINY))
        with pytest.raises(errors.StateConflict):
            await session.models.UnloadModel(model_pb2.UnloadModelRequest(name=TINY))
        await session.models.UnpinModel(model_pb2.UnpinModelRequest(name=TINY))
        gone = await session.models.UnloadModel(model_pb2.UnloadModelRequest(name=TINY))
        assert list(gone.devices) == ["devices/language"]
        loaded = await session.models.LoadModel(model_pb2.LoadModelRequest(name=TINY))
        assert loaded.resident.device == "devices/language"
        with pytest.raises(errors.DeviceUnavailable):
            await session.models.LoadModel(model_pb2.LoadModelRequest(name=TINY, device="devices/scripted"))


async def test_a_cancel_is_heard_within_a_token(talking: Daemon) -> None:
    """An answer without an end stops; what there is of it is kept, and the worker is free for the next one."""
    async with conversation(talking) as (session, chat):
        stream, _ = await begun(session, chat)
        await session.copilot.CancelChatAnswer(pb.CancelChatAnswerRequest(name=chat.name))
        answer = await last(stream)
        assert answer.state == State.STATE_CANCELED
        assert words(answer)
        stream, _ = await begun(session, chat)
        await end_soon(session, chat)
        assert (await last(stream)).state == State.STATE_COMPLETE
        assert worker_of(talking).is_running()


@pytest.mark.faults
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_worker_that_dies_or_hangs_leaves_the_session_intact(talking: Daemon, blow: signal.Signals) -> None:
    """What was said is kept and marked as interrupted, with the reason; the next message finds a new worker."""
    async with conversation(talking) as (session, chat):
        stream, heard = await begun(session, chat)
        worker_of(talking).send_signal(blow)
        answer = await last(stream)
        assert answer.state == State.STATE_INTERRUPTED
        assert words(answer).startswith(heard[-1].delta.text)
        assert failure_of(answer).reason == "WORKER_LOST"
        assert (await messages(session, chat))[-1].state == State.STATE_INTERRUPTED
        stream, _ = await begun(session, chat, "And now?")
        await end_soon(session, chat)
        assert (await last(stream)).state == State.STATE_COMPLETE


@pytest.mark.parametrize(("file", "reason"), [("cut", "MODEL_CORRUPT"), ("new", "MODEL_UNSUPPORTED")])
async def test_a_bad_file_is_a_typed_error_that_names_it(talking: Daemon, file: str, reason: str) -> None:
    """The engine is listed as unavailable with the reason; asked all the same, the answer fails, the session stays."""
    async with conversation(talking, engine=f"chatEngines/{file}.gguf") as (session, chat):
        engines = (await session.copilot.ListChatEngines(pb.ListChatEnginesRequest())).chat_engines
        (card,) = (one for one in engines if one.name == chat.engine)
        assert (card.available, f"{file}.gguf" in card.detail) == (False, True)
        request = pb.SendChatMessageRequest(parent=chat.name, text="Hello")
        answer = await last(aiter(session.copilot.SendChatMessage(request)))
        assert answer.state == State.STATE_FAILED
        assert failure_of(answer).reason == reason
        assert f"{file}.gguf" in failure_of(answer).message
        assert len(await messages(session, chat)) == 2


async def test_a_message_that_no_window_holds_is_refused(talking: Daemon) -> None:
    """Nothing is cut in silence: the answer says how long it is and what the window holds."""
    async with conversation(talking) as (session, chat):
        request = pb.SendChatMessageRequest(parent=chat.name, text="ß" * 20_000)
        answer = await last(aiter(session.copilot.SendChatMessage(request)))
        assert answer.state == State.STATE_FAILED
        assert failure_of(answer).reason == "LIMIT_EXCEEDED"
        assert str(WINDOW) in failure_of(answer).message


async def test_a_model_that_calls_tools_at_random_makes_drafts_and_nothing_else(talking: Daemon) -> None:
    """Random weights behind the grammar: what comes out are valid proposals, shown as cards that wait for a person."""
    sampling = pb.ChatSampling(seed=5, temperature=1.0, max_tokens=400)
    async with conversation(talking, engine="chatEngines/eager.gguf", sampling=sampling) as (session, chat):
        studio, project = Studio(session, talking.home), chat.name.rpartition("/chatSessions/")[0]
        await studio.scenes(project, 2)
        cards = []
        for seed in range(5, 15):
            change = pb.ChatSession(name=chat.name, sampling=pb.ChatSampling(seed=seed, max_tokens=400))
            mask = FieldMask(paths=["sampling"])
            await session.copilot.UpdateChatSession(pb.UpdateChatSessionRequest(chat_session=change, update_mask=mask))
            request = pb.SendChatMessageRequest(parent=chat.name, text="Do something")
            answer = await last(aiter(session.copilot.SendChatMessage(request)))
            assert answer.state == State.STATE_COMPLETE
            cards += [part.card.current for part in answer.parts if part.HasField("card")]
            if cards:
                break
        assert cards
        found = await session.instructions.ListInstructions(
            instruction_pb2.ListInstructionsRequest(parent="projects/-")
        )
        assert {(one.name.split("/")[1], one.state) for one in found.instructions} == {
            (project.split("/")[1], instruction_pb2.Instruction.STATE_DRAFT)
        }


async def test_an_answer_that_was_being_written_survives_a_restart(talking: Daemon) -> None:
    """A daemon that is killed leaves what was said; the next one marks it, and answers on."""
    async with conversation(talking) as (session, chat):
        stream, _ = await begun(session, chat)
        async for item in stream:
            if item.HasField("delta") and (await messages(session, chat))[-1].parts:
                break
        await asyncio.to_thread(talking.kill)
    await asyncio.to_thread(talking.start)
    async with Session(talking.home) as session:
        kept = (await messages(session, chat))[-1]
        assert kept.state == State.STATE_INTERRUPTED
        assert words(kept)
        stream, _ = await begun(session, chat)
        await end_soon(session, chat)
        assert (await last(stream)).state == State.STATE_COMPLETE
