"""Setting files in JSON: what is wrong is said in plain words, with the path of the field and the nearest name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from bullpend import settings_files
from bullpend.errors import SettingInvalid
from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Limits(_Part):
    chroma_soft: float | None = None


class _Stage(_Part):
    title: str
    steps: Annotated[int, Field(ge=1, le=200)] = 8
    mode: Literal["off", "expect"] = "off"
    strategies: list[str] = Field(default=[], alias="strategy")
    limits: _Limits | None = None


class _File(_Part):
    stages: dict[Annotated[str, Field(pattern="^[a-z]+$")], _Stage]


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ({}, "stages.ink.title: is missing."),
        ({"title": 7}, "stages.ink.title: must be a text."),
        ({"title": "", "steps": 0}, "stages.ink.steps: must be at least 1."),
        ({"title": "", "steps": "x"}, "stages.ink.steps: must be a whole number."),
        ({"title": "", "mode": "on"}, "stages.ink.mode: must be one of 'off' or 'expect'."),
        ({"title": "", "stepz": 3}, "stages.ink.stepz: is no field here; the nearest is steps."),
        ({"title": "", "stratgy": []}, "stages.ink.stratgy: is no field here; the nearest is strategy."),
        (
            {"title": "", "limits": {"chroma_sof": 1}},
            "chroma_sof: is no field here; the nearest is chroma_soft.",
        ),
        ({"title": "", "xyzzy": 3}, "stages.ink.xyzzy: is no field here."),
    ],
)
def test_a_fault_is_said_in_words(stage: dict[str, object], words: str) -> None:
    """Not in those of the library that found it."""
    with pytest.raises(SettingInvalid) as refused:
        settings_files.check({"stages": {"ink": stage}}, _File, "own.json")
    assert refused.value.message.endswith(words)
    assert refused.value.message.startswith(f"own.json: {refused.value.field}: ")


def test_a_wrong_name_is_named_by_its_place() -> None:
    """The name stands in the path; what the library adds to it does not."""
    with pytest.raises(SettingInvalid) as refused:
        settings_files.check({"stages": {"Ink X": {"title": ""}}}, _File, "own.json")
    assert refused.value.field == "stages.Ink X"
    assert "must look like ^[a-z]+$" in refused.value.message


def test_what_is_no_file_of_json_is_named(tmp_path: Path) -> None:
    """A missing file, and one that is no JSON."""
    with pytest.raises(SettingInvalid, match="cannot be read"):
        settings_files.read(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(SettingInvalid, match="is not valid JSON"):
        settings_files.read(tmp_path / "bad.json")
