"""The keys that a person chose."""

from __future__ import annotations

from pathlib import Path

import pytest
from bullpen_tui.app import WRONG, StudioApp, run_tui
from bullpen_tui.keymap import KeymapError, read_keymap, remapped

from tests.tui import story
from tests.tui.driving import Driver
from tests.tui.fake import FakeDaemon


def keymap(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "keymap.toml"
    path.write_text(text)
    return path


async def test_a_chosen_key_works_and_is_shown(tmp_path: Path) -> None:
    """The footer says the new key, it does what the old one did, and the old one does nothing."""
    chosen = read_keymap(keymap(tmp_path, '[keys]\ncompose = ["N", "ctrl+n"]\n'))
    fake = FakeDaemon()
    app = StudioApp(fake.dial, now=lambda: story.NOW, registry=remapped(chosen))
    async with app.run_test(size=(120, 36)) as pilot:
        at = Driver(pilot, app, fake)
        await at.until(lambda: app.listed and app.metrics)
        await at.until(lambda: "N new run" in at.screen_text().splitlines()[-1])
        await at.press("r")
        assert at.place == "projects"
        await at.go("N", "compose")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[keys]\nacept = "a"\n', "there is no action “acept”. Did you mean accept?"),
        ('[keys]\naccept = "entr"\n', "there is no key “entr”. Did you mean enter?"),
        ("[keys]\naccept = 7\n", 'takes a key such as "a"'),
        ('[key]\naccept = "a"\n', "no table “key”, only [keys]"),
        ("[keys\n", "cannot be read"),
    ],
)
def test_a_slip_is_named(tmp_path: Path, text: str, words: str) -> None:
    """File, action and the nearest name are in the sentence."""
    with pytest.raises(KeymapError, match=r"keymap\.toml") as raised:
        read_keymap(keymap(tmp_path, text))
    assert words in str(raised.value)


def test_a_clash_names_both_actions_and_the_screen() -> None:
    """A key that would do two things is refused before the studio opens."""
    with pytest.raises(KeymapError, match=r"gives “o” to override and to zoom|gives “o” to zoom and to override"):
        remapped({"zoom": ("o",)})


def test_the_studio_does_not_open_on_a_bad_keymap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, and the status of a wrong command line."""
    keymap(tmp_path, '[keys]\nzoom = "o"\n')
    assert run_tui(tmp_path, graphics="half") == WRONG
    assert capsys.readouterr().err.startswith("bullpen: The keymap gives “o”")
