"""The themes, ink and paper, with one accent; and ink for terminals of few colours.

The accent is non-photo blue, the pencil in which comic pages are laid out because the camera does not see it. Green,
amber and red say only what state a thing is in, and never without a mark of its own shape beside them.
"""

from __future__ import annotations

from textual.theme import Theme

INK = Theme(
    name="bullpen-ink",
    dark=True,
    primary="#8fcfe8",
    secondary="#6f9fb5",
    accent="#8fcfe8",
    foreground="#d5d9e0",
    background="#12151a",
    surface="#171b21",
    panel="#1e232b",
    success="#8cc98f",
    warning="#e3b566",
    error="#e5757b",
    variables={
        "rule": "#2d343f",
        "rule-strong": "#46515f",
        "quiet": "#8a93a1",
        "faint": "#657082",
        "row": "#22303a",
        "row-idle": "#1d232b",
        "bar": "#0d1014",
        "block-cursor-background": "#8fcfe8",
        "block-cursor-foreground": "#12151a",
        "block-cursor-text-style": "none",
        "input-cursor-background": "#8fcfe8",
        "input-cursor-foreground": "#12151a",
        "input-selection-background": "#8fcfe8 25%",
        "scrollbar": "#2d343f",
        "scrollbar-hover": "#46515f",
        "scrollbar-active": "#8fcfe8",
        "scrollbar-background": "#12151a",
        "scrollbar-background-hover": "#12151a",
        "scrollbar-background-active": "#12151a",
        "scrollbar-corner-color": "#12151a",
    },
)

PAPER = Theme(
    name="bullpen-paper",
    dark=False,
    primary="#156f96",
    secondary="#4d7f95",
    accent="#156f96",
    foreground="#23262b",
    background="#faf8f3",
    surface="#f4f1ea",
    panel="#ece8df",
    success="#2e7d3a",
    warning="#945f00",
    error="#b3303a",
    variables={
        "rule": "#d6d0c4",
        "rule-strong": "#aaa294",
        "quiet": "#666a70",
        "faint": "#9a978e",
        "row": "#d9e8ee",
        "row-idle": "#ebe7de",
        "bar": "#eeeae1",
        "block-cursor-background": "#156f96",
        "block-cursor-foreground": "#faf8f3",
        "block-cursor-text-style": "none",
        "input-cursor-background": "#156f96",
        "input-cursor-foreground": "#faf8f3",
        "input-selection-background": "#156f96 25%",
        "scrollbar": "#d6d0c4",
        "scrollbar-hover": "#aaa294",
        "scrollbar-active": "#156f96",
        "scrollbar-background": "#faf8f3",
        "scrollbar-background-hover": "#faf8f3",
        "scrollbar-background-active": "#faf8f3",
        "scrollbar-corner-color": "#faf8f3",
    },
)

SIXTEEN = Theme(
    name="bullpen-sixteen",
    dark=True,
    primary="#55ffff",
    secondary="#00aaaa",
    accent="#55ffff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    success="#55ff55",
    warning="#ffff55",
    error="#ff5555",
    variables={
        "rule": "#555555",
        "rule-strong": "#aaaaaa",
        "quiet": "#aaaaaa",
        "faint": "#aaaaaa",
        "row": "#0000aa",
        "row-idle": "#0000aa",
        "bar": "#000000",
        "block-cursor-background": "#55ffff",
        "block-cursor-foreground": "#000000",
        "block-cursor-text-style": "none",
        "input-cursor-background": "#55ffff",
        "input-cursor-foreground": "#000000",
        "input-selection-background": "#00aaaa",
        "scrollbar": "#aaaaaa",
        "scrollbar-hover": "#aaaaaa",
        "scrollbar-active": "#55ffff",
        "scrollbar-background": "#000000",
        "scrollbar-background-hover": "#000000",
        "scrollbar-background-active": "#000000",
        "scrollbar-corner-color": "#000000",
    },
)
"""Ink for a terminal of 16 colours. Each is one of them, so that none becomes another, or that of the row below it."""

THEMES = (INK, PAPER, SIXTEEN)


def dark_theme(color_system: str | None) -> Theme:
    """The theme to begin with on a terminal whose colours Rich calls `standard`, `256`, `truecolor` or nothing."""
    return SIXTEEN if color_system == "standard" else INK
