"""A real terminal multiplexer: keys go in by `send-keys`, the screen comes out by `capture-pane`."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.settling import at_work

PATIENCE = 120.0
BETWEEN = 0.05
REST_SECONDS, REST_LOOKS = 6.0, 4


def installed() -> bool:
    """Whether there is a tmux on this machine."""
    return shutil.which("tmux") is not None


class Tmux:
    """A server of its own with one window that runs a command. Use it as `with`."""

    def __init__(self, command: Sequence[str], size: tuple[int, int], environment: Mapping[str, str]) -> None:
        self._command = list(command)
        self._size = size
        self._environment = {**environment, "TERM": "xterm-256color"}
        self._folder = Path(tempfile.mkdtemp(prefix="tmux-"))

    def __enter__(self) -> Self:
        wide, high = self._size
        self._tmux("-f", os.devnull, "new-session", "-d", "-x", str(wide), "-y", str(high), *self._command)
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tmux("kill-server", check=False)
        shutil.rmtree(self._folder)

    def _tmux(self, *words: str, check: bool = True) -> str:
        command = ["tmux", "-S", str(self._folder / "s"), *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    async def press(self, *keys: str) -> None:
        """Keys by tmux's names, such as `Enter`, `Escape`, `F5` or `x`; each when the screen stands still."""
        for key in keys:
            await self._rest()
            self._tmux("send-keys", key)

    async def type(self, text: str) -> None:
        """A text, letter by letter as it stands."""
        await self._rest()
        self._tmux("send-keys", "-l", text)

    async def _rest(self) -> None:
        """Waits while it is being painted, as a person does before the next key; a program that has no time on a busy
        machine paints nothing, and is not done.
        """
        before, same = "", 0
        program = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        end = time.monotonic() + REST_SECONDS
        while same < REST_LOOKS and time.monotonic() < end:
            await asyncio.sleep(BETWEEN)
            screen = self._tmux("capture-pane", "-p", "-e")
            same = same + 1 if screen == before and not at_work(program) else 0
            before = screen

    @property
    def screen(self) -> str:
        """What stands on the terminal now."""
        return self._tmux("capture-pane", "-p")

    @property
    def ended(self) -> bool:
        """Whether the command has ended."""
        return self._tmux("display-message", "-p", "#{pane_dead}").strip() == "1"

    async def until(self, *words: str, without: str = "") -> str:
        """The screen as soon as it has all these words and not `without`. Raises with the screen when it never has."""
        end = time.monotonic() + PATIENCE
        while True:
            screen = self.screen
            if all(word in screen for word in words) and not (without and without in screen):
                return screen
            assert time.monotonic() < end, f"never on the screen: {words}\n{screen}"
            await asyncio.sleep(BETWEEN)
