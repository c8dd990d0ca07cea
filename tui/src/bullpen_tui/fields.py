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


def whole_path(folder: str) -> str:
    """The path as the daemon can find it: absolute from the folder that the studio was opened in, with `~` resolved."""
    return os.path.abspath(os.path.expanduser(folder)) if folder else ""  # noqa: PTH100, PTH111
