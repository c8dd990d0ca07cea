"""How pictures are told: rows, cards, the lines beside a picture, facets and trees. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bullpen_api.v1 import asset_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.gallery.window import Slip
from bullpen_tui.paragraphs import hung
from bullpen_tui.snapshot import leaf
from bullpen_tui.widgets.layout import Column, Row

BEST = 5
LABEL = 8
"""Cells of a fact's label."""
COLUMNS = (
    Column("picture", minimum=24, weight=3),
    Column("kind", width=10),
    Column("rating", width=6, drop=1),
    Column("tags", minimum=10, weight=1, drop=5),
    Column("pixels", width=9, right=True, drop=3),
    Column("size", width=6, right=True, drop=4),
    Column("made", width=10, right=True, drop=2),
)
CARD_CELLS = 3

_KINDS = {
    asset_pb2.Asset.KIND_UNSPECIFIED: ("file", words.QUIET),
    asset_pb2.Asset.KIND_SOURCE: ("source", words.QUIET),
    asset_pb2.Asset.KIND_REFERENCE: ("reference", words.QUIET),
    asset_pb2.Asset.KIND_CANDIDATE: ("candidate", words.ACCENT),
    asset_pb2.Asset.KIND_POSTPROCESS: ("post", words.ACCENT),
    asset_pb2.Asset.KIND_EXPORT: ("export", words.GOOD),
}

_VERDICTS = {
    asset_pb2.Asset.VERDICT_ACCEPTED: ("✓ accepted", words.GOOD),
    asset_pb2.Asset.VERDICT_REJECTED: ("– rejected", words.QUIET),
}
"""The words are those of the search: `is:accepted`, `is:rejected`."""


def kind_of(asset: asset_pb2.Asset) -> Content:
    """What an asset is."""
    return words.text(_KINDS.get(asset.kind, _KINDS[asset_pb2.Asset.KIND_UNSPECIFIED]))


def standing(asset: asset_pb2.Asset) -> Content:
    """What became of a candidate, by shape, word and colour; of anything else what it is."""
    return words.text(_VERDICTS[asset.verdict]) if asset.verdict in _VERDICTS else kind_of(asset)


def title_of(asset: asset_pb2.Asset) -> str:
    """Name of an asset for people."""
    return asset.display_name or leaf(asset.name)[:16]


def short_title(asset: asset_pb2.Asset) -> str:
    """A title for a card: of a candidate its stage, picture and number."""
    parts = asset.origin.split("/")
    if len(parts) == 8 and parts[6] == "candidates":
        return f"{parts[3].split('-', 2)[-1]} {parts[5]} {parts[7]}"
    return title_of(asset).rsplit(".", 1)[0]


def stars(asset: asset_pb2.Asset) -> Content:
    """The rating, where there is one."""
    return words.text(("★" * min(asset.rating, BEST), words.ACCENT)) if asset.rating > 0 else Content("")


def _starred(asset: asset_pb2.Asset) -> Content:
    return words.text(" ", stars(asset)) if asset.rating > 0 else Content("")


def asset_row(asset: asset_pb2.Asset, now: float) -> Row:
    """One asset for `COLUMNS`."""
    return Row(
        asset.name,
        (
            words.text(title_of(asset)),
            standing(asset),
            stars(asset),
            words.text((", ".join(asset.tags), words.QUIET)),
            words.text((f"{asset.width}×{asset.height}" if asset.width else words.DASH, words.QUIET)),
            words.text((words.size(asset.size_bytes), words.QUIET)),
            words.text((words.ago(asset.create_time, now), words.QUIET)),
        ),
    )


def asset_card(asset: asset_pb2.Asset, now: float) -> Row:
    """One asset for the gallery: picture, name, kind or what became of it, age."""
    about = words.text(standing(asset), _starred(asset), (f"  {words.ago(asset.create_time, now)}", words.FAINT))
    return Row(asset.name, (Content(asset.name), Content(short_title(asset)).truncate(21, ellipsis=True), about))


def about(asset: asset_pb2.Asset, known: Callable[[str], asset_pb2.Asset | None], room: int) -> Content:
    """What is known of an asset, in lines of `room` cells: what people say of it, what it was made from, and how.

    `known` gives an asset by its name, where it is here.
    """
    made = asset.making
    project = asset.name.split("/assets/")[0]
    parents = [(known(name), name) for name in asset.derived_from]
    chain = ", ".join(title_of(one) if one is not None else f"{leaf(name)[:12]}…" for one, name in parents)
    facts: list[tuple[str, str | Content]] = [
        ("choice", standing(asset) if asset.verdict in _VERDICTS else ""),
        ("rating", stars(asset)),
        ("tags", ", ".join(asset.tags)),
        ("note", asset.note),
        ("stage", f"{made.stage}   {leaf(made.model)}" if made.stage else leaf(made.model)),
        ("scene", leaf(made.scene)),
        ("cast", ", ".join(leaf(one) for one in made.characters)),
        ("from", chain),
        ("prompt", made.prompt),
        ("seed", str(made.seed) if made.candidate else ""),
        ("made", _day(asset)),
        ("licence", asset.licence),
        ("origin", asset.origin.removeprefix(project + "/") if not made.candidate else ""),
        ("path", asset.path),
    ]
    rows = [words.text((f"{label:<{LABEL}}", words.FAINT), value) for label, value in facts if len(value)]
    return words.lines(hung(rows, LABEL, room))


def _day(asset: asset_pb2.Asset) -> str:
    seconds = asset.create_time.seconds
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC") if seconds else ""


def facet_line(facets: Sequence[asset_pb2.AssetFacet], room: int) -> Content:
    """The most frequent values of each field, as many as there is room for."""
    parts: list[Content] = []
    used = 0
    for facet in facets:
        values = [f"{one.value} {one.count}" for one in facet.values[:3]]
        if not values or (facet.field == "kind" and len(facet.values) < 2):
            continue
        part = words.text((f"{facet.field} ", words.FAINT), (" · ".join(values), words.QUIET))
        if used + part.cell_length > room:
            break
        parts.append(part)
        used += part.cell_length + 3
    return Content("   ").join(parts)


def slip_line(slip: Slip | None, room: int) -> Content:
    """What is wrong with the search, under signs that stand over its column."""
    if slip is None:
        return Content("")
    signs = "▾" * max(1, min(slip.length, 20))
    before = slip.column - 1
    if before + len(signs) + 1 + len(slip.words) <= room:
        return words.text(" " * before, (signs, words.WARN), " ", (slip.words, words.WARN))
    return words.lines(
        [words.text((slip.words, words.WARN)), words.text(" " * min(before, room - 1), (signs, words.WARN))]
    )


def tree_rows(tree: asset_pb2.AssetLineage) -> list[Row]:
    """A tree of descent as rows: what something was made from stands before it."""
    rows = []
    for number, node in enumerate(tree.nodes):
        asset = node.asset
        branch = f"{'   ' * (node.depth - 1)}└─ " if node.depth else ""
        sign = words.text(("▸ ", words.ACCENT)) if node.asked else Content("")
        gone = words.text(("  in the trash", words.FAINT)) if asset.HasField("delete_time") else Content("")
        what = words.text((branch, words.FAINT), sign, title_of(asset), gone)
        made = words.text((asset.making.stage or "", words.QUIET))
        rows.append(Row(f"{number} {asset.name}", (what, standing(asset), made, stars(asset))))
    return rows
