"""`bullpen advise`, `bullpen run --device` and `bullpen devices --on` against a real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_client import Session

from tests.cli.conftest import Bullpen
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with two devices whose queue waits for somebody to resume it."""
    settings = {"scheduler.start_policy": "paused", "devices.use": "scripted,scripted:2"}
    with Daemon(tmp_path_factory.mktemp("d") / "home", settings) as running:
        yield running


@pytest.fixture
def home(served: Daemon) -> Path:
    return served.home


async def test_where_work_is_done_is_compared_and_decided(served: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """A device is switched, a plan and a waiting run are compared, a run goes elsewhere with consent and comes back."""
    switched = await bullpen("devices", "--on-request", "scripted-2")
    assert ("on request" in switched.out, "everything" in switched.out) == (True, True)
    async with Session(served.home) as session:
        project = (await Studio(session, tmp_path).universe(1)).split("/")[1]
    wanted = f"--project {project} --stage style --all-scenes --model scripted --instruction scripted:".split()
    compared = await bullpen("advise", *wanted)
    assert (compared.status, compared.err) == (0, "")
    assert "→ scripted" in " ".join(compared.out.split())
    assert "asks for consent" in compared.out
    told = (await bullpen("advise", *wanted, "--json")).json
    assert [option["device"] for option in told["options"][:2]] == ["devices/scripted", "devices/scripted-2"]
    refused = await bullpen("run", *wanted, "--yes", "--detach", "--json", "--device", "scripted-2")
    assert (refused.status, refused.error["reason"]) == (1, "OFFLOAD_NOT_CONFIRMED")
    made = (await bullpen("run", *wanted, "--yes", "--detach", "--json")).json["name"]
    assert (await bullpen("advise", made, "--place", "scripted-2", "--json")).error["reason"] == "OFFLOAD_NOT_CONFIRMED"
    placed = await bullpen("advise", "last", "--place", "scripted-2", "--confirm-offload")
    assert "goes on at scripted-2 only" in placed.out
    assert "It is placed on devices/scripted-2" in (await bullpen("advise", made)).out
    assert "any device" in (await bullpen("advise", made, "--place", "any")).out


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        (("devices", "--on", "tpu-7"), 1, "There is no device 'tpu-7'"),
        (("devices", "--on", "scripted", "--off", "scripted-2"), 2, "give one of"),
        (("devices", "--now"), 2, "give one of"),
        (("advise",), 2, "name a run"),
        (("advise", "--project", "p", "--stage", "style", "--place", "cpu"), 2, "needs the name of a run"),
        (("advise", "r-9999-style"), 1, "No project has a run"),
    ],
)
async def test_what_is_wrong_is_said(bullpen: Bullpen, line: tuple[str, ...], status: int, words: str) -> None:
    """One line, and the status of a wrong command line or of a refusal."""
    said = await bullpen(*line)
    assert (said.status, words in said.err) == (status, True)
