"""What every language model is told and how it is heard: summaries, windows, rounds of tools, calls between words."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import copilot_pb2
from bullpen_api.worker.v1 import link_pb2
from bullpend.copilot import gbnf
from bullpend.copilot.dialogue import PROMPT_FILE, Call, Dialogue, DoesNotFit, Known, Round, Sent
from bullpend.copilot.engines import Part, Piece, Status, Turn, Words
from bullpend.copilot.local import Heard, Local, Shelf, Voice
from bullpend.dispatch.texts import Text, Tokens, TooLong, Waiting
from bullpend.errors import DeviceUnavailable, LimitExceeded
from bullpend.models.model import Model, ModelState
from bullpend.models.registry import Registry

from tests.copilot.test_remote import Desk, all_tools, said
from tests.support.tiny_gguf import write

PROMPT = Path(__file__).resolve().parents[2] / "settings" / PROMPT_FILE
pb = copilot_pb2


class Window:
    """A voice with a window of so many characters, that says what it was told."""

    def __init__(self, holds: int) -> None:
        self.holds = holds
        self.told: list[list[Sent]] = []

    @property
    def budget(self) -> int:
        return 100_000

    def introductions(self, known: Known) -> Sequence[str]:
        return ("tools " * 400, "tools")

    async def exchange(self, turn: Turn, messages: Sequence[Sent], known: Known, made: Round) -> AsyncIterator[Piece]:
        size = sum(len(one["content"]) for one in messages)
        if size > self.holds:
            raise DoesNotFit(f"It has {size} of {self.holds}.", self.holds / size)
        self.told.append(list(messages))
        yield Words("Yes.")

    def asked(self, made: Round, calls: Sequence[Call]) -> Sent:
        return {"role": "assistant", "content": made.text}

    def result(self, call: Call, text: str) -> Sent:
        return {"role": "user", "content": text}


def history(count: int, size: int) -> list[pb.ChatMessage]:
    """Messages of a person and answers in turns, each with its number."""
    roles = (pb.ChatMessage.ROLE_PERSON, pb.ChatMessage.ROLE_COPILOT)
    return [
        pb.ChatMessage(role=roles[number % 2], parts=[pb.ChatPart(text=f"Message {number}. " + "x" * size)])
        for number in range(count)
    ]


async def answered(voice: Any, text: str = "Now?", before: Sequence[pb.ChatMessage] = ()) -> list[Piece]:
    """All pieces of an answer."""
    return [piece async for piece in Dialogue(voice, PROMPT, all_tools).answer(Desk().turn(text, list(before)))]


async def test_what_a_window_does_not_hold_is_summed_up_and_said() -> None:
    """Older messages become short lines, none is left out unsaid, and the newest stay whole."""
    voice = Window(11_500)
    pieces = await answered(voice, before=history(80, 400))
    note = pieces[0]
    assert isinstance(note, Part)
    (told,) = voice.told
    whole = [one for one in told if one["content"].startswith("Message ")]
    assert 0 < len(whole) < 80
    assert whole[-1]["content"].startswith("Message 79.")
    assert note.part.reading.summary.startswith(f"{80 - len(whole)} earlier messages were summed up")
    summary = told[1]["content"]
    lines = [line for line in summary.splitlines() if "Message" in line]
    counted = 80 - len(whole) - len(lines)
    assert f"({counted} messages before that)" in summary or counted == 0
    assert (told[-1]["content"], said(pieces)) == ("Now?", "Yes.")


async def test_a_message_that_does_not_fit_alone_is_refused() -> None:
    """With nothing left to be summed up the person is told, and nothing was sent in part."""
    voice = Window(3000)
    with pytest.raises(LimitExceeded, match="of 3000"):
        await answered(voice, "y" * 5000, history(4, 100))
    assert voice.told == []


async def test_a_small_window_learns_less_of_the_tools() -> None:
    """Where nothing else can be made shorter, the tools are named in fewer words before anything is refused."""
    voice = Window(3000)
    assert said(await answered(voice)) == "Yes."
    assert voice.told[0][0]["content"].endswith("\n\ntools")


class Answers:
    """In place of the worker: says these items, one list for each exchange."""

    def __init__(self, *exchanges: list[Waiting | Tokens | Exception]) -> None:
        self.exchanges = list(exchanges)
        self.asked: list[link_pb2.LanguageWork] = []
        self.tuned: list[link_pb2.LanguageSampling] = []

    def submit(self, project: str, model: str, digest: str, work: link_pb2.LanguageWork) -> Text:
        self.asked.append(work)
        return Text("language/1", model, digest, work)

    def tune(self, text: Text, sampling: link_pb2.LanguageSampling) -> None:
        self.tuned.append(sampling)

    async def follow(self, text: Text) -> AsyncGenerator[Waiting | Tokens, None]:
        for item in self.exchanges.pop(0):
            if isinstance(item, Exception):
                raise item
            yield item


def voice_of(answers: Answers, window: int = 8192) -> Any:
    """A local voice over made-up answers."""
    model = Model("models/tiny.gguf", "Tiny", ModelState.READY, "llama", "", "/tiny.gguf", 1, engine="llama")
    texts: Any = answers
    return Voice(model, texts, window)


async def test_a_call_between_words_becomes_a_card() -> None:
    """Words before the mark are shown, the call is carried out as a draft, what came of it goes back as data."""
    call = json.dumps({"name": "propose_CreateRun", "arguments": {"spec": {"stage": "style"}}})
    answers = Answers(
        [
            Waiting("Loading.", 0.5),
            Tokens("I pro", 1),
            Tokens("pose it.\n<tool", 2),
            Tokens(f"_call>{call[:9]}", 3),
            Tokens(f"{call[9:]}</tool_call>", 4),
            Tokens("", 5, "grammar"),
        ],
        [Tokens("Look at the card.", 1), Tokens("", 2, "stop")],
    )
    desk = Desk()
    pieces = [piece async for piece in Dialogue(voice_of(answers), PROMPT, all_tools).answer(desk.turn("run it"))]
    assert said(pieces) == "I propose it.\nLook at the card."
    assert desk.proposed == [("bullpen.v1.RunService/CreateRun", {"spec": {"stage": "style"}})]
    assert any(isinstance(piece, Status) and piece.share == 0.5 for piece in pieces)
    assert [piece.part.card.instruction for piece in pieces if isinstance(piece, Part)] == [
        "projects/p/instructions/i-0001"
    ]
    first, second = answers.asked
    assert (first.trigger, first.sampling.temperature) == (gbnf.OPEN, 0.5)
    assert "propose_CreateRun(spec" in first.messages[0].content
    assert second.messages[-2].content.endswith(f"{gbnf.OPEN}{call}{gbnf.SHUT}")
    assert second.messages[-1].content.startswith("<tool_response>")


async def test_sampling_is_passed_on_while_an_answer_is_written() -> None:
    """What a person changes meanwhile reaches the worker with the next words."""
    answers = Answers([Tokens("a", 1), Tokens("b", 2), Tokens("", 3, "stop")])
    given = iter([0.5, 0.5, 1.5, 1.5, 1.5])
    turn = Desk().turn("hello")
    object.__setattr__(turn, "sampling", lambda: pb.ChatSampling(temperature=next(given)))
    assert said([piece async for piece in Dialogue(voice_of(answers), PROMPT, all_tools).answer(turn)]) == "ab"
    assert [one.temperature for one in answers.tuned] == [1.5]


async def test_the_worker_counts_and_the_rest_is_summed_up() -> None:
    """A conversation that has more tokens than the window is asked again in short, with a note."""
    answers = Answers([TooLong("Too long.", 9000, 4096)], [Tokens("Yes.", 1, "stop")])
    pieces = await answered(voice_of(answers), before=history(30, 300))
    assert isinstance(pieces[0], Part)
    sizes = [sum(len(one.content) for one in work.messages) for work in answers.asked]
    assert sizes[1] < sizes[0]
    assert said(pieces) == "Yes."


def test_what_is_heard_is_parted_wherever_it_is_cut() -> None:
    """Words, thoughts and a call are told apart, whatever pieces they come in."""
    whole = "<think>Hmm, <tool_call> is one.</think>\n\nI < you <tool. <tool_call>{}</tool_call>"
    for size in range(1, len(whole) + 1):
        heard = Heard()
        shown = "".join(heard.add(whole[at : at + size], at + size >= len(whole)) for at in range(0, len(whole), size))
        assert shown == heard.shown == "I < you <tool. "
        assert heard.all == whole
    plain = Heard()
    assert plain.add("No <tool", last=False) + plain.add("s.", last=True) == "No <tools."
    assert Heard().add("<think>a</think>b", last=True) == "b"


async def test_without_llama_cpp_a_model_says_how_to_get_it(tmp_path: Path) -> None:
    """The file is listed as an engine that cannot answer yet; asked all the same, it says what to install."""
    write(tmp_path / "tiny.gguf")
    registry = Registry([tmp_path])
    shelf = Shelf({}, registry, lambda name: Local(name, registry, None, PROMPT, all_tools), "models/gone.gguf")
    assert list(shelf) == ["chatEngines/gone.gguf"], "nothing is looked for before somebody asks"
    await shelf.look()
    assert list(shelf) == ["chatEngines/gone.gguf", "chatEngines/tiny.gguf"]
    engine = shelf["chatEngines/tiny.gguf"]
    assert (engine.card.title, engine.card.available) == ("Tiny", False)
    assert "bullpen[llama]" in engine.card.remedy
    with pytest.raises(DeviceUnavailable, match="not installed"):
        await anext(engine.answer(Desk().turn("hello")))
    with pytest.raises(KeyError):
        shelf["chatEngines/other.gguf"]
