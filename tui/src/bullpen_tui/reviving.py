"""Starting a daemon from the studio, where the one that served its home is gone."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App

from bullpen_tui.port import Daemon, Dial

GROUP = "start daemon"
REVIVES = "start_daemon"
"""The action by which a person does it; its key is the one that the person chose."""


class Reviving(App[int]):
    """The part of the application that starts a daemon again. The watch finds it by itself as soon as it serves."""

    lost: str
    _dial: Dial
    ask: Callable[..., None]

    def action_start_daemon(self) -> None:
        """Starts one where none runs; where one answers nothing is done, and said."""
        if not self.lost:
            self.notify("The daemon answers; there is none to start.")
        elif any(one.group == GROUP and one.is_running for one in self.workers):
            self.notify("A daemon is being started already.")
        else:
            self.notify("A daemon is being started.")
            self.ask(self._start, lambda _: None, group=GROUP)

    async def _start(self) -> Daemon:
        """Reaches for a daemon as at the beginning, which starts one, and leaves it to whoever watches."""
        daemon = await self._dial()
        await daemon.close()
        return daemon
