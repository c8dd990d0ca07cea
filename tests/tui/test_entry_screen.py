"""The form of the bible: written, kept, refused in words, and never lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2
from bullpen_client.errors import FieldInvalid
from bullpen_tui.screens.entry import EntryScreen
from bullpen_tui.screens.part_dialogs import ConflictDialog
from bullpen_tui.screens.picker import PickerScreen
from bullpen_tui.widgets.rows import RowTable
from textual.widgets import Input, TextArea

from tests.tui import story
from tests.tui.driving import Driver, studio

MARA = f"{story.PROJECT}/characters/mara"
FLAT = f"{story.PROJECT}/styleGuides/flat"
SET = f"{story.PROJECT}/referenceSets/mara_sheet"


async def cast(at: Driver, tab: int = 1) -> None:
    """To a tab of the universe, with its rows."""
    await at.go("U", "universe")
    await at.press(*["right_square_bracket"] * tab)
    await at.until(lambda: at.app.snapshot.characters and at.app.snapshot.prompt_templates, "bible")
    await at.pilot.pause()


async def form(at: Driver, tab: int = 1, key: str = "e") -> EntryScreen:
    """The form of the first row of a tab."""
    await cast(at, tab)
    await at.go(key, "entry")
    screen = at.app.screen
    assert isinstance(screen, EntryScreen)
    return screen


def line(at: Driver, name: str) -> Input:
    return at.app.screen.query_one(f"#field-{name}", Input)


def area(at: Driver, name: str) -> TextArea:
    return at.app.screen.query_one(f"#field-{name}", TextArea)


def problem(at: Driver) -> str:
    return at.words("#entry-problem")


async def test_a_character_is_written_by_keys_alone() -> None:
    """A title gives the name; enter and tab go on; F5 keeps it and goes back to the cast, which has it."""
    async with studio(size=(80, 24)) as at:
        await form(at, key="n")
        await at.type("Otto Berg")
        assert at.app.screen.query_one("#entry-slug", Input).value == "otto_berg"
        await at.press("enter", "enter")
        await at.type("an old man")
        await at.press("f5")
        await at.until(lambda: at.place == "universe")
        assert at.fake.asked("create_entry") == [(f"{story.PROJECT}/characters/otto_berg",)]
        assert at.fake.entries[f"{story.PROJECT}/characters/otto_berg"].description == "an old man"
        await at.until(lambda: "Otto Berg" in at.screen_text())


async def test_only_what_was_changed_is_sent() -> None:
    """Two people who change different fields take nothing from each other: the mask has my fields alone."""
    async with studio(size=(80, 24)) as at:
        await form(at)
        area(at, "prompt").focus()
        await at.type("mara woman")
        await at.press("ctrl+s")
        await at.until(lambda: at.place == "universe")
        assert at.fake.asked("update_entry") == [(MARA, ("prompt",))]


async def test_an_error_names_the_field_and_keeps_the_form() -> None:
    """The label of the field stands out, the cursor is in it, and what was written is still there."""
    async with studio(size=(80, 24)) as at:
        at.fake.refuse["update_entry"] = FieldInvalid(
            "`character.looks[0].look_id` is `Coat`.", field="character.looks[0].look_id", remedy="Use small letters."
        )
        await form(at)
        area(at, "profile").focus()
        await at.type("Tall. ")
        await at.press("f5")
        await at.until(lambda: "looks:" in problem(at))
        assert "Use small letters." in problem(at)
        assert at.app.screen.query_one("#row-looks").has_class("-wrong")
        assert at.app.screen.focused is at.app.screen.query_one("#field-looks")
        assert area(at, "profile").text.endswith("Tall. ")


async def test_values_that_are_none_are_refused_before_anything_is_sent() -> None:
    """A line without an equals sign, and a place that is no number, name their fields."""
    async with studio(size=(80, 24)) as at:
        await form(at, tab=2)
        area(at, "variables").text = "style noir"
        await at.press("f5")
        await at.until(lambda: "values: “style noir”" in problem(at))
        assert not at.fake.asked("update_entry")


async def test_enter_goes_on_in_every_field_and_the_keys_are_in_view() -> None:
    """In a text enter goes to the next field and ctrl+j begins a line; what each field is for stands below the form."""
    async with studio(size=(80, 24)) as at:
        await form(at, key="n")
        assert "The name in commands" not in at.words("#entry-help")
        await at.type("Otto")
        await at.press("enter", "enter")
        assert "age, hair, clothes" in at.words("#entry-help")
        await at.type("old")
        await at.press("ctrl+j")
        await at.type("tall")
        await at.press("enter")
        assert at.app.screen.focused is area(at, "prompt")
        assert area(at, "description").text == "old\ntall"
        footer = at.screen_text().splitlines()[-1]
        assert all(one in footer for one in ("F5 save", "tab next field", "F1 keys", "esc back"))
        await at.press("f1")
        await at.until(lambda: "To the next field of the form" in at.screen_text())


async def test_values_are_a_line_each_and_an_empty_line_goes_on() -> None:
    """Enter after a value begins the next one; enter on an empty line goes to the next field."""
    async with studio(size=(80, 24)) as at:
        await form(at, tab=2, key="n")
        area(at, "variables").focus()
        await at.type("style=ink")
        await at.press("enter")
        await at.type("grain=fine")
        await at.press("enter", "enter")
        assert at.app.screen.focused is at.app.screen.query_one("#field-anchors")
        assert area(at, "variables").text.split() == ["style=ink", "grain=fine"]


@pytest.mark.parametrize(
    ("tab", "label", "field"),
    [(1, "looks like", "description"), (2, "values", "variables"), (3, "for", "purpose"), (4, "words", "text")],
)
async def test_what_is_needed_is_asked_for_by_field_before_anything_is_sent(tab: int, label: str, field: str) -> None:
    """A form without what a run cannot do without is not kept: the field stands out and has the cursor."""
    async with studio(size=(80, 24)) as at:
        await form(at, tab=tab, key="n")
        await at.press("f5")
        await at.until(lambda: problem(at).startswith("! title: "))
        await at.type("Noir")
        await at.press("f5")
        await at.until(lambda: problem(at).startswith(f"! {label}: "), problem(at))
        assert at.app.screen.query_one(f"#row-{field}").has_class("-wrong")
        assert at.app.screen.focused is at.app.screen.query_one(f"#field-{field}")
        assert not at.fake.asked("create_entry")


async def test_a_part_that_was_written_is_not_lost_by_one_escape() -> None:
    """The small form warns first; escape again throws it away, anything written since warns anew."""
    async with studio(size=(80, 24)) as at:
        await form(at)
        at.app.screen.query_one("#field-looks").focus()
        await at.press("a")
        await at.until(lambda: at.place == "PartDialog")
        await at.type("Night")
        await at.press("escape")
        await at.until(lambda: "esc once more" in at.words("#part-problem"))
        await at.press("escape")
        await at.until(lambda: at.place == "entry")


async def test_whoever_was_faster_is_shown_and_nothing_is_lost() -> None:
    """Both changed the look: a choice by field. What only they changed stays theirs, the rest is mine."""
    async with studio(size=(120, 36)) as at:
        await form(at)
        theirs = bible_pb2.Character()
        theirs.CopyFrom(at.fake.entries[MARA])
        theirs.description, theirs.title = "a woman with grey hair", "Mara Lind"
        at.fake.put(theirs)
        area(at, "description").text = "a woman in red"
        area(at, "profile").text = "Counts the waves."
        await at.press("f5")
        await at.until(lambda: isinstance(at.app.screen, ConflictDialog), "the choice")
        text = " ".join(at.screen_text().split())
        assert all(one in text for one in ("a woman in red", "a woman with grey hair", "Mara Lind"))
        await at.press("enter")
        await at.until(lambda: at.place == "universe")
        kept = at.fake.entries[MARA]
        assert (kept.title, kept.description, kept.profile) == ("Mara Lind", "a woman in red", "Counts the waves.")


async def test_the_other_side_can_be_kept_and_escape_loses_nothing() -> None:
    """Escape leads back to the form as it was written; space then keeps theirs."""
    async with studio(size=(120, 36)) as at:
        await form(at)
        theirs = bible_pb2.Character()
        theirs.CopyFrom(at.fake.entries[MARA])
        theirs.description = "a woman with grey hair"
        at.fake.put(theirs)
        area(at, "description").text = "a woman in red"
        await at.press("f5")
        await at.until(lambda: isinstance(at.app.screen, ConflictDialog), "the choice")
        await at.press("escape")
        await at.until(lambda: at.place == "entry")
        assert area(at, "description").text == "a woman in red"
        await at.press("f5")
        await at.until(lambda: isinstance(at.app.screen, ConflictDialog), "the choice again")
        await at.press("space", "enter")
        await at.until(lambda: at.place == "universe")
        assert at.fake.entries[MARA].description == "a woman with grey hair"


async def test_leaving_asks_only_where_something_would_be_lost() -> None:
    """Escape from an untouched form goes back at once; from a changed one it asks, and n stays."""
    async with studio(size=(80, 24)) as at:
        await form(at)
        await at.press("escape")
        await at.until(lambda: at.place == "universe")
        await at.go("e", "entry")
        await at.type("X")
        await at.press("escape")
        await at.until(lambda: at.place == "ConfirmDialog")
        await at.press("n")
        await at.until(lambda: at.place == "entry")
        assert "X" in line(at, "title").value
        await at.press("escape", "y")
        await at.until(lambda: at.place == "universe")
        assert not at.fake.asked("update_entry")


async def test_looks_are_added_changed_moved_and_taken_out() -> None:
    """A adds one, its name follows the title; K moves it up; d takes the other out; F5 keeps the list."""
    async with studio(size=(80, 24)) as at:
        await form(at)
        at.app.screen.query_one("#field-looks").focus()
        await at.press("a")
        await at.until(lambda: at.place == "PartDialog")
        await at.type("Night dress")
        await at.press("enter", "enter")
        await at.type("in a white dress")
        await at.press("enter")
        await at.until(lambda: at.place == "entry")
        await at.press("K", "j", "d", "f5")
        await at.until(lambda: at.place == "universe")
        kept = at.fake.entries[MARA].looks
        assert [(look.look_id, look.description) for look in kept] == [("night_dress", "in a white dress")]


async def test_items_are_picked_in_order_with_captions() -> None:
    """Space takes pictures in the order of their numbers; enter goes back; e writes what one shows."""
    async with studio(size=(80, 24)) as at:
        await form(at, tab=3)
        at.app.screen.query_one("#field-items").focus()
        await at.press("a")
        await at.until(lambda: isinstance(at.app.screen, PickerScreen))
        await at.until(lambda: at.app.screen.query_one("#pictures", RowTable).rows)
        await at.press("space", "space")
        await at.go("enter", "entry")
        await at.press("j", "e")
        await at.until(lambda: at.place == "PartDialog")
        await at.type("front")
        await at.press("enter")
        await at.type("2,5")
        await at.press("enter")
        await at.until(lambda: at.place == "entry")
        await at.press("f5")
        await at.until(lambda: at.place == "universe")
        kept = at.fake.entries[SET].items
        assert [item.caption for item in kept] == ["profile from the left", "front", ""]
        assert [item.HasField("weight") for item in kept] == [False, True, False]
        assert at.fake.asked("update_entry") == [(SET, ("items",))]


async def test_pictures_of_this_machine_become_scenes(tmp_path: Path) -> None:
    """I on the story takes a folder: one scene for each picture, named after it; what fails is told."""
    for name in ("01 Pier.png", "market.jpg"):
        (tmp_path / name).write_bytes(story.png(1))
    async with studio(size=(80, 24)) as at:
        await cast(at, tab=0)
        await at.press("i")
        await at.until(lambda: at.place == "BringDialog")
        at.app.screen.query_one("#bring", Input).value = str(tmp_path)
        await at.press("enter")
        await at.until(lambda: len(at.fake.asked("create_entry")) == 2)
        scenes = {str(name).rsplit("/", 1)[1] for (name,) in at.fake.asked("create_entry")}
        assert scenes == {"scene-01-pier", "market"}
        await at.until(lambda: "market" in at.screen_text())


async def test_what_is_not_there_is_said_before_anything_happens(tmp_path: Path) -> None:
    """A path that does not exist stays in the dialog with a sentence."""
    async with studio(size=(80, 24)) as at:
        await cast(at, tab=0)
        await at.press("i")
        await at.until(lambda: at.place == "BringDialog")
        at.app.screen.query_one("#bring", Input).value = str(tmp_path / "none")
        await at.press("enter")
        await at.until(lambda: "is not there" in at.screen_text())
        assert not at.fake.taken


async def test_undo_works_after_the_screen_was_left() -> None:
    """What went into the trash last comes out again, also when somebody else put it there."""
    async with studio(size=(120, 36)) as at:
        await cast(at)
        gone = bible_pb2.Character()
        gone.CopyFrom(at.fake.entries[MARA])
        gone.delete_time.CopyFrom(story.at(0))
        at.fake.say(at.fake.event(MARA, character=at.fake.put(gone)))
        await at.until(lambda: at.app.snapshot.trashed_last(story.PROJECT) == MARA)
        await at.go("1", "projects")
        await at.go("U", "universe")
        await at.press("u")
        await at.until(lambda: at.fake.asked("restore") == [(MARA,)])


@pytest.mark.parametrize(("tab", "singular"), [(0, "scene"), (2, "style guide"), (3, "reference set"), (4, "template")])
async def test_every_kind_has_its_form(tab: int, singular: str) -> None:
    """E opens the form of a row with all that is kept of it; F5 with nothing changed sends nothing."""
    async with studio(size=(160, 50)) as at:
        screen = await form(at, tab=tab)
        await at.until(lambda: line(at, "title").value != "")
        assert singular in screen._kind.title
        await at.press("f5")
        await at.until(lambda: at.place == "universe")
        assert not at.fake.asked("update_entry")
