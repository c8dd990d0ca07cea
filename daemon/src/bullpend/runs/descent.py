"""What a scene's pictures were made from, which line of descent they are of, and which of them are out of date.

Every job remembers what it starts from: the scene's own picture, or a candidate of an earlier stage. Running a stage
again from the same picture forks a branch. A picture is stale when it, or one that it descends from, was made from a
picture that the scene has replaced since: by another accepted candidate, or by another source. Nothing is thrown away:
accepting the older picture again makes what descends from it current again.

Staleness is decided anew for the whole scene in the transaction that changes what is accepted, and kept with the
candidates, so that every list and event has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from bullpend.db.database import View

# What a job starts from that starts from the scene's own picture; otherwise a candidate's name, or empty if unknown.
SCENE = "scene"


@dataclass(frozen=True, slots=True)
class Node:
    """A finished candidate of a scene: its asset, its stage, what its job starts from, and that picture's asset.

    `stale` is what the database has.
    """

    name: str
    asset: str
    stage: str
    starts_from: str
    source_asset: str
    stale: str = ""


@dataclass(frozen=True, slots=True)
class Stale:
    """Why a picture is out of date: which one was replaced, of which stage (empty: the scene's source), and by which.

    Candidates are empty for sources.
    """

    asset: str
    candidate: str
    by_asset: str
    by_candidate: str
    stage: str

    def words(self) -> str:
        """The reason as a sentence."""
        if not self.stage:
            return "Made from a source picture that the scene has replaced since."
        run, _, place = self.candidate.partition("/jobs/")
        which = f"{place.rsplit('/', 1)[-1]} of {run.rsplit('/', 1)[-1]}"
        return f"Made from the {self.stage} picture {which}, in whose place another one was accepted since."


def staleness(
    nodes: Mapping[str, Node], accepted: Mapping[str, tuple[str, str]], source_asset: str
) -> dict[str, Stale | None]:
    """For each candidate of a scene why it is stale, or None. `accepted` has candidate and asset by stage.

    The same content counts as the same picture, whichever candidate it is of.
    """
    found: dict[str, Stale | None] = {}

    def of(node: Node) -> Stale | None:
        if node.name in found:
            return found[node.name]
        found[node.name] = None  # a candidate cannot descend from itself; a damaged row must not make that endless
        parent = nodes.get(node.starts_from)
        answer: Stale | None = None
        if parent is not None:
            candidate, asset = accepted.get(parent.stage, ("", ""))
            if asset and asset != parent.asset:
                answer = Stale(parent.asset, parent.name, asset, candidate, parent.stage)
            else:
                answer = of(parent)
        elif node.starts_from == SCENE and source_asset and node.source_asset not in ("", source_asset):
            answer = Stale(node.source_asset, "", source_asset, "", "")
        found[node.name] = answer
        return answer

    for node in nodes.values():
        of(node)
    return found


def to_json(stale: Stale | None) -> str:
    """As the database keeps it; empty for what is current."""
    return json.dumps(asdict(stale)) if stale else ""


def from_json(text: str) -> Stale | None:
    """The reverse of `to_json`."""
    return Stale(**json.loads(text)) if text else None


# The indexes by scene leave jobs without one out: queries say so too, or they would not be used.


def origin(view: View, scene: str, source_asset: str) -> tuple[str, int]:
    """What a new job of a scene starts from (`Node.starts_from`), and the branch of that picture; 0 without a scene.

    `scene` is a resource name.
    """
    if not scene or not source_asset:
        return "", 0
    _, project, _, slug = scene.split("/")
    own = view.value("SELECT source_asset FROM scenes WHERE project = ? AND slug = ?", project, slug)
    if own == source_asset:
        return SCENE, 1
    row = view.one(
        "SELECT c.name, j.branch FROM candidates c JOIN jobs j ON j.id = c.job_id "
        "WHERE j.scene = ? AND j.scene != '' AND c.asset = ? ORDER BY c.accepted DESC, c.id DESC LIMIT 1",
        scene,
        source_asset,
    )
    return (row["name"], max(int(row["branch"]), 1)) if row is not None else ("", 1)


def branch(view: View, scene: str, stage: str, starts_from: str, of_parent: int) -> int:
    """The branch of a new job: that of its picture, or a new one where the stage was taken from this picture before."""
    if not of_parent:
        return 0
    before = view.value(
        "SELECT 1 FROM jobs j JOIN runs r ON r.id = j.run_id "
        "WHERE j.scene = ? AND j.scene != '' AND r.stage = ? AND j.starts_from = ? "
        "AND j.state NOT IN ('FAILED', 'CANCELED', 'HELD') LIMIT 1",
        scene,
        stage,
        starts_from,
    )
    if not before:
        return of_parent
    return int(view.value("SELECT coalesce(max(branch), 0) + 1 FROM jobs WHERE scene = ? AND scene != ''", scene))


def nodes_of(view: View, scene: str) -> dict[str, Node]:
    """The finished candidates of a scene, by their names, in the order of their making."""
    rows = view.all(
        "SELECT c.name, c.asset, c.stale, r.stage, j.starts_from, j.source_asset FROM candidates c "
        "JOIN jobs j ON j.id = c.job_id JOIN runs r ON r.id = j.run_id "
        "WHERE j.scene = ? AND j.scene != '' AND c.state = 'SUCCEEDED' ORDER BY c.id",
        scene,
    )
    return {row["name"]: Node(**row) for row in rows}
