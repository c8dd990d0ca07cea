"""`bullpen vault`: values come from standard input, are never shown, and a deletion asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Bullpen
from tests.cli.conftest import bullpen as bullpen
from tests.support.daemon import Daemon
from tests.vault.conftest import VALUE

pytestmark = pytest.mark.e2e


@pytest.fixture
def home(daemon: Daemon) -> Path:
    """Where the command line finds the module's daemon."""
    return daemon.home


async def test_a_secret_is_kept_listed_replaced_and_deleted(home: Path, bullpen: Bullpen) -> None:
    """The whole life of a secret on the command line; no line of it shows the value."""
    lines = [
        await bullpen("vault", "list"),
        await bullpen("vault", "set", "openai-main", stdin=f"{VALUE}\n"),
        await bullpen("vault", "rotate", "openai-main", stdin=f"{VALUE}-two"),
        await bullpen("vault", "list", "--json"),
        await bullpen("vault", "status"),
        await bullpen("vault", "rotate-key"),
        await bullpen("vault", "delete", "openai-main", "--yes"),
    ]
    assert [done.status for done in lines] == [0] * len(lines), lines
    assert not any(VALUE in done.out + done.err for done in lines)
    assert lines[0].out.startswith("There is no secret here.")
    assert "version 2" in lines[2].out
    assert json.loads(lines[3].out)["secrets"][0]["version"] == 2
    assert str(home / "vault.key") in lines[4].out
    assert "gone" in lines[6].out


async def test_what_cannot_be_kept_is_refused_in_one_line(home: Path, bullpen: Bullpen) -> None:
    """Nothing, too much, a secret that is not there, a deletion without a yes: one line, and the right status."""
    empty = await bullpen("vault", "set", "openai-main", stdin="")
    long = await bullpen("vault", "set", "openai-main", "--json", stdin=VALUE * 50_000)
    missing = await bullpen("vault", "rotate", "openai-main", "--json", stdin=VALUE)
    as_argument = await bullpen("vault", "set", "openai-main", VALUE)
    swapped = await bullpen("vault", "set", "sk-abc123", "--json", stdin=VALUE)
    await bullpen("vault", "set", "openai-main", stdin=VALUE)
    unasked = await bullpen("vault", "delete", "openai-main")
    assert [done.status for done in (empty, long, missing, as_argument, swapped, unasked)] == [1, 1, 1, 2, 1, 2]
    assert long.error["reason"] == "LIMIT_EXCEEDED"
    assert missing.error["reason"] == "RESOURCE_NOT_FOUND"
    assert "sk-abc123" not in swapped.err
    assert VALUE not in empty.err + long.err + missing.err + swapped.err + unasked.err
    assert len(unasked.err.splitlines()) == 1
