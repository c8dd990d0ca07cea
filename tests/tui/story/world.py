"""The universe of the story: project, scenes, cast, styles, references."""

from __future__ import annotations

from bullpen_api.v1 import bible_pb2, project_pb2
from google.protobuf import timestamp_pb2

NOW = 1_800_000_000.0
PROJECT = "projects/harbor_lights"
SCENES = ("Pier", "Market", "Back alley", "Rooftop", "Station", "Lighthouse")
STAGES = ("style", "time", "weather", "characters")
STYLE_RUN = f"{PROJECT}/runs/r-0001-style"
TIME_RUN = f"{PROJECT}/runs/r-0002-time"
FAILED_RUN = f"{PROJECT}/runs/r-0003-weather"


def at(seconds_ago: float) -> timestamp_pb2.Timestamp:
    return timestamp_pb2.Timestamp(seconds=int(NOW - seconds_ago))


def scene_name(number: int) -> str:
    return f"{PROJECT}/scenes/scene_{number:02}"


def project() -> project_pb2.Project:
    stages = [
        project_pb2.StageProgress(stage=stage, accepted=accepted, scenes=6)
        for stage, accepted in zip(STAGES, (6, 2, 0, 0), strict=True)
    ]
    return project_pb2.Project(
        name=PROJECT,
        title="Harbor Lights",
        story="A retired keeper finds that the lighthouse still answers to someone out at sea.",
        storage=project_pb2.Project.STORAGE_LOCAL,
        create_time=at(200_000),
        revision=3,
        figures=project_pb2.ProjectFigures(
            runs=3,
            active_runs=1,
            assets=27,
            scenes=6,
            characters=3,
            candidates=24,
            qa_pass_rate=0.92,
            device_seconds=1860.0,
            last_run_time=at(74),
            stages=stages,
        ),
    )


def scenes() -> list[bible_pb2.Scene]:
    return [
        bible_pb2.Scene(
            name=scene_name(number),
            title=title,
            ordinal=number,
            source_asset=f"{PROJECT}/assets/source-{number}",
            revision=4,
        )
        for number, title in enumerate(SCENES, 1)
    ]


def characters() -> list[bible_pb2.Character]:
    return [
        bible_pb2.Character(
            name=f"{PROJECT}/characters/mara",
            title="Mara",
            description="a woman with red hair in a yellow coat",
            profile="Daughter of the keeper; counts everything.",
            references=[f"{PROJECT}/assets/source-1"],
            looks=[bible_pb2.Look(look_id="coat", title="Yellow coat", description="in a yellow coat")],
            reference_set=f"{PROJECT}/referenceSets/mara_sheet",
            create_time=at(9000),
            revision=4,
        ),
        bible_pb2.Character(
            name=f"{PROJECT}/characters/oskar",
            title="Oskar",
            description="a ferryman in a blue jacket",
            create_time=at(8900),
            revision=4,
        ),
    ]


def style_guides() -> list[bible_pb2.StyleGuide]:
    return [
        bible_pb2.StyleGuide(
            name=f"{PROJECT}/styleGuides/flat",
            title="Harbor flat",
            description="Flat colours, thick lines.",
            variables={"style": "flat"},
            anchors=[f"{PROJECT}/assets/source-2"],
            create_time=at(9000),
            revision=4,
        )
    ]


def reference_sets() -> list[bible_pb2.ReferenceSet]:
    return [
        bible_pb2.ReferenceSet(
            name=f"{PROJECT}/referenceSets/mara_sheet",
            title="Mara's sheet",
            purpose=bible_pb2.ReferenceSet.PURPOSE_CHARACTER,
            items=[bible_pb2.ReferenceItem(asset=f"{PROJECT}/assets/source-3", caption="profile from the left")],
            create_time=at(9000),
            revision=4,
        )
    ]


def prompt_templates() -> list[bible_pb2.PromptTemplate]:
    return [
        bible_pb2.PromptTemplate(
            name=f"{PROJECT}/promptTemplates/soft_light",
            title="Soft light",
            stage="stages/time",
            text="{time}, soft {light} light",
            variables=[bible_pb2.TemplateVariable(variable="light", default_value="evening")],
            create_time=at(9000),
            revision=4,
        )
    ]
