"""What an asset was made from and what was made of it, as a tree in the order in which it is drawn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from bullpend.assets.index import load
from bullpend.db import Row
from bullpend.db.database import View

MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Node:
    """One asset of the tree; `parent` is the id in names of the one that it hangs under, empty for a root."""

    row: Row
    depth: int
    parent: str


def tree(view: View, asked: Row) -> tuple[list[Node], bool]:
    """The tree around an asset, and whether it has more than `MOST`.

    It begins at what nothing here was made from. Where something was made from several, it hangs under each of them;
    a second time without what was made of it.
    """
    project = asked["project"]
    known: dict[str, Row] = {asked["slug"]: asked}
    above = _above(view, asked, known)
    roots = [slug for slug in known if not any(parent in known for parent in _parents(known[slug]))] or [asked["slug"]]
    # Only what the asked one descends from, and what descends from it: not all that was ever made of its source.
    children: dict[str, list[str]] = {}
    for slug in known:
        for parent in _parents(known[slug]):
            if parent in known:
                children.setdefault(parent, []).append(slug)
    turn, more = [asked["slug"]], False
    while turn and not more:
        sql = (
            "SELECT c.parent AS made_from, a.* FROM json_each(?) j CROSS JOIN asset_children c "
            "ON c.project = ? AND c.parent = j.value JOIN assets a ON a.id = c.child ORDER BY a.id LIMIT ?"
        )
        found = view.all(sql, json.dumps(turn), project, MOST + 1)
        turn = []
        for raw in found:
            parent, slug = str(raw.pop("made_from")), str(raw["slug"])
            if slug in above:
                continue
            if slug not in known:
                if len(known) >= MOST:
                    more = True
                    break
                known[slug] = load(raw)
                turn.append(slug)
            if slug not in children.setdefault(parent, []):
                children[parent].append(slug)
    return _walked(roots, known, children), more


def _parents(row: Row) -> list[str]:
    return [name.rsplit("/", 1)[-1] for name in row["derived_from"]]


def _above(view: View, asked: Row, known: dict[str, Row]) -> set[str]:
    """Reads what an asset descends from into `known`; gives its ids, with that of the asset itself."""
    turn = _parents(asked)
    while turn and len(known) < MOST:
        sql = "SELECT a.* FROM json_each(?) j CROSS JOIN assets a ON a.project = ? AND a.slug = j.value"
        found = [load(row) for row in view.all(sql, json.dumps(turn), asked["project"])]
        turn = []
        for row in found:
            if row["slug"] not in known:
                known[row["slug"]] = row
                turn += _parents(row)
    return set(known)


def _walked(roots: list[str], known: dict[str, Row], children: dict[str, list[str]]) -> list[Node]:
    nodes: list[Node] = []
    seen: set[str] = set()
    stack = [(slug, 0, "") for slug in reversed(roots)]
    while stack and len(nodes) < 2 * MOST:
        slug, depth, parent = stack.pop()
        nodes.append(Node(known[slug], depth, parent))
        if slug not in seen:
            seen.add(slug)
            stack += [(child, depth + 1, slug) for child in reversed(children.get(slug, []))]
    return nodes
