"""Leaving the studio: at once, since the daemon goes on; with a question where something lives in it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from bullpen_tui.errands import LAB
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.careful import Careful

if TYPE_CHECKING:
    from bullpen_tui.port import Daemon


class Leaving(App[int]):
    """The part of the application that ends it."""

    _daemon: Daemon | None

    @property
    def _would_lose(self) -> str:
        """What only lives in this studio: a form that is not kept, a picture of the lab. Runs go on without it."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, (StudioScreen, Careful)) and (words := screen.would_lose):
                return words
        busy = any(one.group == LAB and one.is_running for one in self.workers)
        return "The lab is making a picture, which ends with the studio." if busy else ""

    async def action_quit(self) -> None:
        """Leaves; the daemon goes on. Asks only where something would be lost."""
        from bullpen_tui.screens.dialogs import ConfirmDialog

        if isinstance(self.screen, ConfirmDialog):
            return
        if words := self._would_lose:
            self.push_screen(ConfirmDialog(f"{words} Leave all the same?", "leave", "stay"), self._leave)
        else:
            await self._quit()

    def _leave(self, yes: bool | None) -> None:
        if yes:
            self.run_worker(self._quit(), group="quit")

    async def _quit(self) -> None:
        if self._daemon is not None:
            await self._daemon.close()
        self.exit(0)
