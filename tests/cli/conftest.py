"""Runs `bullpen` as a person does: a process of its own against a fake daemon."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bullpen_cli import main

from tests.support.fake_daemon import FakeDaemon


@dataclass(frozen=True)
class Done:
    """What a command line ended with."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """One JSON value a line of stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> Any:
        """The typed error: the last line of stderr."""
        return json.loads(self.err.splitlines()[-1])


PATIENCE = 180.0
"""Seconds after which a command line will not come to its end any more."""

Bullpen = Callable[..., Awaitable[Done]]


def environment(home: Path) -> dict[str, str]:
    """Variables for a process that finds this checkout and the test's home."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)]),
        "BULLPEN_HOME": str(home),
        "PYTHONWARNINGS": "error",
    }


async def launch(home: Path, *args: str) -> asyncio.subprocess.Process:
    """Starts a command line with pipes."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bullpen_cli", *args, stdin=pipe, stdout=pipe, stderr=pipe, env=environment(home)
    )


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[FakeDaemon]:
    async with FakeDaemon(tmp_path / "home") as fake:
        yield fake


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def bullpen(home: Path, monkeypatch: pytest.MonkeyPatch) -> Bullpen:
    """Runs one command line to its end, on a thread of its own with a loop of its own: as good as a process, and
    much quicker.
    """
    monkeypatch.setenv("BULLPEN_HOME", str(home))

    async def run(*args: str, stdin: str = "") -> Done:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            async with asyncio.timeout(PATIENCE):
                status = await asyncio.to_thread(main.run, args)
        return Done(status, out.getvalue(), err.getvalue())

    return run
