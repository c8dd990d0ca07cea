"""The fields of the composer: what is asked for, what is offered, and what it begins with. Pure, but for paths."""

from __future__ import annotations

import os.path
from collections.abc import Iterable

from bullpen_api.v1 import model_pb2, project_pb2, run_pb2

FIELDS = (
    ("folder", "input folder", "in place of scenes"),
    ("variables", "set", "style=noir, …"),
    ("candidates", "candidates", "the stage's own"),
    ("seed", "seed", "chosen for you"),
    ("steps", "steps", "the stage's own"),
    ("guidance", "guidance", "the stage's own"),
    ("strength", "strength", "0.05–1, how far off"),
    ("retry_on", "retry on", "off; or: identity"),
    ("retry_budget", "at most", "3 made again"),
    ("instruction", "words", "in place of its own"),
)
WORDS = ("folder", "variables", "instruction")
"""Fields that are written on in when they are come back to; a figure is written anew."""
CHOICES = (("model", "model"), ("strategy", "way"), ("style", "style guide"), ("acceptance", "accept"))
UNREAD = "?"
"""Value of a choice before it is known what there is to choose."""
OWN = ""
"""Value of a choice that is left to the stage."""
ACCEPTANCES = [("the best", "best"), ("by hand, later", "hand")]


NAMED = "characters"
"""A stage that needs to be told whom it is about; it is never the one that the form begins with."""


def first_stage(names: list[str], project: project_pb2.Project | None) -> str:
    """The stage to begin with: the first whose scenes are not all accepted, else the first of all."""
    names = [name for name in names if name != NAMED] or names
    open_stages = {one.stage for one in project.figures.stages if one.accepted < one.scenes} if project else set()
    return next((name for name in names if name in open_stages), names[0])


def fitting(models: Iterable[model_pb2.Model], stage: run_pb2.Stage | None) -> list[model_pb2.Model]:
    """Models that are ready and can do what the stage asks, in one of its ways."""
    if stage is None:
        return []
    ways = {*stage.strategies, stage.capability} - {""}
    ready = (one for one in models if one.state == model_pb2.Model.STATE_READY)
    return [one for one in ready if not ways or ways & set(one.capabilities)]


def help_of(name: str, stage: run_pb2.Stage | None, limits: run_pb2.ListStagesResponse) -> str:
    """What a field is good for, with the limits and the stage's own value where it is left empty; "" for no field."""
    asked = stage if stage is not None else run_pb2.Stage()
    sampling = asked.defaults
    steps = f"{sampling.steps}, " if sampling.HasField("steps") else ""
    guidance = f"{sampling.guidance_scale:g}, " if sampling.HasField("guidance_scale") else ""
    own = f"{asked.default_candidates}, " if asked.default_candidates else ""
    values = f"Values that the stage's words ask for ({', '.join(asked.variables)})" if asked.variables else "Values"
    cap = f"1 to {limits.candidate_cap}" if limits.candidate_cap else "1 or more"
    batch = f", at most {limits.safe_batch_limit} in a run" if limits.safe_batch_limit else ""
    return {
        "stage": "What is done to the pictures. A later stage begins with what an earlier one accepted.",
        "scenes": f"What is drawn{batch}. space takes or leaves one, a takes or leaves all.",
        "model": "What makes the pictures. Offered are models that are ready and can do this stage.",
        "strategy": "How the model is used. Left alone, the first of the stage's ways that the model can do.",
        "style": "The look that is kept: its values go into the words, its anchors show the style.",
        "acceptance": "Who takes a picture for its scene: the ranking, or you in the review (v on the run).",
        "folder": "A folder on the daemon's machine; each of its pictures is drawn in place of the scenes.",
        "variables": f"{values}: name=value, commas between. They go before a scene's own.",
        "candidates": f"Pictures to choose from for each scene, {cap}; empty takes {own}the stage's own.",
        "seed": "Where chance begins. The same seed with the same settings makes the same pictures.",
        "steps": f"More take longer and may be finer; empty takes {steps}the stage's own.",
        "guidance": f"How closely the words are followed; empty takes {guidance}the stage's own.",
        "strength": "How far a picture may go from its source: 0.05 hardly, 1 entirely.",
        "retry_on": "Pictures in which this is found are made again by themselves: identity, style, structure …",
        "retry_budget": "How many pictures the run may make again in all; empty takes 3.",
        "instruction": "What the model is told in place of the stage's words; {style} stands for the value style.",
    }.get(name, "")


def field_called(label: str) -> str:
    """The name of the field that has a label; empty where none has it."""
    return next((name for name, called, _ in FIELDS if called == label), "")


def whole_path(folder: str) -> str:
    """The path as the daemon can find it: absolute from the folder that the studio was opened in, with `~` resolved."""
    return os.path.abspath(os.path.expanduser(folder)) if folder else ""  # noqa: PTH100, PTH111
