"""The manifest: what ships is right, and every mistake is named with its path."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from bullpend.errors import SettingInvalid
from bullpend.home import settings_folder
from bullpend.runs.manifest import fill, load, parse, template_variables

SHIPPED = settings_folder({}) / "manifest.json"
DATA: dict[str, Any] = json.loads(SHIPPED.read_text(encoding="utf-8"))


def test_the_shipped_manifest_has_the_four_stages_in_order() -> None:
    """Style, time, weather, characters: each starts from the one before."""
    manifest = load(SHIPPED)
    assert list(manifest.stages) == ["style", "time", "weather", "characters"]
    assert [stage.predecessor for stage in manifest.stages.values()] == [None, "style", "time", "weather"]
    assert (manifest.safe_batch_limit, manifest.candidate_cap) == (20, 6)
    assert {stage.default_model for stage in manifest.stages.values()} == {"models/starter-edit"}


def test_every_variable_of_the_shipped_manifest_is_used_and_explained() -> None:
    """Each stage lists exactly the variables of its template, each with a meaning in words."""
    for stage in load(SHIPPED).stages.values():
        assert tuple(stage.variables) == template_variables(stage.instruction)
        assert all(len(meaning) > 20 for meaning in stage.variables.values())


def test_the_shipped_instructions_are_the_ones_that_the_starter_was_trained_on() -> None:
    """The starter knows these sentences best; another wording would cost quality silently."""
    captions = pytest.importorskip("bullpen_starter.captions")
    for name, stage in load(SHIPPED).stages.items():
        assert stage.instruction == captions.PHRASINGS[name][0]


def changed(path: str, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(DATA)
    *parents, last = path.split(".")
    place = data
    for part in parents:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("stages.time.predecessor", "dawn", "stages.time.predecessor"),
        ("stages.style.predecessor", "characters", "stages.style.predecessor"),
        ("stages.style.predecessor", "style", "stages.style.predecessor"),
        ("stages.time.predecessor", ["style", "dawn"], "stages.time.predecessor.1"),
        ("stages.time.predecessor", ["style", "style"], "stages.time.predecessor.1"),
        ("stages.style.predecessor", ["weather"], "stages.style.predecessor"),
        ("stages.time.predecessor", 3, "stages.time.predecessor"),
        ("stages.time.strategy", "teleport", "stages.time.strategy"),
        ("stages.time.strategy", ["img2img", "teleport"], "stages.time.strategy.1"),
        ("stages.time.strategy", [], "stages.time.strategy"),
        ("stages.time.may_change", ["lihgt"], "stages.time.may_change"),
        ("stages.time.may_change", ["light", "structure"], "stages.time.must_keep"),
        ("stages.time.must_keep", ["light"], "stages.time.must_keep"),
        ("stages.time.qa.limits.structure_f1_hard", None, "stages.time.qa.limits.structure_f1_hard"),
        ("stages.time.qa.limits.characters_added", 1, "stages.time.qa.limits.characters_added"),
        ("stages.time.defaults.strength", 1.5, "stages.time.defaults.strength"),
        ("stages.characters.mask.variable", "plaec", "stages.characters.mask.variable"),
        ("stages.characters.mask.boxes.left", [0.5, 0, 0.4, 1], "stages.characters.mask.boxes.left"),
        ("stages.characters.mask.boxes.left", [0.5, 0, 0.4], "stages.characters.mask.boxes.left"),
        ("stages.time.instruction", "Make it {tiem}.", "stages.time.instruction"),
        ("stages.time.instruction", "Make it {time", "stages.time.instruction"),
        ("stages.time.instruction", "Make it {time.real}.", "stages.time.instruction"),
        ("stages.time.instruction", "", "stages.time.instruction"),
        ("stages.time.negative_prompt", "{blur}", "stages.time.negative_prompt"),
        ("stages.time.default_candidates", 7, "stages.time.default_candidates"),
        ("stages.time.default_candidates", "2", "stages.time.default_candidates"),
        ("stages.time.qa.limits.chroma_soft", 91, "stages.time.qa.limits.chroma_soft"),
        ("stages.time.qa.limits.chroma_soft", -1, "stages.time.qa.limits.chroma_soft"),
        ("stages.time.qa.limits.structure_f1_soft", 0.1, "stages.time.qa.limits.structure_f1_soft"),
        ("stages.time.qa.limits.structure_f1_hard", 1.5, "stages.time.qa.limits.structure_f1_hard"),
        ("stages.time.qa.limits.greyscale", "maybe", "stages.time.qa.limits.greyscale"),
        ("stages.time.qa.limits.blurr", 1, "stages.time.qa.limits.blurr"),
        ("stages.time.qa.limits.copy_rate_soft", 0.95, "stages.time.qa.limits.copy_rate_soft"),
        ("stages.time.qa.limits.sharpness_hard", 21, "stages.time.qa.limits.sharpness_soft"),
        ("stages.time.qa.limits.style_drift_hard", 0.4, "stages.time.qa.limits.style_drift_soft"),
        ("stages.time.qa.limits.characters_added", -1, "stages.time.qa.limits.characters_added"),
        ("stages.time.qa.edit_share", 1.1, "stages.time.qa.edit_share"),
        ("stages.time.qa.judges", {"beauty": "models/x"}, "stages.time.qa.judges.beauty"),
        ("stages.time.qa.judges", {"style": ""}, "stages.time.qa.judges.style"),
        ("stages.time.defaults.steps", 0, "stages.time.defaults.steps"),
        ("stages.time.title", ..., "stages.time.title"),
        ("candidate_cap", 0, "candidate_cap"),
        ("safe_batch_limit", None, "safe_batch_limit"),
        ("schema_version", 2, "schema_version"),
        ("stages", {}, "stages"),
    ],
)
def test_each_mistake_is_refused_by_the_path_of_its_field(path: str, value: Any, field: str) -> None:
    """The error names the field as it stands in the file."""
    with pytest.raises(SettingInvalid) as caught:
        parse(changed(path, value))
    assert caught.value.field == field
    assert field in caught.value.message


def test_a_stage_that_follows_another_never_changes_the_structure() -> None:
    """Later stages work on accepted pictures; only the first one may draw anew."""
    data = changed("stages.time.may_change", ["light", "structure"])
    data["stages"]["time"]["must_keep"] = []
    with pytest.raises(SettingInvalid) as caught:
        parse(data)
    assert caught.value.field == "stages.time.may_change"


def test_a_circle_is_told_as_it_goes() -> None:
    """The refusal names every stage of the circle, so that a person sees where to open it."""
    with pytest.raises(SettingInvalid, match="style ← weather ← time ← style"):
        parse(changed("stages.style.predecessor", "weather"))


def test_a_stage_may_start_from_one_of_several() -> None:
    """A list is an order of preference; the first of them is what clients show."""
    manifest = parse(changed("stages.weather.predecessor", ["time", "style"]))
    assert manifest.stages["weather"].predecessors == ("time", "style")
    assert manifest.stages["weather"].predecessor == "time"


def test_a_manifest_that_names_a_capability_means_the_strategy() -> None:
    """Manifests from before there were strategies go on."""
    data = copy.deepcopy(DATA)
    for stage in data["stages"].values():
        del stage["strategy"]
        stage["capability"] = "instruction_edit"
    assert {stage.strategies for stage in parse(data).stages.values()} == {("instruction_edit",)}


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    """A broken or missing manifest is refused with its path."""
    for content in (None, "{"):
        path = tmp_path / "manifest.json"
        if content is not None:
            path.write_text(content)
        with pytest.raises(SettingInvalid, match=r"manifest\.json"):
            load(path)


def test_values_are_put_in_as_they_are() -> None:
    """Braces in a value mean nothing; doubled braces of a template become single ones."""
    assert fill("Draw {what} as {{json}}.", {"what": "{what} {0}"}) == "Draw {what} {0} as {json}."
