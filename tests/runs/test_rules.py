"""The planner: what a request becomes, and why it is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from bullpend.errors import (
    BullpenError,
    DeviceUnavailable,
    ExactlyOneOf,
    FieldInvalid,
    LimitExceeded,
    ModelCorrupt,
    ModelUnsafe,
    ModelUnsupported,
    ResourceNotFound,
    StageNotReady,
    StageUnknown,
)
from bullpend.models.model import ModelState
from bullpend.runs.model import Acceptance, RunRequest, SamplingRequest
from bullpend.runs.plan import PlanWorld, PolicyFinding
from bullpend.runs.rules import candidate_seed, check_tuning, plan, wanted_model
from hypothesis import given
from hypothesis import strategies as st

from tests.support.plans import (
    ALL_SCENES,
    CPU,
    GUIDE,
    MANIFEST,
    MODEL,
    SCENES,
    WORLD,
    folder_world,
    picture,
    scene,
)

FOLDER = RunRequest("harbor", "style", input_folder="/in")


def refused(request: RunRequest, error: type[BullpenError], world: PlanWorld = WORLD) -> BullpenError:
    with pytest.raises(error) as caught:
        plan(request, world)
    assert caught.value.remedy, "a refusal says what to do"
    return caught.value


def codes(findings: tuple[PolicyFinding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def test_all_scenes_are_taken_in_story_order() -> None:
    """One job a scene, with the stage's words and candidates, the model's sampling, and the scene's source."""
    draft = plan(ALL_SCENES, WORLD)
    assert [job.key for job in draft.jobs] == ["market", "pier", "alley"]
    assert {job.prompt for job in draft.jobs} == {"Redraw this panel in ink style."}
    assert [len(job.seeds) for job in draft.jobs] == [2, 2, 2]
    assert draft.candidates == 6
    assert (draft.sampling.steps, draft.sampling.guidance_scale, draft.sampling.width) == (6, 1.0, 128)
    assert draft.jobs[1].source_asset == picture("pier").asset
    assert draft.jobs[1].scene == "projects/harbor/scenes/pier"
    assert (draft.device, draft.device_reason) == ("devices/cpu", "No accelerator was found.")


def test_the_same_request_gives_the_same_plan() -> None:
    """Nothing in a plan comes from chance or from the order of the facts."""
    assert plan(ALL_SCENES, WORLD) == plan(ALL_SCENES, WORLD)
    turned = replace(WORLD, scenes=SCENES[::-1])
    assert plan(ALL_SCENES, turned).digest == plan(ALL_SCENES, WORLD).digest


@pytest.mark.parametrize(
    ("request_change", "world_change"),
    [
        ({"seed": 5}, {}),
        ({"candidates": 3}, {}),
        ({"instruction": "Make it {style}."}, {}),
        ({"sampling": SamplingRequest(steps=7)}, {}),
        ({"variables": {"style": "noir"}}, {}),
        ({"scenes": ("projects/harbor/scenes/pier",)}, {}),
        ({}, {"model": replace(MODEL, digest="e" * 64)}),
        ({}, {"devices": (replace(CPU, name="devices/cuda-0", kind="cuda"),)}),
        ({}, {"scenes": (*SCENES[:2], scene("alley", 3, source=picture("other")))}),
        ({}, {"style_guides": (replace(GUIDE, variables={"style": "flat"}),)}),
    ],
)
def test_whatever_decides_pixels_changes_the_digest(
    request_change: dict[str, Any], world_change: dict[str, Any]
) -> None:
    """A plan that would make other pictures has another digest."""
    changed = plan(replace(ALL_SCENES, **request_change), replace(WORLD, **world_change))
    assert changed.digest != plan(ALL_SCENES, WORLD).digest


@pytest.mark.parametrize(
    ("request_change", "world_change"),
    [
        ({"priority": 7}, {}),
        ({"acceptance": Acceptance.MANUAL}, {}),
        ({}, {"resident_models": frozenset()}),
        ({}, {"seconds_per_step": 2.0}),
        ({}, {"model": replace(MODEL, title="Another title")}),
    ],
)
def test_what_decides_no_pixels_keeps_the_digest(request_change: dict[str, Any], world_change: dict[str, Any]) -> None:
    """A plan that was shown stays valid while only estimates and residency move."""
    changed = plan(replace(ALL_SCENES, **request_change), replace(WORLD, **world_change))
    assert changed.digest == plan(ALL_SCENES, WORLD).digest


def test_seeds_follow_from_run_seed_picture_and_index() -> None:
    """The seed of a candidate is the first four bytes of a hash that anybody can recompute."""
    draft = plan(replace(ALL_SCENES, seed=42), WORLD)
    expected = int.from_bytes(hashlib.sha256(b"42:pier:2").digest()[:4], "big")
    assert draft.jobs[1].seeds[1] == expected
    assert draft.seed == 42


@given(st.integers(0, 2**32 - 1), st.text(max_size=20), st.integers(1, 6))
def test_every_seed_is_in_bounds(seed: int, key: str, index: int) -> None:
    """Seeds fit the 32 bits that every engine takes."""
    assert 0 <= candidate_seed(seed, key, index) < 2**32


def test_more_candidates_keep_the_first_ones_when_the_seed_is_given() -> None:
    """Asking for more pictures with the same seed repeats the ones that were seen."""
    two = plan(replace(ALL_SCENES, seed=1, candidates=2), WORLD)
    three = plan(replace(ALL_SCENES, seed=1, candidates=3), WORLD)
    assert all(more.seeds[:2] == few.seeds for few, more in zip(two.jobs, three.jobs, strict=True))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (RunRequest("harbor", "style"), "scenes"),
        (RunRequest("harbor", "style", scenes=(), input_folder="/in"), "input_folder"),
    ],
)
def test_exactly_one_of_scenes_and_folder_is_needed(request_: RunRequest, field: str) -> None:
    """Neither and both are refused alike."""
    assert refused(request_, ExactlyOneOf).field == field


@pytest.mark.parametrize("stage", ["", "styles", "stages/none"])
def test_an_unknown_stage_names_the_known_ones(stage: str) -> None:
    """The refusal lists what there is."""
    error = refused(replace(ALL_SCENES, stage=stage), StageUnknown)
    assert error.field == "stage"
    assert "style, time, weather, characters" in error.message


def test_a_stage_may_be_given_by_its_resource_name() -> None:
    """`stages/style` and `style` are the same plan."""
    assert plan(replace(ALL_SCENES, stage="stages/style"), WORLD).digest == plan(ALL_SCENES, WORLD).digest


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"candidates": 7}, LimitExceeded, "candidates"),
        ({"candidates": -1}, FieldInvalid, "candidates"),
        ({"seed": -1}, FieldInvalid, "seed"),
        ({"seed": 2**32}, FieldInvalid, "seed"),
        ({"priority": 1001}, FieldInvalid, "priority"),
        ({"sampling": SamplingRequest(steps=0)}, FieldInvalid, "sampling.steps"),
        ({"sampling": SamplingRequest(steps=201)}, FieldInvalid, "sampling.steps"),
        ({"sampling": SamplingRequest(guidance_scale=-0.1)}, FieldInvalid, "sampling.guidance_scale"),
        ({"sampling": SamplingRequest(guidance_scale=float("nan"))}, FieldInvalid, "sampling.guidance_scale"),
        ({"sampling": SamplingRequest(image_guidance_scale=31)}, FieldInvalid, "sampling.image_guidance_scale"),
        ({"sampling": SamplingRequest(width=100)}, FieldInvalid, "sampling.width"),
        ({"sampling": SamplingRequest(height=4096)}, FieldInvalid, "sampling.height"),
        ({"instruction": "Make it {style"}, FieldInvalid, "instruction"),
        ({"instruction": "x" * 4001}, FieldInvalid, "instruction"),
        ({"instruction": "Make it {mood}."}, FieldInvalid, "variables.mood"),
        ({"scenes": ("projects/harbor/scenes/moon",)}, ResourceNotFound, "scenes"),
        ({"style_guide": "projects/harbor/styleGuides/moon"}, ResourceNotFound, "style_guide"),
    ],
)
def test_each_bound_names_its_field(change: dict[str, Any], error: type[BullpenError], field: str) -> None:
    """What is out of bounds is refused by the name of the request's field."""
    assert refused(replace(ALL_SCENES, **change), error).field == field


def test_bounds_themselves_are_allowed() -> None:
    """The smallest and the largest value pass."""
    sampling = SamplingRequest(steps=200, guidance_scale=0, image_guidance_scale=30, width=64, height=2048)
    draft = plan(replace(ALL_SCENES, seed=2**32 - 1, candidates=6, sampling=sampling), WORLD)
    assert (draft.sampling.steps, draft.sampling.height, draft.candidates) == (200, 2048, 18)


def test_more_pictures_than_the_safe_batch_limit_are_refused() -> None:
    """Twenty pass, twenty-one do not, for scenes as for a folder."""
    many = tuple(scene(f"s{number:02}", number) for number in range(21))
    assert len(plan(ALL_SCENES, replace(WORLD, scenes=many[:20])).jobs) == 20
    assert refused(ALL_SCENES, LimitExceeded, replace(WORLD, scenes=many)).field == "scenes"
    files = folder_world(*(f"{number:02}.png" for number in range(21)))
    assert refused(FOLDER, LimitExceeded, files).field == "input_folder"


def test_a_run_without_pictures_is_refused() -> None:
    """No scenes in the project, or no pictures in the folder."""
    assert refused(ALL_SCENES, FieldInvalid, replace(WORLD, scenes=())).field == "scenes"
    assert refused(FOLDER, FieldInvalid, folder_world()).field == "input_folder"


def test_a_later_stage_starts_from_accepted_pictures_only() -> None:
    """The refusal names the scenes that lack one, and the command that makes them."""
    styled = tuple(
        replace(item, accepted={"style": picture(f"styled {item.name}")}) if item.title != "Pier" else item
        for item in SCENES
    )
    request = replace(ALL_SCENES, stage="time")
    error = refused(request, StageNotReady, replace(WORLD, scenes=styled))
    assert error.metadata["missing"] == "pier"
    assert "bullpen run --project harbor --stage style --scenes pier" in error.remedy
    chosen = replace(request, scenes=("projects/harbor/scenes/market", "projects/harbor/scenes/alley"))
    draft = plan(chosen, replace(WORLD, scenes=styled))
    assert draft.jobs[0].source_sha256 == picture("styled projects/harbor/scenes/market").sha256
    assert draft.jobs[0].prompt == "Change the time of day to night."


def test_the_first_stage_needs_source_pictures() -> None:
    """A scene without one is named."""
    bare = (SCENES[0], scene("market", 1, source=None))
    assert refused(ALL_SCENES, StageNotReady, replace(WORLD, scenes=bare)).metadata["missing"] == "market"


def test_a_later_stage_takes_a_persons_own_folder() -> None:
    """Pictures of a folder stand for the accepted ones; they come in the order of their paths."""
    request = RunRequest("harbor", "weather", input_folder="/in", variables={"weather": "fog"})
    draft = plan(request, folder_world("b.png", "a/z.png"))
    assert [(job.key, job.source_file, job.scene) for job in draft.jobs] == [
        ("a/z.png", "/in/a/z.png", ""),
        ("b.png", "/in/b.png", ""),
    ]


def test_a_variable_without_a_value_says_how_to_give_it() -> None:
    """The field is `variables.<name>`; scenes that lack it are named, with what the variable means."""
    bare = tuple(replace(item, accepted={"style": picture("x")}, variables={}) for item in SCENES)
    error = refused(replace(ALL_SCENES, stage="time"), FieldInvalid, replace(WORLD, scenes=bare))
    assert error.field == "variables.time"
    assert "market, pier, alley" in error.message
    assert "dawn, day, dusk or night" in error.message
    assert "--set time=" in error.remedy
    blank = replace(ALL_SCENES, variables={"style": "  "})
    assert refused(blank, FieldInvalid).field == "variables.style"


def test_values_come_from_guide_character_scene_and_request_in_that_order() -> None:
    """The request beats the scene, the scene its character, the character the style guide."""
    guide = replace(GUIDE, variables={"character": "the guide's", "place": "centre"})
    ready = {"accepted": {"weather": picture("w")}}
    scenes = (
        scene("one", 1, **ready, characters=(), variables={}),
        scene("two", 2, **ready, variables={}),
        scene("three", 3, **ready, variables={"character": "a {cat}", "place": "right"}),
    )
    world = replace(WORLD, scenes=scenes, style_guides=(guide,))
    request = replace(ALL_SCENES, stage="characters")
    assert [job.prompt for job in plan(request, world).jobs] == [
        "Add the guide's on the centre.",
        "Add a woman at the two on the centre.",
        "Add a {cat} on the right.",
    ]
    mine = plan(replace(request, variables={"character": "a robot"}), world)
    assert {job.prompt.split(" on ")[0] for job in mine.jobs} == {"Add a robot"}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"state": ModelState.CORRUPT, "refusal": "MODEL_CORRUPT", "problem": "x"}, ModelCorrupt),
        ({"state": ModelState.UNSUPPORTED, "refusal": "MODEL_UNSAFE", "problem": "x"}, ModelUnsafe),
        ({"capabilities": ("text_to_image",)}, ModelUnsupported),
    ],
)
def test_a_model_that_cannot_do_it_is_refused(change: dict[str, Any], error: type[BullpenError]) -> None:
    """Damaged, unsafe and incapable models are refused before anything is made."""
    with pytest.raises(error) as caught:
        plan(ALL_SCENES, replace(WORLD, model=replace(MODEL, **change)))
    assert caught.value.field == "model"


def test_without_a_device_nothing_is_planned() -> None:
    """DEVICE_UNAVAILABLE says so."""
    refused(ALL_SCENES, DeviceUnavailable, replace(WORLD, devices=()))


def test_the_model_is_the_requests_or_the_stages() -> None:
    """`wanted_model` tells which facts to fetch before planning."""
    assert wanted_model(ALL_SCENES, MANIFEST) == "models/starter-edit"
    assert wanted_model(replace(ALL_SCENES, model="/models/mine"), MANIFEST) == "/models/mine"


def test_estimates_come_from_measurements_only() -> None:
    """Steps × pictures × measured seconds, and the load where the model is not in memory; otherwise unknown."""
    assert plan(ALL_SCENES, WORLD).estimated_seconds is None
    measured = replace(WORLD, seconds_per_step=0.5, load_seconds=3.0)
    assert plan(ALL_SCENES, measured).estimated_seconds == pytest.approx(6 * 6 * 0.5)
    cold = replace(measured, resident_models=frozenset())
    assert plan(ALL_SCENES, cold).estimated_seconds == pytest.approx(6 * 6 * 0.5 + 3.0)
    assert plan(ALL_SCENES, cold).models[0].resident is False


@pytest.mark.parametrize(
    ("request_", "world", "expected"),
    [
        (replace(ALL_SCENES, style_guide=GUIDE.name), WORLD, []),
        (ALL_SCENES, WORLD, ["STYLE_GUIDE_CHOSEN"]),
        (
            replace(ALL_SCENES, variables={"style": "ink"}),
            replace(WORLD, style_guides=()),
            ["STYLE_GUIDE_MISSING"],
        ),
        (
            replace(ALL_SCENES, variables={"style": "ink", "stile": "x"}),
            replace(WORLD, style_guides=(GUIDE, replace(GUIDE, name="projects/harbor/styleGuides/b"))),
            ["STYLE_GUIDE_UNCLEAR", "VARIABLES_UNUSED"],
        ),
        (
            ALL_SCENES,
            replace(WORLD, resident_models=frozenset()),
            ["STYLE_GUIDE_CHOSEN", "MODEL_LOAD"],
        ),
        (
            ALL_SCENES,
            replace(WORLD, scenes=(scene("a", 1, accepted={"style": picture("x")}),)),
            ["STYLE_GUIDE_CHOSEN", "ACCEPTED_REPLACED"],
        ),
        (
            replace(ALL_SCENES, acceptance=Acceptance.MANUAL),
            replace(WORLD, scenes=(scene("a", 1, accepted={"style": picture("x")}),)),
            ["STYLE_GUIDE_CHOSEN"],
        ),
        (
            ALL_SCENES,
            replace(WORLD, scenes=(SCENES[0], scene("wide", 4, source=picture("wide", 400, 300)))),
            ["STYLE_GUIDE_CHOSEN", "SIZES_MIXED", "SHAPE_FITTED"],
        ),
        (FOLDER, folder_world("a.png", skipped=("notes.txt",)), ["STYLE_GUIDE_CHOSEN", "FILES_SKIPPED"]),
        (
            replace(ALL_SCENES, sampling=SamplingRequest(width=256, height=256)),
            WORLD,
            ["STYLE_GUIDE_CHOSEN", "SIZE_UNUSUAL"],
        ),
    ],
)
def test_findings_tell_what_a_person_should_know(request_: RunRequest, world: PlanWorld, expected: list[str]) -> None:
    """Each finding appears exactly where its cause is, and stops nothing."""
    assert codes(plan(request_, world).findings) == expected


def test_tuning_is_checked_like_sampling() -> None:
    """A change of a running job needs a value, within the same bounds."""
    check_tuning(3.0, None)
    check_tuning(None, 0.0)
    for guidance, image_guidance in ((None, None), (31.0, None), (None, -1.0), (float("nan"), None)):
        with pytest.raises(FieldInvalid):
            check_tuning(guidance, image_guidance)
