"""Which pictures a run takes, and what each of them starts from. Pure functions.

A stage with a predecessor starts from the predecessor's accepted pictures; the first one starts from the scenes' own
sources. A person's folder of pictures stands for either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bullpend.errors import FieldInvalid, LimitExceeded, ResourceNotFound, StageNotReady
from bullpend.runs import cast
from bullpend.runs.cast import Member
from bullpend.runs.manifest import Stage
from bullpend.runs.model import RunRequest
from bullpend.runs.plan import FolderPicture, PictureFacts, PlanWorld, SceneFacts


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the run: its key, where it comes from, its size in pixels, the values that its scene gives.

    `of_cast` names the characters that gave values, by variable; `cast` are those of the scene. `made` is the accepted
    picture of this stage, where the scene has one already. `stale` says why the picture that it starts from is out of
    date, if it is; `outdates` are later stages that the scene has pictures of.
    """

    key: str
    sha256: str
    width: int
    height: int
    scene: str = ""
    asset: str = ""
    path: str = ""
    file: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    of_cast: Mapping[str, str] = field(default_factory=dict)
    cast: tuple[Member, ...] = ()
    made: PictureFacts | None = None
    stale: str = ""
    outdates: tuple[str, ...] = ()

    @property
    def replaces(self) -> bool:
        """Whether the scene has an accepted picture of this stage already."""
        return self.made is not None


def picture_key(scene: str, source_path: str) -> str:
    """What a picture's seeds are derived from: the id of its scene, or its path below the input folder."""
    return scene.rsplit("/", 1)[-1] if scene else source_path


def pictures(request: RunRequest, stage: Stage, world: PlanWorld) -> tuple[Picture, ...]:
    """The pictures of the run in their order. `request` was checked by `rules.check_request`."""
    if request.scenes is None:
        found = _of_folder(request, world.pictures or ())
        where, cut = "input_folder", "Split the folder"
    else:
        found = _of_scenes(request, stage, _selected(request.scenes, world.scenes), later(request, world))
        where, cut = "scenes", "Choose fewer scenes"
    limit = world.manifest.safe_batch_limit
    if len(found) > limit:
        raise LimitExceeded(
            f"The run would take {len(found)} pictures, and one run takes at most {limit}.",
            field=where,
            remedy=f"{cut}, or raise safe_batch_limit in settings/manifest.json.",
            limit=limit,
        )
    return found


def _of_folder(request: RunRequest, inspected: Sequence[FolderPicture]) -> tuple[Picture, ...]:
    if not inspected:
        raise FieldInvalid(
            f"There are no pictures in {request.input_folder}.",
            field="input_folder",
            remedy="Give a folder with PNG, JPEG or WebP files.",
        )
    return tuple(
        Picture(
            key=picture_key("", item.path),
            sha256=item.sha256,
            width=item.width,
            height=item.height,
            path=item.path,
            file=item.file,
        )
        for item in sorted(inspected, key=lambda item: item.path)
    )


def _selected(names: Sequence[str], scenes: Sequence[SceneFacts]) -> list[SceneFacts]:
    """The named scenes, or all, in story order, each once."""
    by_name = {scene.name: scene for scene in scenes}
    for name in names:
        if name not in by_name:
            known = ", ".join(scene.name.rsplit("/", 1)[-1] for scene in scenes) or "none"
            raise ResourceNotFound(
                f"There is no scene {name}.",
                field="scenes",
                remedy=f"The scenes of the project are: {known}.",
                resource=name,
            )
    chosen = [by_name[name] for name in dict.fromkeys(names)] if names else list(scenes)
    if not chosen:
        raise FieldInvalid(
            "The project has no scenes.",
            field="scenes",
            remedy="Create scenes with their source pictures, or give an input folder.",
        )
    return sorted(chosen, key=lambda scene: (scene.ordinal, scene.name))


def later(request: RunRequest, world: PlanWorld) -> tuple[str, ...]:
    """The stages that start, over however many steps, from what this one ends with, in the manifest's order."""
    found = {request.stage.removeprefix("stages/")}
    stages = world.manifest.stages
    for _ in stages:
        found |= {name for name, stage in stages.items() if found & set(stage.predecessors)}
    return tuple(name for name in stages if name in found - {request.stage.removeprefix("stages/")})


def _of_scenes(
    request: RunRequest, stage: Stage, scenes: Sequence[SceneFacts], later: Sequence[str]
) -> tuple[Picture, ...]:
    own = request.stage.removeprefix("stages/")
    starts = [(scene, _start(scene, stage)) for scene in scenes]
    missing = [scene.name.rsplit("/", 1)[-1] for scene, start in starts if start is None]
    if missing:
        raise _not_ready(request, stage, missing)
    return tuple(
        Picture(
            key=picture_key(scene.name, ""),
            sha256=start.sha256,
            width=start.width,
            height=start.height,
            scene=scene.name,
            asset=start.asset,
            **_values(scene),
            made=scene.accepted.get(own),
            stale=start.stale,
            outdates=tuple(name for name in later if name in scene.accepted),
        )
        for scene, start in starts
        if start is not None
    )


def _values(scene: SceneFacts) -> dict[str, Any]:
    """What a scene and its characters give to templates, which characters gave what, and all of them."""
    members = scene.cast or tuple(Member("", words) for words in scene.characters)
    given = cast.values(members)
    own = {name: value for name, (value, _) in given.items()}
    by = {name: source for name, (_, source) in given.items() if name not in scene.variables}
    return {"variables": {**own, **scene.variables}, "of_cast": by, "cast": members}


def _start(scene: SceneFacts, stage: Stage) -> PictureFacts | None:
    if not stage.predecessors:
        return scene.source
    return next((scene.accepted[name] for name in stage.predecessors if name in scene.accepted), None)


def _not_ready(request: RunRequest, stage: Stage, missing: Sequence[str]) -> StageNotReady:
    names = ", ".join(missing)
    one = len(missing) == 1
    if stage.predecessor is None:
        return StageNotReady(
            f"{'The scene' if one else 'The scenes'} {names} {'has' if one else 'have'} no source picture.",
            field="scenes",
            remedy=f"Give {'it' if one else 'each'} a source picture, or leave {'it' if one else 'them'} out.",
            missing=names,
        )
    project = request.project.removeprefix("projects/")
    command = f"bullpen run --project {project} --stage {stage.predecessor} --scenes {','.join(missing)}"
    return StageNotReady(
        f"The stage starts from accepted pictures of the stage {' or '.join(stage.predecessors)}, and "
        f"{'the scene' if one else 'the scenes'} {names} {'has' if one else 'have'} none.",
        field="scenes",
        remedy=f"Run `{command}`, and accept a candidate of {'it' if one else 'each'}.",
        missing=names,
        predecessor=stage.predecessor,
        command=command,
    )
