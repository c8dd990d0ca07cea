"""What may be written in the bible, as far as other resources decide: they must exist, outside of the trash.

Only what is new is looked at: a name that was there before stays, even where its resource went to the trash since.
Each function raises naming the path of the first field at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from bullpend.assets import origins
from bullpend.assets import store as assets
from bullpend.bible import store
from bullpend.bible.model import CHARACTERS, REFERENCE_SETS, Character, Kind, Message, ReferenceSet, Scene, StyleGuide
from bullpend.db.database import View
from bullpend.errors import FieldInvalid, PathNotAllowed, ReferenceSetEmpty, ResourceNotFound
from bullpend.rpc import names


class Checks:
    """Looks at one resource, as it is said and as it was (`before`), beside the others of its project."""

    def __init__(self, view: View, project: str, style_roots: Sequence[Path]) -> None:
        self._view = view
        self._project = project
        self._style_roots = style_roots

    def check(self, kind: Kind[Any], slug: str, message: Message, before: Message) -> None:
        """Raises ResourceNotFound, PathNotAllowed, FieldInvalid or ReferenceSetEmpty."""
        checks: dict[str, Callable[[Any, Any], None]] = {
            "style_guides": self._style_guide,
            "characters": self._character,
            "scenes": self._scene,
            "reference_sets": self._reference_set,
        }
        if (one := checks.get(kind.table)) is not None:
            one(message, before)
        if isinstance(message, ReferenceSet):
            self._needed(message, kind.name(self._project, slug))

    def _style_guide(self, message: StyleGuide, before: StyleGuide) -> None:
        self._assets(message.anchors, before.anchors, "style_guide.anchors[{}]", of_style=True)
        self._set(message.reference_set, before.reference_set, "style_guide.reference_set", "STYLE")

    def _character(self, message: Character, before: Character) -> None:
        self._assets(message.references, before.references, "character.references[{}]")
        known = {asset for look in before.looks for asset in look.references}
        for index, look in enumerate(message.looks):
            self._assets(look.references, known, f"character.looks[{index}].references[{{}}]")
        self._set(message.reference_set, before.reference_set, "character.reference_set", "CHARACTER")

    def _scene(self, message: Scene, before: Scene) -> None:
        if message.source_asset:
            self._assets([message.source_asset], [before.source_asset], "scene.source_asset")
        for index, name in enumerate(message.characters):
            if name not in before.characters:
                self._live(CHARACTERS, name, f"scene.characters[{index}]")
        for character, look in message.looks.items():
            if before.looks.get(character) != look:
                self._look(character, look)

    def _look(self, character: str, look: str) -> None:
        field = f"scene.looks.{character}"
        row = store.get(self._view, CHARACTERS, self._project, character, field)
        known = [item["look_id"] for item in row["looks"]]
        if look not in known:
            name = f"{CHARACTERS.name(self._project, character)}/looks/{look[:100]}"
            there = ", ".join(known) or "none"
            raise ResourceNotFound(
                f"{character} has no look {look[:100]!r}.",
                field=field,
                remedy=f"The looks of {character} are: {there}.",
                resource=name,
            )

    def _reference_set(self, message: ReferenceSet, before: ReferenceSet) -> None:
        of_style = message.purpose == ReferenceSet.PURPOSE_STYLE
        same = message.purpose == before.purpose
        known = [item.asset for item in before.items] if same else []
        self._assets([item.asset for item in message.items], known, "reference_set.items[{}].asset", of_style=of_style)

    def _needed(self, message: ReferenceSet, name: str) -> None:
        """A set that something needs keeps items and purpose."""
        users = store.users_of_set(self._view, self._project, name)
        shown = ", ".join(user for _, user in users)
        if users and not message.items:
            raise ReferenceSetEmpty(
                f"The set is needed by {shown}, and would be left without items.",
                field="reference_set.items",
                users=shown,
            )
        for kind, user in users:
            wanted = "STYLE" if kind.table == "style_guides" else "CHARACTER"
            if message.purpose != ReferenceSet.Purpose.Value(f"PURPOSE_{wanted}"):
                raise FieldInvalid(
                    f"The set is used by {user}, which needs one for PURPOSE_{wanted}.",
                    field="reference_set.purpose",
                    remedy=f"Name another set in {user} first.",
                    users=shown,
                )

    def _set(self, name: str, before: str, field: str, purpose: str) -> None:
        if not name or name == before:
            return
        row = self._live(REFERENCE_SETS, name, field)
        if row["purpose"] != purpose:
            raise FieldInvalid(
                f"{name} is a set for PURPOSE_{row['purpose']}, and `{field}` needs one for PURPOSE_{purpose}.",
                field=field,
                remedy=f"Name a reference set for PURPOSE_{purpose}.",
            )
        if not row["items"]:
            raise ReferenceSetEmpty(f"{name} has no items, and `{field}` needs some.", field=field, resource=name)

    def _live(self, kind: Kind[Any], name: str, field: str) -> dict[str, Any]:
        owner, slug = names.parse(name, f"projects/*/{kind.collection}/*", field)
        return store.live(self._view, kind, self._project if owner == self._project else "", slug, field)

    def _assets(self, given: Iterable[str], before: Iterable[str], field: str, *, of_style: bool = False) -> None:
        """Assets of the project; those that show a style must have come from the allowed style roots, or by upload."""
        known = set(before)
        for index, name in enumerate(given):
            if name in known:
                continue
            place = field.format(index)
            owner, slug = names.parse(name, "projects/*/assets/*", place)
            row = assets.get(self._view, self._project if owner == self._project else "", slug, place)
            if of_style:
                self._style_origin(name, row["origin"], place)

    def _style_origin(self, name: str, origin: str, field: str) -> None:
        if origins.admitted(origin, self._style_roots):
            return
        allowed = ", ".join(str(root) for root in self._style_roots)
        raise PathNotAllowed(
            f"{name} came from {origin}, outside the allowed style folders.",
            field=field,
            remedy=f"Import it from one of {allowed}, or add its folder to paths.style_roots in daemon.toml.",
            path=origin,
            roots=allowed,
        )
