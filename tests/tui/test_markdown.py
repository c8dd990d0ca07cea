"""What language models write, as lines of the terminal: also half of it, and also what is no Markdown at all."""

from __future__ import annotations

import re

import pytest
from bullpen_tui.talk import markdown
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("## The pier", "The pier"),
        ("a **bold** word", "a bold word"),
        ("a **bold wo", "a **bold wo"),
        ("`run style` now", "run style now"),
        ("``a ` b``", "a ` b"),
        ("- one", "• one"),
        ("  * two", "  • two"),
        ("3. three", "3. three"),
        ("> said", "▏ said"),
        ("[docs](https://x.y/z)", "docs (https://x.y/z)"),
        (r"scene\_04 \*new\*", "scene_04 *new*"),
        ("scene_04_b and r_1", "scene_04_b and r_1"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("---", "─" * 24),
        ("[bold red]not markup[/]", "[bold red]not markup[/]"),
    ],
)
def test_a_line(text: str, shown: str) -> None:
    """Signs that mean something go, all others stay; brackets are never markup of the screen."""
    assert [line.plain for line in markdown.lines(text)] == [shown]


def test_code_is_left_as_it_is() -> None:
    """Between fences nothing is read, also where the fence is not closed yet."""
    rows = [line.plain for line in markdown.lines("so:\n```sh\n**a** # b\n```\n**c**")]
    assert rows == ["so:", "▏ sh", "▏ **a** # b", "c"]
    assert [line.plain for line in markdown.lines("```\n- a")] == ["▏ - a"]


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab *_`<>#-+.!\\\n1", max_size=80))
def test_no_letter_is_lost(text: str) -> None:
    """Nothing raises, and whatever is not a sign of Markdown stays, in its order."""
    shown = "".join(line.plain for line in markdown.lines(text))
    assert re.sub("[^ab]", "", shown) == re.sub("[^ab]", "", text)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_has_its_lines(text: str) -> None:
    """No text breaks the reader."""
    assert len(markdown.lines(text)) <= len(text.splitlines())
