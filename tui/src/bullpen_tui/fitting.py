"""How large a terminal has to be, and what the look makes of one that is small.

A screen is a list beside the words about what is under the cursor. Where there is no width for both they stand below
each other, which takes height; where there is little height whatever only tells what stands elsewhere too is left out.
"""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

SLIM, SHORT = 60, 20
"""Cells below which panes stand below each other, and lines below which they do without what can be missed."""
NARROWEST, LOWEST = 40, 14
"""Cells that a slim terminal needs at least, and lines that a wide one needs; a slim one needs `SHORT`."""


def small(width: int, height: int) -> bool:
    """Whether there is too little room for any screen."""
    return width < NARROWEST or height < (SHORT if width < SLIM else LOWEST)


def classes(width: int, height: int) -> dict[str, bool]:
    """Classes of the application by which the rules of the look know the room, with whether each holds."""
    none = small(width, height)
    return {"-small": none, "-slim": width < SLIM and not none, "-short": height < SHORT and not none}


def too_small(width: int, height: int) -> str:
    """What a person is told in place of a screen."""
    return (
        f"{width}×{height} is too small. The studio needs {SLIM}×{LOWEST} or {NARROWEST}×{SHORT}: enlarge the terminal "
        "or its window, or use a smaller font. q leaves."
    )


class Fitting(App[int]):
    """The part of the application that follows the size of its terminal."""

    _left: tuple[tuple[Screen[Any], Widget], ...] = ()

    def on_resize(self, event: Resize) -> None:
        """Lets the look know what room there is."""
        self.fit(event.size)

    def fit(self, size: Size) -> None:
        """Sets the classes for a size. Who was writing goes on in the same field when there is room again."""
        none = small(*size)
        if none and not self.has_class("-small"):
            self._left = tuple((one, one.focused) for one in self.screen_stack if one.focused is not None)
        self.update_classes(classes(*size), animate=False)
        if not none and self._left:
            self.call_after_refresh(self._go_on)

    def _go_on(self) -> None:
        for screen, widget in self._left:
            if screen.focused is None and widget.is_attached:
                screen.set_focus(widget)
        self._left = ()
