"""States without colour, and colours on terminals that have few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from bullpen_tui import words
from bullpen_tui.machine import advice
from bullpen_tui.theme import INK, SIXTEEN, dark_theme
from rich.color import Color, ColorSystem
from textual.theme import Theme

TABLES: dict[str, Mapping[Any, words.Mark]] = {
    "runs": words.RUN_MARKS,
    "jobs": words.JOB_MARKS,
    "devices": words.DEVICE_MARKS,
    "models": words.MODEL_MARKS,
    "uses": advice.USES,
    "fits": advice.FITS,
}


@pytest.mark.parametrize("name", TABLES)
def test_every_state_of_a_table_has_a_sign_and_a_word_of_its_own(name: str) -> None:
    """Nobody needs colour to tell two states apart, on a terminal without any or with eyes that see fewer."""
    marks = TABLES[name].values()
    assert len({sign for sign, _, _ in marks}) == len({word for _, _, word in marks}) == len(marks)


def numbers(theme: Theme) -> dict[str, int | None]:
    """The colours of a theme as a terminal of 16 shows them."""
    names = ("primary", "foreground", "background", "success", "warning", "error")
    found = {name: str(getattr(theme, name)) for name in names}
    found |= {name: theme.variables[name] for name in ("row", "faint", "quiet", "rule")}
    return {name: Color.parse(value).downgrade(ColorSystem.STANDARD).number for name, value in found.items()}


def test_sixteen_colours_keep_states_apart_and_words_off_their_row() -> None:
    """On such a terminal no state has the colour of another, and nothing that is written has that of the row below."""
    seen = numbers(SIXTEEN)
    told = [seen[name] for name in ("primary", "foreground", "success", "warning", "error")]
    assert len(set(told)) == len(told)
    for ground in ("background", "row"):
        assert seen[ground] not in [*told, seen["faint"], seen["quiet"]]
    usual = numbers(INK)
    assert usual["faint"] == usual["row"] or usual["success"] == usual["primary"], "why there is a theme for it"


def test_the_terminal_decides_which_dark_theme_it_gets() -> None:
    """Sixteen colours have their own; more of them, or none, have ink."""
    assert dark_theme("standard") is SIXTEEN
    assert {dark_theme(one).name for one in ("256", "truecolor", None)} == {INK.name}
