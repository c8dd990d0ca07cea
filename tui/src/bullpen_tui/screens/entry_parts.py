"""The lists of a form: what can be done with their parts. Nothing is changed before the form is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bullpen_api.v1 import asset_pb2, bible_pb2, model_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.bible import parts
from bullpen_tui.bible.kinds import Entry, Field, Kind
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.part_dialogs import ChooseDialog, PartDialog
from bullpen_tui.screens.picker import PickerScreen
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.part_list import PartList

if TYPE_CHECKING:
    from bullpen_tui.screens.base import StudioScreen

    Base = StudioScreen
else:
    Base = object

PART_ACTIONS = ("part_add", "part_edit", "part_remove", "part_up", "part_down", "part_pictures")


class EntryParts(Base):
    """Adding, changing, moving and taking out parts of the list that has the cursor."""

    _kind: Kind
    _project: str
    _resource: str
    _mine: Entry

    def _draw_picture(self) -> None:
        """Shows the picture of the part under the cursor."""
        raise NotImplementedError

    def _list(self, field: Field) -> PartList:
        return self.query_one(f"#field-{field.name}", PartList)

    def _draw_list(self, field: Field) -> None:
        held = parts.listed(self._mine, field)
        numbered = field.way in ("items", "pictures") and len(held) > 1
        rows = []
        for index, part in enumerate(held):
            number = words.text((f"{index + 1:>2} " if numbered else "", words.FAINT))
            rows.append(words.text(number, parts.part_words(self._mine, field, part, self.snapshot)))
        self._list(field).put(rows)

    @property
    def _field(self) -> Field | None:
        """The list that has the cursor."""
        here = self.focused
        if not isinstance(here, PartList):
            return None
        return next((one for one in self._kind.fields if here.id == f"field-{one.name}"), None)

    @property
    def table(self) -> Lister | None:
        """The list that has the cursor, and no other: letters belong to what has the focus."""
        return self.focused if isinstance(self.focused, Lister) else None

    @property
    def _part(self) -> tuple[int, Any]:
        """Place and part under the cursor; -1 and nothing where there is none."""
        field = self._field
        place = self._list(field).place if field is not None else -1
        held = parts.listed(self._mine, field) if field is not None else []
        return (place, held[place]) if 0 <= place < len(held) else (-1, None)

    def check_part(self, action: str) -> bool:
        """Whether one of `PART_ACTIONS` works where the cursor is."""
        field = self._field
        if field is None:
            return False
        place, part = self._part
        count = len(parts.listed(self._mine, field))
        if action == "part_pictures":
            return isinstance(part, bible_pb2.Look)
        if action == "part_edit":
            return part is not None and field.way != "pictures"
        if action in ("part_up", "part_down"):
            return count > 1 and (place > 0 if action == "part_up" else place < count - 1)
        return True if action == "part_add" else part is not None

    def _put(self, field: Field, held: Sequence[Any], cursor: int | None = None) -> None:
        parts.put_listed(self._mine, field, list(held))
        self._draw_list(field)
        if cursor is not None:
            self._list(field).move_to(str(max(0, min(cursor, len(held) - 1))))
        self._draw_picture()
        self.draw_keys()

    def action_part_add(self) -> None:
        """Adds a part: written, or chosen from what there is."""
        if (field := self._field) is None:
            return
        held = parts.listed(self._mine, field)
        if (made := parts.new_part(field)) is not None:
            self._ask_part(field, [*held, made], len(held))
        elif field.way == "loras":
            answer = self.snapshot.answer("models", model_pb2.ListModelsResponse)
            known = [one for one in (answer.models if answer is not None else ()) if "lora" in one.capabilities]
            loras = [one for one in known if one.state == model_pb2.Model.STATE_READY and one.base_model]
            offered = [(one.name, words.text(one.title or leaf(one.name), _trained(one))) for one in loras]
            none = "No LoRA is installed; the models (7) say where they go."
            self._choose("A LoRA", offered, none, field, lambda name: model_pb2.LoraUse(model=name))
        elif field.way == "cast":
            cast = [one for one in self.snapshot.characters_of(self._project) if one.name not in held]
            offered = [(one.name, words.text(one.title or leaf(one.name), _about(one))) for one in cast]
            none = "Nobody else is in the cast; Universe, Cast, n writes a character."
            self._choose("Who is in it", offered, none, field, lambda name: name)
        else:
            self._pick(field, held)

    def _choose(self, title: str, offered: Sequence[tuple[str, Content]], none: str, field: Field, make: Any) -> None:
        def chosen(name: str | None) -> None:
            if name:
                held = parts.listed(self._mine, field)
                self._put(field, [*held, make(name)], len(held))

        self.studio.push_screen(ChooseDialog(title, offered, none), chosen)

    def _pick(self, field: Field, held: list[Any]) -> None:
        assets = [parts.asset_of(one) for one in held]

        def done(names: Sequence[str]) -> None:
            if field.way != "items":
                self._put(field, list(names), 0)
                return
            known = {one.asset: one for one in held}
            self._put(field, [known.get(name) or bible_pb2.ReferenceItem(asset=name) for name in names], 0)

        one = field.way == "picture"
        kind = asset_pb2.Asset.KIND_SOURCE if one else asset_pb2.Asset.KIND_REFERENCE
        title = f"{field.label} of {leaf(self._resource) or 'the new ' + self._kind.title}"
        self.studio.push_screen(PickerScreen(self._project, title, assets, done, one=one, kind=kind))

    def action_part_edit(self) -> None:
        """Changes the part under the cursor."""
        field, (place, part) = self._field, self._part
        if field is None or part is None:
            return
        if field.way == "picture":
            self._pick(field, parts.listed(self._mine, field))
        elif field.way == "cast":
            self._ask_look(field, str(part))
        elif parts.asked(part):
            self._ask_part(field, parts.listed(self._mine, field), place)

    def _ask_part(self, field: Field, held: list[Any], place: int) -> None:
        """Asks about one of these parts; the list is changed when the answer can be kept."""
        part = type(held[place])()
        part.CopyFrom(held[place])
        changed = [*held[:place], part, *held[place + 1 :]]

        def kept(yes: bool | None) -> None:
            if yes:
                self._put(field, changed, place)

        dialog = PartDialog(field.label, parts.asked(part), lambda values: parts.write(part, values))
        self.studio.push_screen(dialog, kept)

    def _ask_look(self, field: Field, character: str) -> None:
        known = self.snapshot.characters.get(character)
        looks = known.looks if known is not None else ()
        offered = [("-", Content("no look: the character's words alone"))]
        offered += [(one.look_id, words.text(one.title or one.look_id, _about(one))) for one in looks]

        def chosen(look: str | None) -> None:
            if look is None or not isinstance(self._mine, bible_pb2.Scene):
                return
            self._mine.looks.pop(leaf(character), None)
            if look != "-":
                self._mine.looks[leaf(character)] = look
            self._draw_list(field)

        self.studio.push_screen(ChooseDialog(f"What {leaf(character)} wears", offered, ""), chosen)

    def action_part_pictures(self) -> None:
        """Chooses the pictures of a look."""
        field, (place, part) = self._field, self._part
        if field is None or not isinstance(part, bible_pb2.Look):
            return

        def done(names: Sequence[str]) -> None:
            held = parts.listed(self._mine, field)
            del held[place].references[:]
            held[place].references.extend(names)
            self._put(field, held, place)

        title = f"pictures of {part.title or part.look_id}"
        self.studio.push_screen(PickerScreen(self._project, title, part.references, done))

    def action_part_remove(self) -> None:
        """Takes the part out of the list; nothing is changed before the form is kept."""
        field, (place, part) = self._field, self._part
        if field is not None and part is not None:
            held = parts.listed(self._mine, field)
            self._put(field, [*held[:place], *held[place + 1 :]], place)

    def action_part_up(self) -> None:
        """Towards the first."""
        self._shift(-1)

    def action_part_down(self) -> None:
        """Towards the last."""
        self._shift(1)

    def _shift(self, by: int) -> None:
        field, (place, part) = self._field, self._part
        if field is None or part is None:
            return
        held = parts.listed(self._mine, field)
        if 0 <= place + by < len(held):
            held[place], held[place + by] = held[place + by], held[place]
            self._put(field, held, place + by)


def _about(one: bible_pb2.Character | bible_pb2.Look) -> tuple[str, str]:
    return (f"   {one.description}" if one.description else "", words.QUIET)


def _trained(one: model_pb2.Model) -> tuple[str, str]:
    return (f"   on {leaf(one.base_model)}", words.QUIET)
