"""What a form is not kept without."""

from __future__ import annotations

from bullpen_api.v1 import bible_pb2, run_pb2
from bullpen_tui.bible.kinds import CHARACTERS, KINDS, STYLE_GUIDES
from bullpen_tui.bible.needs import keys_of, missing, needed, style_values

STAGES = (
    run_pb2.Stage(name="stages/style", variables=["style"], may_change=["style"]),
    run_pb2.Stage(name="stages/time", variables=["time"], may_change=["light"]),
)


def test_a_style_guide_gives_what_the_stages_of_style_ask_for() -> None:
    """Values of other stages are said elsewhere; an empty value is none."""
    wanted = style_values(STAGES)
    assert wanted == ["style"]
    for variables in ({}, {"time": "night"}, {"style": " "}):
        found = missing(STYLE_GUIDES, bible_pb2.StyleGuide(title="Noir", variables=variables), wanted)
        assert found is not None
        assert found[0].name == "variables"
        assert "style=ink" in found[1]
    assert missing(STYLE_GUIDES, bible_pb2.StyleGuide(variables={"style": "noir"}), wanted) is None


def test_what_was_not_touched_is_not_asked_for() -> None:
    """Whoever changes the title of an old guide need not mend its values."""
    assert missing(STYLE_GUIDES, bible_pb2.StyleGuide(title="Noir"), ["style"], ["title"]) is None
    assert missing(STYLE_GUIDES, bible_pb2.StyleGuide(title="Noir"), ["style"], ["title", "variables"]) is not None


def test_either_words_will_do_for_a_character() -> None:
    """Words for prompts stand in place of the look."""
    assert missing(CHARACTERS, bible_pb2.Character(prompt="mara woman"), ()) is None
    assert missing(CHARACTERS, bible_pb2.Character(title="Mara"), ()) is not None


def test_every_field_says_what_it_is_for_and_which_keys_it_takes() -> None:
    """Nobody has to guess; each kind marks what it needs."""
    for kind in KINDS:
        for field in kind.fields:
            assert field.help or field.name in ("stage", "reference_set"), (kind.title, field.name)
            assert len(field.help) <= 76, "a line of 80 columns"
            assert keys_of(field)
        assert needed(kind, kind.fields[0])
