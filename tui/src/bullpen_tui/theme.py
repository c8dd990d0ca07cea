"""Two themes, ink and paper, with one accent.

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

THEMES = (INK, PAPER)
