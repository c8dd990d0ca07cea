"""Who answers and how, titles, words looked for, a file; drafts that are edited, and what is handed over."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from bullpen_api.v1 import copilot_pb2, instruction_pb2, system_pb2
from bullpen_client.errors import DaemonUnavailable, FieldInvalid
from bullpen_tui import messages as say
from bullpen_tui.mirror import Listed
from bullpen_tui.talk import editing, engines, handing, told
from bullpen_tui.widgets.rows import RowTable
from google.protobuf.json_format import MessageToDict, ParseDict
from textual.widgets import Input

from tests.tui import story, story_desk
from tests.tui.driving import Driver, studio
from tests.tui.fake import FakeDaemon

Draft = instruction_pb2.Instruction


def _shown(at: Driver, words: str) -> bool:
    return words in at.screen_text().replace("\n", " ")


async def at_copilot(at: Driver) -> None:
    await at.go("4", "copilot")
    await at.until(lambda: "I propose a run over 6 scenes." in at.words("#chat"))


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_what_answers_is_chosen_from_a_list(size: tuple[int, int]) -> None:
    """One key, also from the line; what cannot answer says why and what to do; the choice counts at once."""
    async with studio(size=size) as at:
        await at_copilot(at)
        await at.press("f2")
        await at.until(lambda: at.place == "EngineDialog")
        await at.until(lambda: "tiny" in at.screen_text())
        shown = at.screen_text()
        assert "commands only" in shown
        assert ("2.3 G" in shown) == (size[0] > 80)
        await at.press("end")
        await at.until(lambda: "Name one in daemon.toml." in at.words("#engine-words"))
        await at.press("enter")
        assert at.place == "EngineDialog", "what cannot answer is not chosen"
        await at.press("up", "enter")
        await at.until(lambda: at.fake.asked("update_chat") == [(story_desk.CHAT, ("engine",))])
        await at.until(lambda: "tiny ● gpu0" in str(at.app.screen.query_one("#chat-pane").border_subtitle))
        await at.press("escape", "N")
        await at.until(lambda: at.fake.asked("new_chat") == [(story.PROJECT, "chatEngines/tiny.gguf")])


async def test_sampling_is_turned_while_an_answer_is_written() -> None:
    """Each press is a change that the daemon is told at once; 0 leaves the value to the engine again."""
    fake = FakeDaemon()
    last = fake._said[story_desk.CHAT][-1]
    last.state = copilot_pb2.ChatMessage.STATE_WRITING
    fake._chats[story_desk.CHAT].engine = "chatEngines/tiny.gguf"
    async with studio(fake, size=(80, 24)) as at:
        await at.go("4", "copilot")
        await at.until(lambda: "▍" in at.words("#chat"))
        await at.press("f3")
        await at.until(lambda: at.place == "SamplingDialog")
        await at.press("minus", "minus")
        kept = fake._chats[story_desk.CHAT].sampling
        await at.until(lambda: kept.HasField("temperature") and abs(kept.temperature - 0.6) < 1e-9)
        assert "0.6" in at.screen_text()
        await at.press("0")
        await at.until(lambda: not kept.HasField("temperature"))
        await at.press("down", "greater_than_sign")
        await at.until(lambda: kept.HasField("top_p") and kept.top_p == 1.0)
        await at.press("escape")
        await at.until(lambda: at.place == "copilot")


def test_a_knob_stays_within_its_bounds() -> None:
    """Whatever is pressed, the daemon is never asked for a value that it refuses."""
    for knob in engines.KNOBS:
        for by in (-1000, 1000):
            sampling = engines.turned(copilot_pb2.ChatSampling(), knob, by * 100)
            assert knob.low <= getattr(sampling, knob.name) <= knob.high
        assert engines.turned(sampling, knob, 0) == copilot_pb2.ChatSampling()


async def test_a_conversation_is_named_searched_and_written_out(tmp_path: Path) -> None:
    """T names it, f finds words in all conversations and goes there, E writes it to a file that was not there."""
    async with studio(size=(120, 36)) as at:
        await at_copilot(at)
        await at.press("escape", "T")
        await at.until(lambda: at.place == "LinesDialog")
        at.app.screen.query_one("#line-title", Input).value = "Rain"
        await at.press("enter")
        await at.until(lambda: at.fake._chats[story_desk.CHAT].title == "Rain")
        await at.press("f")
        await at.until(lambda: at.place == "FindDialog")
        await at.type("lock")
        await at.press("enter")
        await at.until(lambda: "Run a style lock pass" in at.screen_text())
        await at.press("enter")
        await at.until(lambda: at.place == "copilot")
        for said in ("Written to", "already"):
            await at.press("E")
            await at.until(lambda: at.place == "PathDialog")
            at.app.screen.query_one("#path-asked", Input).value = str(tmp_path / "talk.md")
            await at.press("enter")
            await at.until(partial(_shown, at, said), said)
        assert (tmp_path / "talk.md").read_text() == "# Scene planning\n"


async def test_a_draft_is_edited_and_shown_anew() -> None:
    """One key shows what it says line by line; a line that means nothing is refused where it stands; n cancels."""
    fake = FakeDaemon()
    ParseDict({"spec": {"stage": "style", "scenes": {}, "candidates": 3}}, fake._instructions[story_desk.DRAFT].inputs)
    async with studio(fake, size=(80, 24)) as at:
        await at_copilot(at)
        await at.press("escape", "e")
        await at.until(lambda: at.place == "CheckedLines")
        at.app.screen.query_one("#line-candidates", Input).value = "many"
        await at.press("f5")
        await at.until(lambda: "candidates is a number" in at.screen_text())
        at.app.screen.query_one("#line-candidates", Input).value = "2"
        at.app.screen.query_one("#line-scenes", Input).value = "scene_02"
        await at.press("f5")
        await at.until(lambda: fake.asked("update_instruction") == [(story_desk.DRAFT,)])
        spec = MessageToDict(fake._instructions[story_desk.DRAFT].inputs)["spec"]
        assert spec == {"stage": "style", "candidates": 2, "scenes": {"scenes": [f"{story.PROJECT}/scenes/scene_02"]}}
        await at.until(lambda: at.place == "copilot")
        await at.press("n")
        await at.until(lambda: fake.asked("cancel_instruction") == [(story_desk.DRAFT,)])


def test_lines_that_are_not_changed_change_nothing() -> None:
    """What an instruction says comes back as it was, whatever kind of call it is."""
    for method, inputs in (
        ("bullpen.v1.RunService/CreateRun", {"spec": {"stage": "time", "variables": {"time": "night"}, "seed": "7"}}),
        ("bullpen.v1.RunService/CancelRun", {"name": "projects/p/runs/r-1"}),
        ("bullpen.v1.PostProcessService/ProcessAssets", {"assets": ["projects/p/assets/a"], "postProcess": {"x": {}}}),
        ("bullpen.v1.StorageService/SyncStorage", {"bucket": True, "folder": ""}),
    ):
        one = Draft(name="projects/p/instructions/i-1", method=method, objective="so", etag="e")
        ParseDict(inputs, one.inputs)
        said = {name: value for name, value, _ in editing.lines_of(one)}
        made = editing.edited(one, said)
        assert MessageToDict(made.inputs) == MessageToDict(one.inputs)
        assert (made.name, made.etag, made.objective) == (one.name, "e", "so")


def _with_agent(fake: FakeDaemon, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    async def settings() -> system_pb2.ListSettingsResponse:
        return system_pb2.ListSettingsResponse(settings=[system_pb2.Setting(name="agent.url", value=url)])

    monkeypatch.setattr(fake, "settings", settings)


async def test_something_is_handed_over_after_its_payload_was_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """H asks what; the draft is confirmed only after where it goes and what is sent was shown; its way is told."""
    fake = FakeDaemon()
    _with_agent(fake, monkeypatch, "https://agents.example.org/v1")
    async with studio(fake, size=(100, 30)) as at:
        await at.go("5", "instructions")
        table = at.app.screen.query_one("#instructions", RowTable)
        await at.until(lambda: table.count[0] == 2)
        await at.press("H")
        await at.until(lambda: at.place == "CheckedLines")
        assert "agents.example.org" in at.screen_text()
        at.app.screen.query_one("#line-inputs", Input).value = "[1]"
        await at.press("f5")
        await at.until(lambda: "one JSON object" in at.screen_text())
        at.app.screen.query_one("#line-inputs", Input).value = '{"pages": [3]}'
        at.app.screen.query_one("#line-objective", Input).value = "Check [the] lettering"
        await at.press("f5")
        name = f"{story.PROJECT}/instructions/i-0009"
        await at.until(lambda: fake.asked("create_instruction") == [(story.PROJECT, "Check [the] lettering")])
        await at.until(lambda: table.cursor_key == name)
        await at.press("y")
        await at.until(lambda: at.place == "ConfirmDialog")
        shown = at.screen_text()
        for part in ("This leaves this machine", "agents.example.org", "Check [the] lettering", '{"pages": [3]}'):
            assert part in shown
        assert not fake.asked("confirm_instruction")
        await at.press("y")
        await at.until(lambda: fake.asked("confirm_instruction") == [(name, "digest-9", False)])


async def test_no_key_decides_about_another_one_than_was_just_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event may come before the answer: y confirms the new draft, or nothing, and never the one that was open."""
    fake = FakeDaemon()
    _with_agent(fake, monkeypatch, "https://agents.example.org/v1")
    async with studio(fake, size=(100, 30)) as at:
        await at.go("5", "instructions")
        table = at.app.screen.query_one("#instructions", RowTable)
        await at.until(lambda: table.count[0] == 2)
        made = await fake.create_instruction(story.PROJECT, Draft(objective="Write blurbs"), "r")
        at.app.post_message(say.ChangesArrived((Listed((made,)),)))
        await at.until(lambda: table.count[0] == 3)
        assert table.cursor_key != made.name
        at.app.screen.post_message(told.InstructionProposed(made))
        await at.press("y")
        await at.until(lambda: table.cursor_key == made.name)
        assert not fake.asked("confirm_instruction")


async def test_words_are_scrolled_by_keys() -> None:
    """Page keys go through a conversation from the line, J and K through a card that is longer than its pane."""
    fake = FakeDaemon()
    fake._said[story_desk.CHAT][0].parts[0].text = "\n".join(f"line {number}" for number in range(90))
    fake._instructions[story_desk.DRAFT].objective = "so " * 400
    async with studio(fake, size=(80, 24)) as at:
        await at_copilot(at)
        await at.until(lambda: "line 1 " not in at.screen_text())
        await at.press(*["pageup"] * 8)
        await at.until(lambda: "line 1 " in at.screen_text())
        await at.press("escape", "5")
        await at.until(lambda: at.place == "instructions")
        await at.until(lambda: "so so so" in at.screen_text())
        pane = at.app.screen.query_one("#instruction-pane")
        await at.press("J")
        await at.until(lambda: pane.scroll_offset.y > 0)
        await at.press("K")
        await at.until(lambda: pane.scroll_offset.y == 0)


async def test_what_was_not_taken_is_given_back() -> None:
    """A message that did not reach the daemon stands in the line again, and nothing says that it is being answered."""
    fake = FakeDaemon()
    fake.refuse["send_chat"] = DaemonUnavailable("The daemon does not answer.", remedy="Start it.")
    async with studio(fake, size=(80, 24)) as at:
        await at_copilot(at)
        await at.type("list scenes")
        await at.press("enter")
        line = at.app.screen.query_one("#ask", Input)
        await at.until(lambda: "does not answer" in at.screen_text())
        await at.until(lambda: line.value == "list scenes")
        assert at.words("#chat-status") == ""


async def test_a_long_line_is_seen_while_it_is_written() -> None:
    """What is longer than its line scrolls in it; nothing covers it."""
    async with studio(size=(80, 24)) as at:
        await at_copilot(at)
        await at.type("a style lock pass on every one of the six scenes with three candidates each")
        assert "with three candidates each" in at.screen_text()


async def test_without_an_agent_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked for that could not be sent."""
    fake = FakeDaemon()
    _with_agent(fake, monkeypatch, "")
    async with studio(fake, size=(80, 24)) as at:
        await at.go("5", "instructions")
        await at.press("H")
        await at.until(lambda: "No agent is set up" in at.screen_text().replace("\n", " "))
        assert at.place == "instructions"


def test_how_far_a_hand_over_has_come_is_said() -> None:
    """Sent, polled for, answered: each state has its sentence, and what waits says how long."""
    one = Draft()
    assert handing.dispatch_lines(one, story.NOW) == []
    one.dispatch.host, one.dispatch.deliveries = "agents.example.org", 2
    one.dispatch.expire_time.CopyFrom(story.at(-120))
    for state in handing.Dispatch.State.values()[1:]:
        one.dispatch.state = state
        said = "\n".join(line.plain for line in handing.dispatch_lines(one, story.NOW))
        assert "agents.example.org" in said
        assert ("waits" in said) == (state not in (handing.Dispatch.STATE_ANSWERED, handing.Dispatch.STATE_CLOSED))
    one.dispatch.state = handing.Dispatch.STATE_ACCEPTED
    assert "taken by the agent, sent 2 times" in handing.dispatch_lines(one, story.NOW)[0].plain


def test_what_is_written_for_an_agent_is_read_strictly() -> None:
    """A type that is none, a limit without a value and inputs that are no object are sentences, not tracebacks."""
    said = {"objective": "x", "type": "custom", "call": "", "inputs": "", "limits": ""}
    assert not handing.problem_of(said)
    deep = "[" * 100_000
    for change in ({"objective": ""}, {"type": "x"}, {"limits": "a"}, {"inputs": "{"}, {"inputs": json.dumps([])}):
        assert handing.problem_of({**said, **change})
    assert handing.problem_of({**said, "inputs": deep})
    made = handing.instruction_of({**said, "limits": "max_cost_usd=2, style=ink", "type": "QA_CHECK"})
    assert dict(made.constraints) == {"max_cost_usd": "2", "style": "ink"}
    assert made.execution.executor == handing.AGENT


async def test_a_refused_edit_leaves_the_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the daemon refuses is said in its words."""
    fake = FakeDaemon()
    fake.refuse["update_instruction"] = FieldInvalid("There is no scene_99.", remedy="`list scenes` names them.")
    async with studio(fake, size=(100, 30)) as at:
        await at.go("5", "instructions")
        await at.until(lambda: at.app.screen.query_one("#instructions", RowTable).count[0] == 2)
        await at.press("e")
        await at.until(lambda: at.place == "CheckedLines")
        at.app.screen.query_one("#line-scenes", Input).value = "scene_99"
        await at.press("f5")
        await at.until(lambda: "There is no scene_99." in at.screen_text())


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_prompts_are_looked_for_enhanced_and_taken_back(size: tuple[int, int]) -> None:
    """Written, enhanced with what it was kept, taken back by one key; what is taken stands in the line."""
    async with studio(size=size) as at:
        await at_copilot(at)
        await at.press("escape", "p")
        await at.until(lambda: at.place == "PromptsDialog")
        await at.until(lambda: "No prompt was kept yet." in at.screen_text())
        await at.press("w")
        await at.until(lambda: at.place == "LinesDialog")
        at.app.screen.query_one("#line-text", Input).value = "a rainy pier"
        await at.press("enter", "enter", "enter")
        await at.until(lambda: at.place == "PromptsDialog" and "a rainy pier" in at.words("#prompt-words"))
        await at.press("e")
        await at.until(lambda: at.place == "LinesDialog")
        at.app.screen.query_one("#line-for", Input).value = "sdxl"
        await at.press("enter")
        await at.until(lambda: at.fake.asked("enhance_prompt") == [(story.PROJECT, "a rainy pier", "sdxl")])
        await at.until(lambda: at.place == "PromptsDialog" and "masterpiece" in at.words("#prompt-words"))
        said = at.words("#prompt-words")
        assert "before   a rainy pier" in said
        assert "sdxl takes lists of tags." in said
        await at.press("r")
        await at.until(lambda: len(at.fake.asked("revert_prompt")) == 1)
        await at.until(lambda: "↶" in at.screen_text())
        await at.press("slash")
        await at.type("pier")
        await at.press("enter")
        await at.until(lambda: at.fake.asked("prompts")[-1] == (story.PROJECT, "pier"))
        await at.press("g", "enter")
        await at.until(lambda: at.place == "copilot")
        assert at.app.screen.query_one("#ask", Input).value == "a rainy pier"
