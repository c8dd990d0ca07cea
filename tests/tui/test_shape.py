"""What holds for every screen: who may ask the daemon, and what bad surroundings look like."""

from __future__ import annotations

import re
from pathlib import Path

import bullpen_tui
import pytest
from bullpen_api.v1 import event_pb2, run_pb2, system_pb2
from bullpen_client.errors import TokenInvalid
from bullpen_client.watch import Reconnecting
from bullpen_tui.app import WRONG, run_tui
from bullpen_tui.live import stranger
from bullpen_tui.terminal import TerminalError, check_terminal

from tests.tui import story
from tests.tui.driving import studio
from tests.tui.fake import FakeDaemon

ROOT = Path(bullpen_tui.__file__).parent


@pytest.mark.parametrize("path", sorted([*ROOT.glob("screens/*.py"), *ROOT.glob("widgets/*.py")]), ids=lambda p: p.stem)
def test_screens_never_call_the_daemon(path: Path) -> None:
    """They read the mirror; `reading` and `errands` are the only ones that ask."""
    assert not re.search(r"\.daemon\b|(?<!message)\.session\b|bullpen_tui\.session", path.read_text("utf-8"))


def test_every_screen_has_its_own_look() -> None:
    """One file of rules beside each screen that has a place."""
    for path in ROOT.glob("screens/*.py"):
        for place in re.findall(r'^    place: ClassVar\[str\] = "(\w+)"', path.read_text("utf-8"), re.M):
            assert path.with_name(f"{place}.tcss").is_file()


def test_a_locale_without_utf8_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence says which setting to change, before the screen is taken over."""
    with pytest.raises(TerminalError, match=r"ISO-8859-1.*LANG=C.UTF-8"):
        check_terminal("ISO-8859-1")
    check_terminal("utf8")

    def refuse() -> None:
        raise TerminalError("The studio draws with UTF-8.")

    monkeypatch.setattr("bullpen_tui.app.check_terminal", refuse)
    assert run_tui(graphics="half") == WRONG
    assert capsys.readouterr().err == "bullpen: The studio draws with UTF-8.\n"


async def test_an_expired_token_is_a_sentence() -> None:
    """The banner says how to come in again."""
    async with studio() as at:
        at.fake.say(Reconnecting(1, 0.1, TokenInvalid("The token is not known.")))
        await at.until(lambda: "open the studio again" in at.screen_text())


async def test_a_newer_daemon_is_named_and_its_states_are_harmless() -> None:
    """States that this studio does not know are drawn as such, and a notice says who is newer."""
    fake = FakeDaemon()

    async def newer() -> system_pb2.Info:
        return system_pb2.Info(version="99.0.0", instance="one", hostname="gpu-box")

    fake.info = newer  # type: ignore[method-assign]
    async with studio(fake) as at:
        await at.until(lambda: "newer than this studio" in at.screen_text())
        await at.go("2", "runs")
        strange = story.run(f"{story.PROJECT}/runs/r-0009-x", "x", run_pb2.Run.STATE_QUEUED, [])
        strange.state = 77  # type: ignore[assignment]
        at.fake.say(event_pb2.Event(revision=98, subject=strange.name, kind="run.paused", run=strange))
        await at.until(lambda: "state 77" in at.screen_text())


def test_versions_of_one_contract_are_not_mentioned() -> None:
    """Only another minor or major version is worth a sentence."""
    assert stranger("0.1.9", "0.1.0") == ""
    assert "older" in stranger("0.1.0", "0.2.0")
    assert stranger("dev", "0.1.0") == ""
