"""Settings: every value knows where it came from, and every mistake is named."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from bullpend.errors import SettingInvalid
from bullpend.home import Home, checkout_folder, resolve_home, settings_folder
from bullpend.settings import Settings, known, load
from bullpend.settings_reference import as_markdown, as_toml

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "settings"
    made.mkdir()
    return made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


def source(settings: Settings, name: str) -> tuple[str, str]:
    item = next(item for item in settings.items() if item.name == name)
    return item.value, item.source


def test_every_setting_is_documented() -> None:
    """Each has a sentence that says what it does, and the page of the documents holds exactly these settings."""
    for name, description, _ in known():
        assert len(description) > 20, name
        assert description.endswith("."), name
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == as_markdown(), (
        "run tools/settings_reference.py"
    )
    assert (ROOT / "settings" / "daemon.toml").read_text(encoding="utf-8") == as_toml(), (
        "run tools/settings_reference.py"
    )


def test_the_shipped_file_changes_nothing_and_is_right_line_by_line(home: Path, folder: Path) -> None:
    """As it is, every value is a default; with every line taken in, the values are the same defaults."""
    text = as_toml()
    (folder / "daemon.toml").write_text(text, encoding="utf-8")
    shipped = load(home, environ={}, folder=folder)
    assert {item.source for item in shipped.items()} == {"default"}
    taken = [line.removeprefix("# ") if " = " in line else line for line in text.splitlines()]
    (folder / "daemon.toml").write_text("\n".join(taken), encoding="utf-8")
    assert load(home, environ={}, folder=folder).tree == shipped.tree


def test_the_strongest_place_wins_and_is_named(home: Path, folder: Path) -> None:
    """Default, settings folder, home, environment, flag: each beats the ones before."""
    name = "scheduler.max_attempts"
    assert source(load(home, environ={}, folder=folder), name) == ("3", "default")
    (folder / "daemon.toml").write_text("[scheduler]\nmax_attempts = 4\n")
    assert source(load(home, environ={}, folder=folder), name) == ("4", str(folder / "daemon.toml"))
    (home / "daemon.toml").write_text("[scheduler]\nmax_attempts = 5\n")
    assert source(load(home, environ={}, folder=folder), name) == ("5", str(home / "daemon.toml"))
    environ = {"BULLPEN_SCHEDULER_MAX_ATTEMPTS": "6"}
    by_environment = load(home, environ=environ, folder=folder)
    assert source(by_environment, name) == ("6", "environment BULLPEN_SCHEDULER_MAX_ATTEMPTS")
    by_flag = load(home, {name: "7"}, environ, folder)
    assert source(by_flag, name) == ("7", "flag --scheduler.max_attempts")
    assert by_flag.scheduler.max_attempts == 7


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("[scheduler]\nmax_atempts = 4\n", "scheduler.max_atempts", "scheduler.max_attempts"),
        ("[schedular]\nmax_attempts = 4\n", "schedular.max_attempts", "scheduler.max_attempts"),
        ("max_attempts = 4\n", "max_attempts", "max_attempts"),
        ("[scheduler]\nmax_attempts = 'four'\n", "scheduler.max_attempts", "integer"),
        ("[scheduler]\nmax_attempts = '4'\n", "scheduler.max_attempts", "integer"),
        ("[scheduler]\nmax_attempts = 0\n", "scheduler.max_attempts", "greater than"),
        ("[previews]\nenabled = 1\n", "previews.enabled", "boolean"),
        ("[paths]\ninput_roots = '/a'\n", "paths.input_roots", "list"),
        ("[devices]\nuse = 'tpu'\n", "devices.use", "pattern"),
        ("[log]\nlevel = 'loud'\n", "log.level", "debug"),
    ],
)
def test_a_mistake_in_a_file_names_file_and_key(home: Path, folder: Path, text: str, field: str, words: str) -> None:
    """An unknown key names the nearest one; a wrong type or value says what is wanted."""
    (home / "daemon.toml").write_text(text)
    with pytest.raises(SettingInvalid) as caught:
        load(home, environ={}, folder=folder)
    assert caught.value.field == field
    assert str(home / "daemon.toml") in caught.value.message
    assert words in caught.value.message


def test_a_file_that_is_no_toml_is_named(home: Path, folder: Path) -> None:
    """A syntax error names the file and the line."""
    (home / "daemon.toml").write_text("[scheduler\n")
    with pytest.raises(SettingInvalid, match=r"daemon\.toml is not valid TOML.*line 1"):
        load(home, environ={}, folder=folder)
    (home / "daemon.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingInvalid, match=r"daemon\.toml"):
        load(home, environ={}, folder=folder)


def test_mistakes_in_environment_and_flags_are_named(home: Path, folder: Path) -> None:
    """A misspelled variable of a group is refused with the nearest; variables of other programs are left alone."""
    with pytest.raises(SettingInvalid, match="BULLPEN_SCHEDULER_MAX_ATTEMPTS"):
        load(home, environ={"BULLPEN_SCHEDULER_MAX_ATEMPTS": "4"}, folder=folder)
    with pytest.raises(SettingInvalid, match=r"environment BULLPEN_WORKER_HANG_SECONDS: worker\.hang_seconds"):
        load(home, environ={"BULLPEN_WORKER_HANG_SECONDS": "soon"}, folder=folder)
    with pytest.raises(SettingInvalid, match=r"the nearest is worker\.hang_seconds"):
        load(home, {"worker.hang_second": "3"}, {}, folder)
    assert load(home, environ={"BULLPEN_HOME": "/x", "BULLPEN_TOKEN": "y"}, folder=folder).sources


@pytest.mark.parametrize(("text", "value"), [("true", True), ("0", False), ("no", False)])
def test_texts_become_values(home: Path, folder: Path, text: str, value: bool) -> None:
    """The environment gives texts; switches, numbers and lists are read from them."""
    environ = {
        "BULLPEN_PREVIEWS_ENABLED": text,
        "BULLPEN_PICTURES_MAX_MEGAPIXELS": "0.5",
        "BULLPEN_PATHS_INPUT_ROOTS": os.pathsep.join(["/a", "/b"]),
        "BULLPEN_DEVICES_USE": "cuda:1,cpu",
    }
    settings = load(home, environ=environ, folder=folder)
    assert settings.previews.enabled is value
    assert settings.max_pixels == 500_000
    assert settings.input_roots() == (Path("/a"), Path("/b"))
    assert settings.wanted_devices == ("cuda:1", "cpu")


def test_placeholders_of_folders_are_replaced(home: Path, folder: Path) -> None:
    """What does not apply is left out; a folder is named once."""
    environ = {"HOME": "/home/mara", "HF_HOME": "/data/hf"}
    settings = load(home, environ=environ, folder=folder)
    roots = settings.input_roots()
    assert roots[:3] == (Path("/home/mara"), home, Path(tempfile.gettempdir()))
    assert Path("/data/hf/hub") in settings.model_folders()
    assert home / "models" in settings.model_folders()
    assert checkout_folder() in roots
    assert settings.expand(["{home}/a", "~/b", "{home}/a"]) == (home / "a", Path("/home/mara/b"))
    assert settings.style_roots(["{home}/styles"]) == (home / "styles",)


@pytest.mark.parametrize("text", ["models", "./models", "{hoem}/models", "~mara/models", ""])
def test_a_folder_is_absolute_or_begins_with_a_known_placeholder(home: Path, folder: Path, text: str) -> None:
    """A relative folder would depend on where the daemon was started; a misspelled placeholder is no folder."""
    with pytest.raises(SettingInvalid) as caught:
        load(home, {"paths.model_folders": [text]}, {}, folder)
    assert caught.value.field == "paths.model_folders"
    assert "{home}" in caught.value.remedy


def test_embedded_models_come_first_whatever_the_setting_says(home: Path, folder: Path) -> None:
    """The starter's folder leads the model folders; the setting adds to it."""
    folders = load(home, {"paths.model_folders": ["/elsewhere"]}, {}, folder).model_folders()
    assert folders[0].parts[-2:] == ("bullpen_starter", "models")
    assert folders[1:] == (Path("/elsewhere"),)


def test_the_home_is_the_flag_then_the_environment_then_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--home`, else $BULLPEN_HOME, else `var/` of the checkout, else the platform's folder."""
    environ = {"BULLPEN_HOME": "/somewhere"}
    assert resolve_home("/flag", environ) == Path("/flag")
    assert resolve_home(None, environ) == Path("/somewhere")
    assert resolve_home("relative", environ) == Path.cwd() / "relative"
    assert resolve_home(None, {}) == ROOT / "var"
    monkeypatch.setattr("bullpend.home.checkout_folder", lambda: None)
    assert resolve_home(None, {}).name == "bullpen"
    assert resolve_home(None, {}).is_absolute()


def test_the_settings_folder_is_the_environments_or_the_checkouts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """$BULLPEN_SETTINGS must be a folder; without a checkout the packaged settings are used."""
    assert settings_folder({}) == ROOT / "settings"
    assert settings_folder({"BULLPEN_SETTINGS": str(tmp_path)}) == tmp_path
    with pytest.raises(SettingInvalid, match="BULLPEN_SETTINGS"):
        settings_folder({"BULLPEN_SETTINGS": str(tmp_path / "nothing")})
    monkeypatch.setattr("bullpend.home.checkout_folder", lambda: None)
    assert settings_folder({}).name == "_settings"


def test_the_homes_folders_are_for_this_user_only(tmp_path: Path) -> None:
    """All standard folders exist afterwards, and making them twice is no error."""
    home = Home(tmp_path / "deep" / "home")
    home.create()
    home.create()
    made: list[Any] = [home.run, home.logs, home.tmp, home.projects, home.models]
    assert all(path.is_dir() for path in made)
    assert home.run.stat().st_mode & 0o077 == 0
    assert home.endpoint_file == home.root / "run" / "endpoint.json"
