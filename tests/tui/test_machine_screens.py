"""Devices: what they take, and where a run is best done."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import model_pb2
from bullpen_client.errors import StateConflict
from bullpen_tui.machine.advice import CHOICES, switch_question, switched_words
from bullpen_tui.machine.rows import by_use
from bullpen_tui.machine.spans import seconds_of
from bullpen_tui.plan import FormError
from bullpen_tui.screens.advice import AdviceDialog
from bullpen_tui.screens.settings import AT_ONCE
from bullpen_tui.widgets.rows import RowTable
from bullpend.settings_tree import Tree
from textual.widgets import Input, Static

from tests.tui import story
from tests.tui.driving import Driver, studio
from tests.tui.fake import FakeDaemon

ALL, BOUND, OFF = model_pb2.Device.USE_ALL, model_pb2.Device.USE_BOUND, model_pb2.Device.USE_NONE


async def models(at: Driver) -> None:
    """To the models, with devices and runs read."""
    await at.go("7", "models")
    await at.until(lambda: at.app.screen.query_one("#devices", RowTable).rows and at.app.snapshot.runs, "devices")
    await at.pilot.pause()


async def test_a_providers_model_takes_no_memory_here() -> None:
    """Nothing that is about memory is offered for it, and its key does nothing."""
    fake = FakeDaemon()
    there = model_pb2.Model(name="models/openai:x", title="X", state=model_pb2.Model.STATE_READY, engine="remote")

    async def one() -> model_pb2.ListModelsResponse:
        return model_pb2.ListModelsResponse(models=[there])

    fake.models = one  # type: ignore[method-assign]
    async with studio(fake, size=(120, 36)) as at:
        await models(at)
        await at.until(lambda: at.app.screen.query_one("#models", RowTable).cursor_key == there.name)
        footer = at.screen_text().splitlines()[-1]
        assert "s switch" in footer
        assert not any(one in footer for one in ("o load", "P pin", "K stays"))
        await at.press("o", "P", "K")
        assert at.place == "models"
        assert not at.fake.asked("load") + at.fake.asked("pin")


async def test_a_device_is_switched_after_a_question() -> None:
    """S offers what it may take and says what that means; n leaves it as it is, y switches it."""
    async with studio(size=(80, 24)) as at:
        await models(at)
        assert "✓ all work" in at.screen_text()
        await at.press("s")
        await at.until(lambda: at.place == "ChooseDialog")
        await at.press("j", "enter")
        await at.until(lambda: at.place == "ConfirmDialog")
        question = str(at.app.screen.query(Static).first().content)
        assert "by request only? It takes only runs" in question
        assert f"It is making {story.TIME_RUN}/jobs/3 now." in question
        await at.press("n")
        await at.until(lambda: at.place == "models")
        assert not at.fake.asked("switch_device")
        await at.press("s")
        await at.until(lambda: at.place == "ChooseDialog")
        await at.press("j", "enter")
        await at.until(lambda: at.place == "ConfirmDialog")
        await at.press("y")
        await at.until(lambda: at.fake.asked("switch_device") == [("devices/cpu", BOUND, False, False)])


async def test_a_model_stays_as_long_as_somebody_says() -> None:
    """K takes a length as one writes it; what is none is told where it can be mended; none is that of the settings."""
    async with studio(size=(80, 24)) as at:
        await models(at)
        for text in ("1h 30m", ""):
            await at.press("K")
            await at.until(lambda: at.place == "PathDialog")
            at.app.screen.query_one(Input).value = "soon"
            await at.press("enter")
            await at.until(lambda: "no length of time" in " ".join(at.screen_text().split()))
            at.app.screen.query_one(Input).value = text
            await at.press("enter")
            await at.until(lambda: at.place == "models")
        await at.until(lambda: len(at.fake.asked("keep_alive")) == 2)
        assert at.fake.asked("keep_alive") == [("models/starter-edit", 5400.0), ("models/starter-edit", None)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("300", 300), ("90 s", 90), ("5m", 300), ("1h30m", 5400), ("1,5 h", 5400), ("0", 0), (" ", None)],
)
def test_lengths_of_time_are_read_as_written(text: str, seconds: float | None) -> None:
    """With and without units, together or apart."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["soon", "-5", "5 parsecs", "1e9", "900d", "5m!"])
def test_what_is_no_length_of_time_is_refused_in_words(text: str) -> None:
    """The sentence shows how to write one."""
    with pytest.raises(FormError, match=r"5m|pin it"):
        seconds_of(text)


async def test_the_last_device_is_asked_about_twice() -> None:
    """Switching it off would let all work wait: the daemon's words are shown, and only a second y does it."""
    async with studio(size=(80, 24)) as at:
        await models(at)
        await at.press("s")
        await at.until(lambda: at.place == "ChooseDialog")
        await at.press("j", "j", "j", "enter")
        await at.until(lambda: at.place == "ConfirmDialog")
        await at.press("y")
        await at.until(lambda: "last device that work may go to" in " ".join(at.screen_text().split()))
        assert at.fake.asked("switch_device") == [("devices/cpu", OFF, True, False)]
        await at.press("y")
        await at.until(lambda: at.fake.asked("switch_device")[1:] == [("devices/cpu", OFF, True, True)])


async def test_ways_to_do_a_run_stand_side_by_side() -> None:
    """Memory, time, queue, money and consent of each; enter takes the run to the processor."""
    async with studio(size=(120, 36)) as at:
        await models(at)
        await at.press("a")
        await at.until(lambda: isinstance(at.app.screen, AdviceDialog) and "5 pictures to make" in at.screen_text())
        text = at.screen_text()
        for part in ("Processor, 2 cores ★", "✓ now", "1:12", "H200 ⚑", "◐ makes room", "$0.21", "It is off."):
            assert part in text, part
        await at.press("enter")
        await at.until(lambda: at.fake.asked("place_run") == [(story.TIME_RUN, "devices/cpu", False)])
        await at.until(lambda: "Processor, 2 cores ★ ●" in at.screen_text())


async def test_work_leaves_the_devices_in_general_use_only_with_consent() -> None:
    """A card that is kept for requests asks first; a provider's model is not taken in passing."""
    async with studio(size=(120, 36)) as at:
        await models(at)
        await at.press("a")
        await at.until(lambda: "5 pictures to make" in at.screen_text())
        await at.press("j", "enter")
        await at.until(lambda: at.place == "ConfirmDialog")
        await at.press("n", "j", "enter")
        await at.until(lambda: "the line above says what to do" in at.screen_text())
        await at.press("j", "enter")
        await at.until(lambda: "✗ It is off." in at.screen_text())
        assert not at.fake.asked("place_run")
        await at.press("k", "k", "enter", "y")
        await at.until(lambda: at.fake.asked("place_run") == [(story.TIME_RUN, "devices/cuda-0", True)])


async def test_a_run_that_ended_meanwhile_has_no_advice() -> None:
    """The daemon's sentence stands where the ways were."""
    async with studio(size=(80, 24)) as at:
        at.fake.refuse["advise"] = StateConflict("The run has ended.")
        await models(at)
        await at.press("a")
        await at.until(lambda: "✗ The run has ended." in at.screen_text())
        await at.press("enter", "escape")
        await at.until(lambda: at.place == "models")
        assert not at.fake.asked("place_run")


def test_every_way_to_switch_says_what_it_means() -> None:
    """The question and the answer name the device and the difference."""
    device = story.devices().devices[0]
    questions = {switch_question(device, use, now) for _, use, now, _, _ in CHOICES}
    assert len(questions) == len(CHOICES)
    for use, word in ((ALL, "takes all work"), (BOUND, "only runs"), (OFF, "is off")):
        device.use = use
        assert word in switched_words(device)


def test_what_can_be_had_at_once_is_said_of_settings_that_there_are() -> None:
    """A setting that was renamed would lose its sentence."""
    for name in AT_ONCE:
        table, _, key = name.partition(".")
        assert key in type(getattr(Tree(), table)).model_fields, name


async def test_a_device_is_told_by_its_name_in_80_columns() -> None:
    """The list leaves out who made it rather than cut the name; the words below have the whole of it."""
    fake = FakeDaemon()
    answer = story.devices()
    answer.devices[0].title = "NVIDIA GeForce RTX 4090 Laptop"

    async def devices() -> model_pb2.ListDevicesResponse:
        return answer

    fake.devices = devices  # type: ignore[method-assign]
    async with studio(fake, size=(80, 24)) as at:
        await models(at)
        await at.until(lambda: "GeForce" in at.screen_text())
        lines = [line for line in at.screen_text().splitlines() if "GeForce" in line]
        assert "…" in lines[0]
        assert "Laptop" in lines[0]
        assert "NVIDIA" not in lines[0]
        assert "NVIDIA GeForce RTX 4090 Laptop" in lines[1]


def test_what_can_be_used_stands_first() -> None:
    """A model that lacks an account, or is broken, comes after those that are ready; nothing else changes place."""
    lacking, ready = model_pb2.Model.STATE_NO_ACCOUNT, model_pb2.Model.STATE_READY
    found = [model_pb2.Model(name=name, state=state) for name, state in (("a", lacking), ("b", ready), ("c", ready))]
    assert [one.name for one in by_use(found)] == ["b", "c", "a"]


async def test_tasks_of_all_projects_say_their_project_in_80_columns() -> None:
    """Runs of two projects have the same names: the project is what tells them apart."""
    async with studio(size=(80, 24)) as at:
        await at.go("w", "tasks")
        await at.until(lambda: at.app.screen.query_one(RowTable).rows, "tasks")
        await at.pilot.pause()
        head = next(line for line in at.screen_text().splitlines() if "status" in line)
        assert "project" in head
