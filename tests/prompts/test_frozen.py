"""Dynamic prompts inside runs, the pure part: wildcards written out, values as they are, one seed one text."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from bullpend.errors import BullpenError, LimitExceeded, ResourceNotFound
from bullpend.prompts import dynamic, frozen
from bullpend.runs import choices
from bullpend.runs.cast import Part, Use
from bullpend.runs.templating import fill, has_choices, template_variables
from hypothesis import given, settings
from hypothesis import strategies as st

LISTS: dict[str, Sequence[str]] = {
    "weather": ("rain", "snow", "fog"),
    "one": ("only this",),
    "odd": ("a|b", "2$$c", "3::often", "{x|y} boats", "{style} boats", "__weather__ again", r"\{kept\}"),
    "loop": ("__loop__", "x"),
    "long": tuple(f"a line of some length {number}" for number in range(2000)),
}


def lines(name: str) -> Sequence[str]:
    if name not in LISTS:
        raise ResourceNotFound(f"There is no wildcard {name}.")
    return LISTS[name]


@pytest.mark.parametrize(
    ("text", "names", "choices_"),
    [
        ("Paint it {style}", ("style",), False),
        ("{{a|b}} {style}", ("style",), False),
        ("{a|b} {style} {place}", ("style", "place"), True),
        ("{ink {style}|{2$$x|y|{style}}}", ("style",), True),
        ("__weather__ over {place}", ("place",), True),
        (r"{a|b} \{style\}", (), True),
        ("snake__case__names", (), True),
        ("under __ scores", (), False),
        ("{__weather__} is a name", ("__weather__",), False),
    ],
)
def test_variables_beside_choices(text: str, names: tuple[str, ...], choices_: bool) -> None:
    """Names in braces stay variables, with and without choices; a text without any keeps its old rules."""
    assert (template_variables(text), has_choices(text)) == (names, choices_)


@pytest.mark.parametrize("text", ["{a|b", "a}b", "{a b}", "{style.__class__}", "{3$$a|b}", "{x$$a|b}"])
def test_malformed_choices_are_malformed_templates(text: str) -> None:
    """What is neither a variable nor a choice is refused where it is written, not when it is run."""
    with pytest.raises(ValueError, match=r"brace|plain|expected|encountered"):
        template_variables(text)


@given(st.text(alphabet="ab{}|_$\\: ", max_size=40), st.integers(0, 2**32 - 1))
@settings(max_examples=300, deadline=None)
def test_values_mean_nothing(value: str, seed: int) -> None:
    """Whatever a scene or a character says, it is in the words letter by letter, and moves no draw."""
    text = "{a|b} {value} {c|d}"
    made = frozen.expand(fill(text, {"value": value}), seed).text
    plain = dynamic.expand("{a|b} . {c|d}", seed, lines).text
    assert made == plain.replace(".", value, 1)


@given(
    st.sampled_from(["__weather__ {a|b}", "__one__ __odd__ {c|d}", "{2$$__odd__|__weather__|x}"]), st.integers(0, 9999)
)
@settings(max_examples=200, deadline=None)
def test_written_out_it_says_what_it_said(text: str, seed: int) -> None:
    """The frozen words give what the text and its wildcards give with the same seed, in every corner."""
    assert frozen.expand(frozen.freeze(text, lines), seed).text == dynamic.expand(text, seed, lines).text


@pytest.mark.parametrize(
    ("text", "error"),
    [("__nothing__", ResourceNotFound), ("__loop__", LimitExceeded), ("__long__", LimitExceeded)],
)
def test_wildcards_that_cannot_be_written_out(text: str, error: type[BullpenError]) -> None:
    """One that is not there, that holds itself, or that is too long for a job's words is refused at the plan."""
    with pytest.raises(error):
        frozen.freeze(text, lines)


def test_only_marked_words_are_expanded() -> None:
    """Words of a job without the mark stay as they are, whatever they look like."""
    assert choices.expand((), "{a|b}", "__x__", 7) is None
    marked = (Use(Part.CHOICES, "prompt", "{a|b}", "stages/style"),)
    made = choices.expand(marked, "{a|b}", "{c|d}", 7)
    assert made is not None
    assert made.prompt in ("a", "b")
    assert made.negative_prompt == "{c|d}"
    assert made.to_dict() == [{"from": "{a|b}", "to": made.prompt}]
