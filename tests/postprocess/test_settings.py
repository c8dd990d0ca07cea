"""The settings of post-process: the files of the checkout, a person's own, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bullpend.errors import SettingInvalid
from bullpend.home import settings_folder
from bullpend.postprocess.settings import CHAIN_FILE, COLOUR_FILE, Profile, chain, profiles


def write(folder: Path, name: str, value: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value))
    return folder


def colours(**known: Any) -> dict[str, Any]:
    return {"schema_version": 1, "profiles": known}


def test_the_three_profiles_are_there_and_neutral_changes_nothing() -> None:
    """The settings that come along hold neutral, cinematic_warm and cold_rain, and a chain that leads to them."""
    folders = [settings_folder({})]
    known = profiles(folders)
    assert list(known) == ["cinematic_warm", "cold_rain", "neutral"]
    shown = {"title", "description"}
    assert known["neutral"].profile.model_dump(exclude=shown) == Profile().model_dump(exclude=shown)
    assert known["cinematic_warm"].profile.white_kelvin < 6504 < known["cold_rain"].profile.white_kelvin
    assert chain(folders).color.profile in known


def test_own_profiles_add_and_replace(tmp_path: Path) -> None:
    """A file in the home adds profiles and replaces those of the same name; lookup tables lie beside their file."""
    base = write(tmp_path / "a", COLOUR_FILE, colours(neutral={}, dusk={"exposure": -1}))
    home = write(tmp_path / "b", COLOUR_FILE, colours(dusk={"exposure": -2}, mine={"lut": "looks/x.cube"}))
    known = profiles([base, home])
    assert list(known) == ["dusk", "mine", "neutral"]
    assert known["dusk"].profile.exposure == -2
    assert known["mine"].lut_path == home / "looks" / "x.cube"
    assert known["neutral"].source == base / COLOUR_FILE
    assert profiles([tmp_path / "none"]) == {}


def test_the_last_chain_counts_and_none_gives_the_defaults(tmp_path: Path) -> None:
    """A chain in the home replaces the other as a whole; a change counts at once."""
    base = write(tmp_path / "a", CHAIN_FILE, {"schema_version": 1, "upscale": {"scale": 4}})
    assert chain([base, tmp_path]).upscale.scale == 4
    home = write(tmp_path / "b", CHAIN_FILE, {"schema_version": 1, "cutout": {"enabled": False}})
    assert (chain([base, home]).upscale.scale, chain([base, home]).cutout.enabled) == (2, False)
    write(home, CHAIN_FILE, {"schema_version": 1})
    assert chain([base, home]).cutout.enabled


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        (COLOUR_FILE, "{", ""),
        (COLOUR_FILE, colours(dusk={"exposure": 7}), "profiles.dusk.exposure"),
        (COLOUR_FILE, colours(dusk={"exposure": "1"}), "profiles.dusk.exposure"),
        (COLOUR_FILE, colours(dusk={"exposure": float("nan")}), "profiles.dusk.exposure"),
        (COLOUR_FILE, colours(dusk={"white_kelvin": 3999}), "profiles.dusk.white_kelvin"),
        (COLOUR_FILE, colours(dusk={"gamma": [1, 0, 1]}), "profiles.dusk.gamma.1"),
        (COLOUR_FILE, colours(dusk={"gain": [1, 1]}), "profiles.dusk.gain"),
        (COLOUR_FILE, colours(dusk={"hue": 1}), "profiles.dusk.hue"),
        (COLOUR_FILE, colours(dusk={"lut": "../x.cube"}), "profiles.dusk.lut"),
        (COLOUR_FILE, colours(dusk={"lut": "/x.cube"}), "profiles.dusk.lut"),
        (COLOUR_FILE, colours(dusk={"lut": "x.txt"}), "profiles.dusk.lut"),
        (COLOUR_FILE, colours(**{"Dusk Light": {}}), "profiles.Dusk Light"),
        (COLOUR_FILE, {"profiles": {}}, "schema_version"),
        (CHAIN_FILE, {"schema_version": 2}, "schema_version"),
        (CHAIN_FILE, {"schema_version": 1, "upscale": {"scale": 9}}, "upscale.scale"),
        (CHAIN_FILE, {"schema_version": 1, "polish": {}}, "polish"),
        (CHAIN_FILE, {"schema_version": 1, "cutout": {"coverage_min": 1.5}}, "cutout.coverage_min"),
        (CHAIN_FILE, {"schema_version": 1, "cutout": {"coverage_min": 0.9, "coverage_max": 0.1}}, "cutout"),
        (CHAIN_FILE, {"schema_version": 1, "refine": {"softness": -0.1}}, "refine.softness"),
    ],
)
def test_a_mistake_is_named_by_its_path(tmp_path: Path, name: str, value: Any, field: str) -> None:
    """What is wrong is refused with the file, the field and what to do; nothing is guessed."""
    folder = write(tmp_path / "a", name, value)
    with pytest.raises(SettingInvalid) as caught:
        (profiles if name == COLOUR_FILE else chain)([folder])
    assert str(folder / name) in caught.value.message
    assert field in caught.value.field
    assert caught.value.remedy
