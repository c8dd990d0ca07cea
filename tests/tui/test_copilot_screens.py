"""The conversation, its cards, and the instructions that they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from bullpen_api.v1 import copilot_pb2
from bullpen_client.errors import InstructionStale
from bullpen_tui.mirror import Grew, Listed, Snapshot, apply_all
from bullpen_tui.widgets.rows import RowTable
from textual.widgets import Input

from tests.tui import story, story_desk
from tests.tui.driving import Driver, studio
from tests.tui.fake import FakeDaemon


async def until_chat(at: Driver) -> None:
    await at.go("4", "copilot")
    await at.until(lambda: "I propose a run over 6 scenes." in at.words("#chat"))


async def test_a_card_is_confirmed_by_a_person() -> None:
    """The card tells what, how long and until when; y confirms the digest that was shown, but not inside the line."""
    async with studio(size=(120, 36)) as at:
        await until_chat(at)
        text = at.words("#chat")
        assert "Run style over 6 scenes, 3 candidates each" in text
        assert "no money   4:00" in text
        assert "expires in 9:58" in text
        await at.press("y")
        assert at.app.screen.query_one("#ask", Input).value == "y", "in the line it is a letter"
        assert not at.fake.asked("confirm_instruction")
        await at.press("escape", "y")
        await at.until(lambda: at.fake.asked("confirm_instruction") == [(story_desk.DRAFT, "digest-1", False)])
        await at.until(lambda: "◌ queued" in at.words("#chat"))


async def test_what_is_said_is_answered_word_by_word() -> None:
    """Enter sends, the answer grows, and a new conversation is begun by its first words."""
    async with studio(size=(80, 24)) as at:
        await until_chat(at)
        await at.type("are all locked")
        await at.press("question_mark", "enter")
        await at.until(lambda: "Six of six are locked." in at.words("#chat"))
        assert at.fake.asked("send_chat") == [(story_desk.CHAT, "are all locked?")]
        assert at.app.screen.query_one("#ask", Input).value == ""
        await at.press("escape", "N")
        await at.until(lambda: "new conversation" in at.screen_text())
        await at.until(lambda: at.app.focused is at.app.screen.query_one("#ask", Input))
        await at.type("hello")
        await at.press("enter")
        await at.until(lambda: len(at.fake.asked("send_chat")) == 2)
        assert at.fake.asked("send_chat")[1] == (f"{story.PROJECT}/chatSessions/c-new", "hello")


async def test_a_model_that_is_being_loaded_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first word stands what goes on and how far it is; with the words it goes."""
    response, loaded = copilot_pb2.SendChatMessageResponse, asyncio.Event()

    async def send(session: str, text: str, request_id: str) -> AsyncIterator[copilot_pb2.SendChatMessageResponse]:
        yield response(status=copilot_pb2.ChatStatus(text="models/tiny.gguf is being loaded.", share=0.43))
        await loaded.wait()
        yield response(delta=copilot_pb2.ChatDelta(message=f"{session}/messages/m-9", text="Six."))

    async with studio(size=(80, 24)) as at:
        monkeypatch.setattr(at.fake, "send_chat", send)
        await until_chat(at)
        await at.type("hello")
        await at.press("enter")
        await at.until(lambda: "is being loaded. 43%" in at.words("#chat-status"))
        loaded.set()
        await at.until(lambda: "loaded" not in at.words("#chat-status"))


async def test_instructions_are_told_and_decided() -> None:
    """Card, timeline and plan of the one under the cursor; x cancels a draft, R proposes a failed one again."""
    async with studio(size=(160, 50)) as at:
        await at.go("5", "instructions")
        table = at.app.screen.query_one("#instructions", RowTable)
        await at.until(lambda: table.count[0] == 2)
        await at.until(lambda: "18" in at.words("#instruction-words"), "the plan of the run")
        text = at.words("#instruction-words")
        assert "Lock the style of all scenes." in text
        assert "by copilot" in text
        assert "digest     digest-1" in text
        await at.press("j")
        await at.until(lambda: "There is no model for cutouts. Install one." in at.words("#instruction-words"))
        await at.press("R")
        await at.until(lambda: at.fake.asked("retry_instruction") == [(story_desk.FAILED, "request-1")])
        await at.until(lambda: table.count[0] == 3)
        await at.press("g", "j", "x")
        await at.until(lambda: at.fake.asked("cancel_instruction") == [(story_desk.DRAFT,)])
        await at.press("right_square_bracket")
        await at.until(lambda: [row.key for row in table.rows] == [f"{story_desk.FAILED}-again"])


async def test_what_costs_money_is_asked_once_more() -> None:
    """The sum is shown before it is confirmed, and the call says that it may be spent."""
    fake = FakeDaemon()
    fake._instructions[story_desk.DRAFT].preview.estimated_cost_usd = 1.8
    async with studio(fake) as at:
        await at.go("5", "instructions")
        await at.until(lambda: at.app.screen.query_one("#instructions", RowTable).count[0] == 2)
        await at.press("y")
        await at.until(lambda: at.place == "ConfirmDialog")
        assert "about $1.80" in at.screen_text()
        await at.press("y")
        await at.until(lambda: at.fake.asked("confirm_instruction") == [(story_desk.DRAFT, "digest-1", True)])


async def test_a_stale_card_is_refused_in_words_and_shown_anew() -> None:
    """The refusal says what to do; s shows it with another digest; an expired one offers only that."""
    fake = FakeDaemon()
    fake.refuse["confirm_instruction"] = InstructionStale("The target moved.", remedy="Look at it again.")
    fake._instructions[story_desk.FAILED].state = story_desk.State.STATE_DRAFT
    fake._instructions[story_desk.FAILED].expire_time.CopyFrom(story.at(5))
    async with studio(fake) as at:
        await at.go("5", "instructions")
        table = at.app.screen.query_one("#instructions", RowTable)
        await at.until(lambda: table.count[0] == 2)
        await at.press("y")
        await at.until(lambda: "Look at it again." in at.screen_text())
        await at.press("s")
        await at.until(lambda: at.app.snapshot.instructions[story_desk.DRAFT].digest == "digest-2")
        await at.press("j")
        await at.until(lambda: "shown too long ago" in at.words("#instruction-words"))
        assert "y confirm" not in at.screen_text().splitlines()[-1]


def test_an_answer_grows_only_while_it_is_written() -> None:
    """Words after the whole answer, or of one that is not known, change nothing."""
    begun = copilot_pb2.ChatMessage(name=f"{story_desk.CHAT}/messages/m", state=copilot_pb2.ChatMessage.STATE_WRITING)
    word = Grew(copilot_pb2.ChatDelta(message=begun.name, part=0, text="a"))
    grown = apply_all(Snapshot(), [word, Listed((begun,)), word, word])
    assert grown.chat_messages[begun.name].parts[0].text == "aa"
    whole = copilot_pb2.ChatMessage(name=begun.name, state=copilot_pb2.ChatMessage.STATE_COMPLETE, revision=2)
    whole.parts.add(text="aab")
    ended = apply_all(grown, [Listed((whole,)), word])
    assert ended.chat_messages[begun.name].parts[0].text == "aab"
    assert apply_all(grown, [Grew(copilot_pb2.ChatDelta(message=begun.name, part=7, text="x"))]) == grown
