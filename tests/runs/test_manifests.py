"""A project's own part of the manifest: laid over the installation's, checked as a whole, read anew when changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bullpend.errors import EtagMismatch, SettingInvalid
from bullpend.home import settings_folder
from bullpend.runs.manifests import Manifests, laid_over

GRAIN: dict[str, Any] = {
    "title": "Grain",
    "description": "Puts paper under the ink.",
    "instruction": "Print it on {paper}.",
    "predecessor": "style",
    "default_model": "models/starter-edit",
    "strategy": ["instruction_edit", "img2img"],
    "default_candidates": 1,
    "variables": {"paper": "The paper, such as newsprint."},
}


@pytest.fixture
def manifests(tmp_path: Path) -> Manifests:
    (tmp_path / "harbor").mkdir()
    return Manifests(settings_folder({}) / "manifest.json", tmp_path)


def write(manifests: Manifests, own: Any) -> None:
    manifests.path("harbor").write_text(own if isinstance(own, str) else json.dumps(own))


def test_a_project_without_an_own_part_has_the_installations(manifests: Manifests) -> None:
    """Also a project that has no folder yet, and no project at all."""
    assert manifests.of("harbor") is manifests.of("nowhere") is manifests.of("") is manifests.base


def test_own_stages_and_changed_fields_are_laid_over(manifests: Manifests) -> None:
    """A new stage joins the others, a field of an old one changes alone, and other projects know nothing of it."""
    write(
        manifests,
        {"candidate_cap": 4, "stages": {"grain": GRAIN, "time": {"predecessor": "grain", "default_candidates": 3}}},
    )
    mine = manifests.of("harbor")
    assert list(mine.stages) == ["style", "time", "weather", "characters", "grain"]
    assert (mine.stages["time"].predecessor, mine.stages["time"].default_candidates) == ("grain", 3)
    assert mine.stages["time"].instruction == manifests.base.stages["time"].instruction
    assert (mine.candidate_cap, manifests.base.candidate_cap) == (4, 6)
    assert "grain" not in manifests.of("other").stages
    assert manifests.variables("harbor")["grain"] == ("paper",)


def test_a_stage_may_be_taken_away(manifests: Manifests) -> None:
    """Null takes away, as a merge patch does; what started from it must say where it starts now."""
    write(manifests, {"stages": {"characters": None}})
    assert manifests.stages("harbor") == ["style", "time", "weather"]
    write(manifests, {"stages": {"weather": None, "style": {}}})
    with pytest.raises(SettingInvalid) as caught:
        manifests.of("harbor")
    assert caught.value.field == "stages.characters.predecessor"


@pytest.mark.parametrize(
    ("own", "field"),
    [
        ({"stages": {"grain": {**GRAIN, "instruction": "Print it on {papr}."}}}, "stages.grain.instruction"),
        ({"stages": {"grain": {**GRAIN, "predecessor": "ink"}}}, "stages.grain.predecessor"),
        ({"stages": {"style": {"predecessor": "grain"}, "grain": GRAIN}}, "stages.style.predecessor"),
        ({"stages": {"grain": {**GRAIN, "strategy": "magic"}}}, "stages.grain.strategy"),
        ({"stages": {"Grain": GRAIN}}, "stages.Grain"),
        ({"stages": {"grain": {"title": "Grain"}}}, "stages.grain.description"),
        ({"candidate_cap": 1}, "stages.style.default_candidates"),
        ({"style_roots": ["/"]}, "style_roots"),
        ({"safe_batch": 3}, "safe_batch"),
        ([], ""),
        ("{", None),
    ],
)
def test_a_mistake_is_refused_by_path_and_file(manifests: Manifests, own: Any, field: str | None) -> None:
    """Plans of the project are refused; what is being judged goes on by the installation's limits."""
    write(manifests, own)
    with pytest.raises(SettingInvalid) as caught:
        manifests.of("harbor")
    path = str(manifests.path("harbor"))
    assert caught.value.field == (path if field is None else field)
    assert path in caught.value.message
    assert manifests.stages("harbor") == list(manifests.base.stages)
    assert manifests.checks("harbor", "style") == manifests.base.stages["style"].qa.checks()


def test_what_is_written_is_read_again(manifests: Manifests) -> None:
    """By the next look, without a restart; an empty part removes the file."""
    first = manifests.write("harbor", {"stages": {"grain": GRAIN}})
    assert "grain" in manifests.of("harbor").stages
    with pytest.raises(EtagMismatch):
        manifests.write("harbor", {}, etag="old")
    with pytest.raises(SettingInvalid):
        manifests.write("harbor", {"stages": {"grain": {**GRAIN, "strategy": "magic"}}})
    assert manifests.known("harbor").own == first.own
    manifests.write("harbor", {}, etag=first.etag)
    assert not manifests.path("harbor").exists()
    assert manifests.of("harbor") is manifests.base


def test_a_merge_patch_changes_neither_side() -> None:
    """RFC 7396: objects are merged, null takes away, everything else replaces."""
    base = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert laid_over(base, {"a": {"b": None, "e": 3}, "d": [2], "f": {"g": None}}) == {
        "a": {"c": 2, "e": 3},
        "d": [2],
        "f": {},
    }
    assert base == {"a": {"b": 1, "c": 2}, "d": [1]}
