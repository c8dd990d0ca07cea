"""Reads what the bible says for a run: its scenes with their casts, its style guides and its prompt templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bullpend.bible import rules as bible_rules
from bullpend.bible import store as bible
from bullpend.bible.model import CHARACTERS, PROMPT_TEMPLATES, REFERENCE_SETS, STYLE_GUIDES
from bullpend.db import Row
from bullpend.db.database import View
from bullpend.runs import cast
from bullpend.runs.cast import Member, Reference
from bullpend.runs.model import LoraUse
from bullpend.runs.plan import StyleGuideFacts, TemplateFacts

ALL = 1_000_000


class Bible:
    """One project's bible, read once for one plan."""

    def __init__(self, view: View, project: str) -> None:
        self._view = view
        self._project = project
        self._characters = {
            CHARACTERS.name(project, row["slug"]): row
            for row in bible.page(view, CHARACTERS, project, (0, 0), ALL, deleted=True)
        }
        self._sets = {
            REFERENCE_SETS.name(project, row["slug"]): row
            for row in bible.page(view, REFERENCE_SETS, project, (0, 0), ALL)
        }
        self._hashes: dict[str, str] = {}

    def cast(self, scene: Row) -> tuple[Member, ...]:
        """The characters of a scene, in the order in which it names them."""
        return tuple(self._member(name, scene) for name in scene["characters"])

    def style_guides(self) -> tuple[StyleGuideFacts, ...]:
        """Those outside of the trash."""
        found = []
        for row in bible.page(self._view, STYLE_GUIDES, self._project, (0, 0), ALL):
            name = STYLE_GUIDES.name(self._project, row["slug"])
            references, empty = self._references(row, "anchors", name)
            found.append(StyleGuideFacts(name, row["title"], row["variables"], references, empty))
        return tuple(found)

    def templates(self) -> tuple[TemplateFacts, ...]:
        """Those outside of the trash."""
        return tuple(
            TemplateFacts(
                PROMPT_TEMPLATES.name(self._project, row["slug"]),
                row["title"],
                row["stage"],
                row["text"],
                row["negative_text"],
                frozenset(item["variable"] for item in row["variables"]),
                {item["variable"]: item["default_value"] for item in row["variables"] if "default_value" in item},
            )
            for row in bible.page(self._view, PROMPT_TEMPLATES, self._project, (0, 0), ALL)
        )

    def _member(self, name: str, scene: Row) -> Member:
        row = self._characters[name]
        values = bible_rules.values_of(row, scene)
        if not values:
            return Member(name, "")
        worn = scene["looks"].get(row["slug"], "")
        looks = [asset for look in row["looks"] if look["look_id"] == worn for asset in look.get("references", ())]
        own, empty = self._references(row, "references", name, self._pictures(looks, name))
        return Member(
            name,
            values["character"],
            row["negative_prompt"],
            tuple(LoraUse(use["model"], float(use.get("scale", 1.0))) for use in row["loras"]),
            own,
            empty,
        )

    def _references(
        self, row: Row, column: str, name: str, before: Sequence[Reference] = ()
    ) -> tuple[tuple[Reference, ...], str]:
        """The pictures that a row names itself, then those of its set, where that is not in the trash; and the name of
        the set where it is empty.
        """
        kept = self._sets.get(row["reference_set"])
        items = [item["asset"] for item in kept["items"]] if kept is not None else []
        own, of_set = self._pictures(row[column], name), self._pictures(items, row["reference_set"])
        empty = row["reference_set"] if kept is not None and not items else ""
        return cast.references((before, own, of_set)), empty

    def _pictures(self, names: Sequence[str], source: str) -> tuple[Reference, ...]:
        hashes: Mapping[str, str] = {name: self._hash(name) for name in names[: cast.MOST_REFERENCES]}
        return tuple(Reference(name, sha256, source) for name, sha256 in hashes.items())

    def _hash(self, asset: str) -> str:
        if asset not in self._hashes:
            sql = "SELECT sha256 FROM assets WHERE project = ? AND slug = ?"
            self._hashes[asset] = str(self._view.value(sql, self._project, asset.rsplit("/", 1)[-1]))
        return self._hashes[asset]
