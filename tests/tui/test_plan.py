"""From the form to the request, and from the plan to words."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import run_pb2
from bullpen_tui.plan import Form, FormError, plan_lines, spec_of, variables_of, whole_plan
from hypothesis import given
from hypothesis import strategies as st

from tests.tui import story

SCENES = (story.scene_name(1), story.scene_name(2))


def test_all_scenes_are_asked_for_as_all() -> None:
    """A scene added later belongs to “all”; the list stays empty."""
    spec = spec_of(Form(stage="style", scenes=SCENES, all_scenes=True))
    assert spec.HasField("scenes")
    assert not spec.scenes.scenes
    assert not spec.input_folder


def test_some_scenes_are_named() -> None:
    """A choice is a choice."""
    assert list(spec_of(Form(stage="style", scenes=SCENES, all_scenes=False)).scenes.scenes) == list(SCENES)


def test_a_folder_takes_the_place_of_scenes() -> None:
    """Exactly one of the two is asked for."""
    spec = spec_of(Form(stage="style", scenes=SCENES, folder="/pictures"))
    assert spec.input_folder == "/pictures"
    assert not spec.HasField("scenes")


def test_empty_fields_leave_the_choice_to_the_stage() -> None:
    """Nothing is sent that nobody wrote, and 0 is a seed."""
    spec = spec_of(Form(stage="style", scenes=SCENES))
    assert not spec.HasField("seed")
    assert not spec.sampling.HasField("steps")
    assert spec_of(Form(stage="style", scenes=SCENES, seed="0")).HasField("seed")


@pytest.mark.parametrize(
    ("form", "word"),
    [
        (Form(), "stage"),
        (Form(stage="style"), "scene"),
        (Form(stage="style", scenes=SCENES, candidates="many"), "candidates"),
        (Form(stage="style", scenes=SCENES, candidates="0"), "candidates"),
        (Form(stage="style", scenes=SCENES, steps="-3"), "steps"),
        (Form(stage="style", scenes=SCENES, seed="1.5"), "seed"),
        (Form(stage="style", scenes=SCENES, guidance="high"), "guidance"),
        (Form(stage="style", scenes=SCENES, variables="noir"), "set"),
        (Form(stage="style", scenes=SCENES, variables="style="), "set"),
        (Form(stage="style", scenes=SCENES, variables="a=1, a=2"), "twice"),
    ],
)
def test_a_wrong_field_is_named(form: Form, word: str) -> None:
    """The person reads which field is wrong."""
    with pytest.raises(FormError, match=word):
        spec_of(form)


def test_variables_are_names_and_values() -> None:
    """Spaces around and a comma at the end do no harm; a value may hold an equals sign."""
    assert variables_of(" style = noir , time=night,") == {"style": "noir", "time": "night"}
    assert variables_of("a=b=c") == {"a": "b=c"}
    assert variables_of("") == {}


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_no_text_breaks_the_form(candidates: str, seed: str, guidance: str) -> None:
    """Whatever is typed gives a request or a sentence."""
    form = Form(stage="style", scenes=SCENES, candidates=candidates, seed=seed, guidance=guidance)
    try:
        spec = spec_of(form)
    except FormError as problem:
        said = str(problem)
    else:
        said = spec.stage
    assert said


def test_a_plan_says_what_it_takes() -> None:
    """Pictures, model, time, findings and the prompt of the scene under the cursor are there."""
    plan = story.plan(run_pb2.RunSpec(stage="time", candidates=3))
    said = "\n".join(line.plain for line in plan_lines(plan, story.stages(), story.scene_name(5)))
    for word in ("18", "6 jobs × 3 candidates", "starter-edit", "in memory", "about 0:36", "Scene 5", "station"):
        assert word in said


def test_an_unmeasured_plan_says_so() -> None:
    """No estimate is invented."""
    plan = story.plan(run_pb2.RunSpec(stage="time"))
    plan.ClearField("estimated_duration")
    assert any("not measured" in line.plain for line in plan_lines(plan, story.stages(), ""))


def test_a_dry_run_lists_every_job() -> None:
    """Each job stands there with its prompt and seeds."""
    plan = story.plan(run_pb2.RunSpec(stage="time"))
    said = "\n".join(line.plain for line in whole_plan(plan, story.stages()))
    assert all(f"scene_{number:02}" in said for number in range(1, 7))
    assert plan.digest in said


def test_a_retry_by_itself_is_asked_for_in_words() -> None:
    """Kinds by name with a budget; a word that is none names the nearest one."""
    spec = spec_of(Form(stage="time", scenes=("a",), retry_on="structure, identity", retry_budget="5"))
    kinds = [run_pb2.Finding.KIND_STRUCTURE, run_pb2.Finding.KIND_IDENTITY]
    assert (list(spec.auto_retry.findings), spec.auto_retry.budget) == (kinds, 5)
    assert spec_of(Form(stage="time", scenes=("a",), retry_on="chroma")).auto_retry.budget == 3
    assert not spec_of(Form(stage="time", scenes=("a",))).HasField("auto_retry")
    with pytest.raises(FormError, match="Did you mean structure"):
        spec_of(Form(stage="time", scenes=("a",), retry_on="structur"))


def test_a_plan_tells_its_way_its_memory_and_what_acts_on_a_scene() -> None:
    """The choice with its reason, a better size, references by where they come from."""
    plan = story.plan(run_pb2.RunSpec(stage="style"))
    plan.strategy.strategy, plan.strategy.reason = "structure_control", "a ControlNet is here"
    plan.estimated_memory_bytes = 2 << 30
    plan.suggested_size.width = plan.suggested_size.height = 256
    use = run_pb2.BibleUse(part=run_pb2.BibleUse.PART_STYLE_REFERENCE, item="a", source="projects/p/referenceSets/ink")
    plan.jobs[0].uses.append(use)
    text = "\n".join(row.plain for row in plan_lines(plan, None, story.scene_name(1)))
    for told in ("structure control   a ControlNet is here", "about 2.0 G", "256×256", "style 1 reference   ink"):
        assert told in text


def test_what_a_run_takes_stands_before_what_there_is_to_know() -> None:
    """In a low pane only the first lines are seen: pictures, time and money are among them, however much is warned."""
    plan = story.plan(run_pb2.RunSpec(stage="time", candidates=3))
    plan.findings.extend(
        run_pb2.PolicyFinding(severity=run_pb2.PolicyFinding.SEVERITY_WARNING, message="Long and broad. " * 20)
        for _ in range(3)
    )
    lines = [line.plain for line in plan_lines(plan, story.stages(), story.scene_name(5), 36)]
    warned = next(number for number, line in enumerate(lines) if line.startswith("!"))
    for label in ("pictures", "time", "cost"):
        assert next(number for number, line in enumerate(lines) if line.startswith(label)) < warned <= 8
