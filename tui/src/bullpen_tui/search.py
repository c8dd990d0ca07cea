"""The search language of the gallery: `rain character:mara stage:weather rating:>3 date:2026-11 !tag:old`.

Words are looked for in name, origin and tags; `key:value` asks one fact, `!` before either leaves out what has it.
`rating`, `width`, `height` and `date` take `>`, `>=`, `<`, `<=`. Pure: an asset is judged by what the mirror
knows of it.
"""

from __future__ import annotations

import datetime
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches

from bullpen_api.v1 import asset_pb2

from bullpen_tui.snapshot import Snapshot, leaf

KINDS = {
    "source": asset_pb2.Asset.KIND_SOURCE,
    "reference": asset_pb2.Asset.KIND_REFERENCE,
    "candidate": asset_pb2.Asset.KIND_CANDIDATE,
    "post": asset_pb2.Asset.KIND_POSTPROCESS,
    "export": asset_pb2.Asset.KIND_EXPORT,
}
TEXTS = ("kind", "tag", "stage", "model", "character", "scene", "run", "licence", "name")
NUMBERS = ("rating", "width", "height")
KEYS = (*TEXTS, *NUMBERS, "date")

_COMPARE: dict[str, Callable[[object, object], bool]] = {
    ">=": operator.ge,  # type: ignore[dict-item]
    "<=": operator.le,  # type: ignore[dict-item]
    ">": operator.gt,  # type: ignore[dict-item]
    "<": operator.lt,  # type: ignore[dict-item]
}


class SearchError(Exception):
    """A part of a search is none; the words say which and what there is."""


@dataclass(frozen=True)
class Term:
    """One part: `key` is empty for a word, `compare` for equality; `inverted` leaves out what fits."""

    key: str
    value: str
    compare: str = ""
    inverted: bool = False


@dataclass(frozen=True)
class Search:
    """What is looked for; all parts must fit."""

    terms: tuple[Term, ...] = ()
    kinds: tuple[asset_pb2.Asset.Kind.ValueType, ...] = field(default=())
    """Kinds that the daemon itself is asked for; empty means all."""


def parse(text: str) -> Search:
    """The search that a person wrote. Raises SearchError with the nearest key, or the values that there are."""
    terms: list[Term] = []
    for part in text.split():
        inverted = part.startswith("!")
        body = part.removeprefix("!")
        if not body:
            continue
        key, colon, value = body.partition(":")
        if not colon:
            terms.append(Term("", body.casefold(), inverted=inverted))
        elif value:
            terms.append(_term(key.casefold(), value.casefold(), inverted))
        elif key.casefold() not in KEYS:
            raise _unknown(key)
    wanted = [one.value for one in terms if one.key == "kind" and not one.inverted]
    return Search(tuple(terms), tuple(KINDS[one] for one in wanted[:1]))


def _unknown(key: str) -> SearchError:
    near = get_close_matches(key, KEYS, 1)
    return SearchError(
        f"There is no “{key}:”. " + (f"Did you mean {near[0]}:?" if near else f"There are {_list(KEYS)}.")
    )


def _list(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names)


def _term(key: str, value: str, inverted: bool) -> Term:
    if key not in KEYS:
        raise _unknown(key)
    compare = next((sign for sign in _COMPARE if value.startswith(sign)), "")
    value = value.removeprefix(compare)
    if key in NUMBERS and not value.isdigit():
        raise SearchError(f"{key}: takes a number, as in {key}:>3.")
    if key == "date" and not all(part.isdigit() for part in value.split("-")):
        raise SearchError("date: takes a year, month or day, as in date:2026-11 or date:>=2026-11-20.")
    if compare and key in TEXTS:
        raise SearchError(f"{key}: has no order; leave “{compare}” out.")
    if key == "kind" and value not in KINDS:
        raise SearchError(f"kind: is one of {_list(list(KINDS))}.")
    return Term(key, value, compare, inverted)


def fits(asset: asset_pb2.Asset, search: Search, snapshot: Snapshot) -> bool:
    """Whether an asset has all that is looked for."""
    return all(_fits(asset, term, snapshot) != term.inverted for term in search.terms)


def _fits(asset: asset_pb2.Asset, term: Term, snapshot: Snapshot) -> bool:
    match term.key:
        case "":
            text = f"{asset.display_name} {asset.origin} {asset.name} {' '.join(asset.tags)}"
            return term.value in text.casefold()
        case "kind":
            return asset.kind == KINDS[term.value]
        case "tag":
            return any(term.value == tag.casefold() for tag in asset.tags)
        case "licence":
            return term.value in asset.licence.casefold()
        case "name":
            return term.value in asset.display_name.casefold()
        case "rating" | "width" | "height":
            return _compared(int(getattr(asset, term.key)), int(term.value), term.compare)
        case "date":
            made = datetime.datetime.fromtimestamp(asset.create_time.seconds, datetime.UTC).date().isoformat()
            return _compared(made[: len(term.value)], term.value, term.compare)
        case _:
            return any(term.value in text.casefold() for text in _origin(asset, term.key, snapshot))


def _compared(have: object, wanted: object, compare: str) -> bool:
    return _COMPARE[compare](have, wanted) if compare else have == wanted


def candidate_of(asset: asset_pb2.Asset, snapshot: Snapshot) -> str:
    """The candidate that an asset is, or that it was made from by post-process; empty where there is none."""
    seen: set[str] = set()
    one: asset_pb2.Asset | None = asset
    while one is not None and one.name not in seen:
        if "/candidates/" in one.origin:
            return one.origin
        seen.add(one.name)
        made_by_us = one.kind in (asset_pb2.Asset.KIND_POSTPROCESS, asset_pb2.Asset.KIND_EXPORT)
        one = snapshot.assets.get(one.derived_from[0]) if made_by_us and one.derived_from else None
    return ""


def _origin(asset: asset_pb2.Asset, key: str, snapshot: Snapshot) -> list[str]:
    """What is known of where an asset came from: its run, stage, model, scene, characters."""
    candidate = candidate_of(asset, snapshot)
    if not candidate:
        scenes = [one for one in snapshot.scenes.values() if one.source_asset == asset.name]
        return [text for one in scenes for text in _scene_facts(one.name, key, snapshot)]
    run = snapshot.runs.get(candidate.split("/jobs/")[0])
    if key == "run":
        return [candidate.split("/jobs/")[0].rsplit("/", 1)[-1]]
    if key in ("stage", "model"):
        named = leaf(candidate.split("/jobs/")[0]) if key == "stage" else ""
        return [run.spec.stage if key == "stage" else run.model] if run is not None else [named]
    job = snapshot.jobs.get(candidate.split("/candidates/")[0])
    return _scene_facts(job.scene, key, snapshot) if job is not None else []


def _scene_facts(name: str, key: str, snapshot: Snapshot) -> list[str]:
    scene = snapshot.scenes.get(name)
    if scene is None:
        return []
    if key == "scene":
        return [leaf(scene.name), scene.title]
    if key == "character":
        cast = (snapshot.characters.get(one) for one in scene.characters)
        return [leaf(one) for one in scene.characters] + [one.title for one in cast if one is not None]
    return []


def lineage(asset: asset_pb2.Asset, snapshot: Snapshot) -> tuple[list[asset_pb2.Asset], list[asset_pb2.Asset]]:
    """What an asset was made from, the nearest first, and what was made from it, as far as the mirror knows."""
    before: list[asset_pb2.Asset] = []
    seen = {asset.name}
    one = asset
    while one.derived_from and (parent := snapshot.assets.get(one.derived_from[0])) and parent.name not in seen:
        before.append(parent)
        seen.add(parent.name)
        one = parent
    siblings = snapshot.assets_of(asset.name.split("/assets/")[0])
    return before, [one for one in siblings if asset.name in one.derived_from]
