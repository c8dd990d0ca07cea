"""Reads from the database what an export is made of, in one consistent view."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from bullpend.assets import store as assets
from bullpend.assets.files import name_of
from bullpend.assets.index import load
from bullpend.bible import document
from bullpend.bible import store as bible
from bullpend.bible.bootstrap import ALL, BEGINNING
from bullpend.bible.model import CHARACTERS, SCENES
from bullpend.db import Row
from bullpend.db.database import View
from bullpend.dispatch import archive as logs
from bullpend.errors import ResourceNotFound
from bullpend.exports import rules
from bullpend.exports.model import Content, LeftOut, Parent, Picture, Wish
from bullpend.projects import store as projects

# What a picture may descend from; more is no family tree.
MOST_PARENTS = 1000
_CANDIDATES = (
    "SELECT c.name, c.asset, c.seed, c.recipe, c.accepted, c.accept_reason, c.by_hand, j.scene, r.stage, r.model, "
    "r.model_digest FROM candidates c JOIN jobs j ON j.id = c.job_id JOIN runs r ON r.id = c.run_id "
)


def content(view: View, project: str, wish: Wish, stages: Sequence[str], *, whole: bool = False) -> Content:
    """The pictures of a wish; with `whole` also what they descend from. Raises ResourceNotFound, StateConflict."""
    row = projects.get(view, project, "parent")
    scenes = _scenes(view, project, wish)
    by_scene: dict[str, dict[str, Row]] = {}
    for one in view.all("SELECT * FROM accepted WHERE project = ?", project):
        by_scene.setdefault(one["scene"], {})[one["stage"]] = one
    pictures, left_out = [], []
    for scene in scenes:
        taken = rules.last_accepted(by_scene.get(scene["slug"], {}), stages, wish.stage)
        name = f"projects/{project}/scenes/{scene['slug']}"
        if taken is None:
            left_out.append(LeftOut(name, scene["title"]))
        else:
            pictures.append(_accepted(view, scene, name, taken, wish.finished))
    if not pictures:
        raise rules.nothing_accepted(project, wish.stage)
    candidates = _others(view, project, pictures, scenes) if wish.all_candidates else []
    cast = bible.page(view, CHARACTERS, project, BEGINNING, ALL)
    found = Content(
        project=project,
        title=row["title"] or project,
        story=row["story"],
        pictures=tuple(pictures),
        candidates=tuple(candidates),
        left_out=tuple(left_out),
        cast={one["slug"]: one["title"] or one["slug"] for one in cast},
    )
    return _with_parents(view, found) if whole else found


def universe(view: View, project: str) -> dict[str, object]:
    """The bible as a bootstrap document: importing it makes the same universe. Secrets are in it by name only."""
    row = projects.get(view, project)
    rows = {section: bible.page(view, kind, project, BEGINNING, ALL) for section, kind in document.SECTIONS.items()}
    return document.write(row, rows)


def run_logs(view: View, names: Sequence[str]) -> dict[str, bytes]:
    """The logs of runs by their ids, as they would be written now; a run that is not in the database has none."""
    found: dict[str, bytes] = {}
    for name in names:
        _, project, _, slug = name.split("/")
        identity = view.value("SELECT id FROM runs WHERE project = ? AND slug = ?", project, slug)
        if identity is not None:
            found[slug] = logs.log_text(*logs.read_run(view, int(identity))).encode()
    return found


def runs_of(found: Content) -> list[str]:
    """Names of the runs that made the pictures, or what they were made from, in their order."""
    names = {picture.run for picture in found.all if picture.run}
    names |= {
        parent.origin.partition("/jobs/")[0]
        for picture in found.all
        for parent in picture.parents
        if "/candidates/" in parent.origin
    }
    return sorted(names)


def _scenes(view: View, project: str, wish: Wish) -> list[Row]:
    if not wish.scenes:
        return bible.page(view, SCENES, project, BEGINNING, ALL)
    return [bible.live(view, SCENES, project, slug, f"spec.scenes[{index}]") for index, slug in enumerate(wish.scenes)]


def _accepted(view: View, scene: Row, name: str, taken: Row, finished: bool) -> Picture:
    asset = assets.by_name(view, taken["asset"])
    if finished:
        asset = _last_made_of(view, asset)
    candidate = view.one(_CANDIDATES + "WHERE c.name = ?", taken["candidate"])
    picture = _picture(scene, name, taken["stage"], taken["candidate"], asset, candidate)
    return replace(picture, reason=taken["reason"], by_hand=bool(taken["by_hand"]))


def _picture(scene: Row, name: str, stage: str, candidate: str, asset: Row, made: Row | None) -> Picture:
    return Picture(
        scene=name,
        title=scene["title"],
        characters=tuple(one.rpartition("/")[2] for one in scene["characters"]),
        stage=stage,
        candidate=candidate,
        asset=name_of(asset["project"], asset["sha256"]),
        sha256=asset["sha256"],
        mime_type=asset["mime_type"],
        size_bytes=asset["size_bytes"],
        width=asset["width"],
        height=asset["height"],
        licence=asset["licence"],
        seed=made["seed"] if made else 0,
        model=made["model"] if made else "",
        model_digest=made["model_digest"] if made else "",
        recipe=json.loads(made["recipe"]) if made and made["recipe"] else None,
    )


def _others(view: View, project: str, pictures: Sequence[Picture], scenes: Sequence[Row]) -> list[Picture]:
    """Candidates of the same scenes and stages that are not the accepted one, in the order in which they were made."""
    rows = {row["slug"]: row for row in scenes}
    found = []
    for picture in pictures:
        sql = _CANDIDATES + "WHERE j.scene = ? AND r.stage = ? AND c.asset <> '' AND c.name <> ? ORDER BY c.id"
        for made in view.all(sql, picture.scene, picture.stage, picture.candidate):
            try:
                asset = assets.by_name(view, made["asset"])
            except ResourceNotFound:
                continue
            if asset["delete_time"] is None:
                scene = rows[picture.scene.rpartition("/")[2]]
                other = _picture(scene, picture.scene, picture.stage, made["name"], asset, made)
                found.append(replace(other, accepted=False))
    return found


def _last_made_of(view: View, asset: Row) -> Row:
    """What post-process made last of a picture, step after step; the picture itself where it made nothing."""
    sql = (
        "SELECT a.* FROM asset_children c JOIN assets a ON a.id = c.child WHERE c.project = ? AND c.parent = ? "
        "AND a.kind = 'POSTPROCESS' AND a.delete_time IS NULL ORDER BY a.id DESC LIMIT 1"
    )
    for _ in range(MOST_PARENTS):
        made = view.one(sql, asset["project"], asset["slug"])
        if made is None:
            break
        asset = load(made)
    return asset


def _with_parents(view: View, found: Content) -> Content:
    """The same with what each picture descends from, nearest first."""
    known: dict[str, Row | None] = {}

    def look(name: str) -> Row | None:
        if name not in known:
            _, project, _, slug = name.split("/")
            row = view.one("SELECT * FROM assets WHERE project = ? AND slug = ?", project, slug)
            known[name] = load(row) if row else None
        return known[name]

    def parents(picture: Picture) -> tuple[Parent, ...]:
        seen: dict[str, Parent] = {}
        own = look(picture.asset)
        turn = list(own["derived_from"]) if own else []
        while turn and len(seen) < MOST_PARENTS:
            name = turn.pop(0)
            row = look(name)
            if row is None or name in seen:
                continue
            seen[name] = Parent(name, row["sha256"], row["kind"], row["origin"], tuple(row["derived_from"]))
            turn += row["derived_from"]
        return tuple(seen.values())

    def complete(pictures: Sequence[Picture]) -> tuple[Picture, ...]:
        return tuple(replace(picture, parents=parents(picture)) for picture in pictures)

    return replace(found, pictures=complete(found.pictures), candidates=complete(found.candidates))
