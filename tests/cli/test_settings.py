"""`bullpen settings` with a word, and how a setting is changed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from bullpen_api.v1 import system_pb2
from bullpen_cli.system import _how

from tests.cli.conftest import Bullpen
from tests.support.fake_daemon import FakeDaemon

FILE = Path("/home/ana/bullpen/daemon.toml")


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("scheduler.start_policy", "as-it-was", "as-it-was"),
        ("scheduler.keep_alive_seconds", "300", 300),
        ("worker.heartbeat_seconds", "2.5", 2.5),
        ("previews.enabled", "true", True),
        ("copilot.gpu_layers", "-1", -1),
        ("copilot.url", "", ""),
        ("paths.input_roots", "~:/mnt", ["…", "…"]),
    ],
)
def test_the_line_that_is_shown_is_one_for_the_file(name: str, value: str, read: object) -> None:
    """What stands between the quotes, below its heading, is TOML of the same value."""
    told = _how(system_pb2.Setting(name=name, value=value, source="default"), FILE)
    line = told.split("`")[1]
    part, _, key = name.partition(".")
    assert tomllib.loads(f"[{part}]\n{line}\n") == {part: {key: read}}
    assert f"below [{part}] in {FILE}" in told
    assert told.startswith("To change it")


def test_what_goes_before_the_file_is_named() -> None:
    """Writing the file would change nothing where the environment or a flag says otherwise."""
    setting = system_pb2.Setting(name="log.level", value="debug", source="environment BULLPEN_LOG_LEVEL")
    assert _how(setting, FILE).startswith("It comes from the environment BULLPEN_LOG_LEVEL, which goes before")


async def test_a_word_narrows_the_list(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """In both forms; a word that no name has is a wrong line."""
    every = (await bullpen("settings", "--json")).json["settings"]
    (part, _, _) = every[0]["name"].partition(".")
    some = (await bullpen("settings", part, "--json")).json["settings"]
    assert some == [setting for setting in every if part in setting["name"]]
    one = await bullpen("settings", every[0]["name"])
    assert every[0]["name"] in one.out
    assert "To change it" in one.err
    assert (await bullpen("settings", "no-such-word")).status == 2
