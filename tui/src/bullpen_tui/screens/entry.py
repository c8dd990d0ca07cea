"""Entry: the form of one scene, character, style guide, reference set or prompt template.

What is written stays until it is kept or thrown away on purpose: a refused save, a lost daemon and somebody who was
faster leave it in the form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from bullpen_api.v1 import asset_pb2, bible_pb2, model_pb2, run_pb2
from bullpen_client.errors import BullpenError, EtagMismatch
from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Label, Select, TextArea

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.bible import draft, parts, told
from bullpen_tui.bible.kinds import LISTED, Entry, Field, Kind
from bullpen_tui.mirror import Listed, leaf
from bullpen_tui.plan import FormError
from bullpen_tui.port import sentence
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.dialogs import SLUG, ConfirmDialog, slug_of
from bullpen_tui.screens.part_dialogs import ChooseDialog, ConflictDialog, PartDialog
from bullpen_tui.screens.picker import PickerScreen
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said

LINES = 5
"""Lines that a text or a list may take before it scrolls."""
NAME = "entry-slug"
PART_ACTIONS = ("part_add", "part_edit", "part_remove", "part_up", "part_down", "part_pictures")


class EntryScreen(StudioScreen):
    """The form. F5 keeps what it says."""

    place: ClassVar[str] = "entry"
    tab: ClassVar[str] = "universe"
    AUTO_FOCUS = ""

    def __init__(self, kind: Kind, project: str, name: str = "", begin: Entry | None = None) -> None:
        super().__init__()
        self._kind = kind
        self._project = project
        self._resource = name
        self._begin = begin
        self._base: Entry = kind.message()
        self._mine: Entry = kind.message()
        self._own_slug = False
        self._saving = False
        self._asked = False
        self._pictured = ""
        self._request_id = ""
        self._choices: dict[str, list[tuple[str, str]]] = {}

    @property
    def is_new(self) -> bool:
        """Whether nothing is kept yet."""
        return not self._resource

    def body(self) -> Iterable[Widget]:
        """The fields, a picture beside them, and what is wrong below."""
        with Horizontal():
            with VerticalScroll(classes="pane", id="entry-form", can_focus=False) as form:
                form.border_title = f"New {self._kind.title}" if self.is_new else Content(leaf(self._resource)).markup
                for field in self._kind.fields:
                    with Horizontal(classes="field", id=f"row-{field.name}"):
                        yield Label(field.label)
                        yield self._widget(field)
                    if field.name == "title" and self.is_new:
                        with Horizontal(classes="field", id="row-slug"):
                            yield Label("name")
                            yield Input(placeholder="a–z, 0–9, _ and -; it stays for ever", compact=True, id=NAME)
            if self._kind.pictured:
                with Vertical(classes="pane", id="entry-side"):
                    yield Picture(self.studio.graphics, "the picture under\nthe cursor", dom_id="entry-picture")
        yield Said(dom_id="entry-problem")

    def _widget(self, field: Field) -> Widget:
        name = f"field-{field.name}"
        if field.way == "choice":
            return Select[str]([("", "")], allow_blank=False, compact=True, id=name)
        if field.way in LISTED:
            empty = words.text(("none; ", words.FAINT), ("a", "bold $accent"), (f" adds {field.hint}", words.FAINT))
            return RowTable((Column(""),), head=False, empty=empty, dom_id=name)
        if field.way in ("words", "pairs"):
            return TextArea(compact=True, placeholder=field.hint, highlight_cursor_line=False, id=name)
        return Input(placeholder=field.hint, compact=True, id=name, select_on_focus=False)

    def on_mount(self) -> None:
        """Fills the form, once, from the mirror or from what is to be begun with."""
        if self._resource:
            shelf: Any = getattr(self.snapshot, f"{self._kind.singular}s")
            known = shelf.get(self._resource)
            if known is not None:
                self._base = draft.copy_of(known)
        self._mine = draft.copy_of(self._begin if self._begin is not None else self._base)
        self._request_id = self.studio.request_id()
        self._fill()
        super().on_mount()
        self.query_one("#field-title").focus()

    def _fill(self) -> None:
        for field in self._kind.fields:
            if field.way in LISTED or field.way == "choice":
                continue
            text = draft.text_of(self._mine, field)
            if field.way in ("words", "pairs"):
                self.query_one(f"#field-{field.name}", TextArea).text = text
            else:
                self.query_one(f"#field-{field.name}", Input).value = text

    # --- drawing -----------------------------------------------------------------------------------------------------

    def draw_chrome(self) -> None:
        """Frame, and what can be chosen from."""
        super().draw_chrome()
        self.draw()

    def draw(self) -> None:
        """Draws lists and choices; what is written stays as it is."""
        if self.studio.connected and not self._asked:
            self._asked = True
            self.studio.reading.bible(self._project)
            self.studio.reading.stages()
            self.studio.reading.models()
            self.studio.reading.assets(self._project)
        for field in self._kind.fields:
            if field.way in LISTED:
                self._draw_list(field)
            elif field.way == "choice":
                self._offer(field)
        self._draw_picture()

    def _draw_list(self, field: Field) -> None:
        table = self.query_one(f"#field-{field.name}", RowTable)
        held = parts.listed(self._mine, field)
        numbered = field.way in ("items", "pictures") and len(held) > 1
        rows = []
        for index, part in enumerate(held):
            number = words.text((f"{index + 1:>2} " if numbered else "", words.FAINT))
            about = parts.part_words(self._mine, field, part, self.snapshot)
            rows.append(Row(str(index), (words.text(number, about),)))
        table.styles.height = max(1 if held else 2, min(LINES, len(rows)))
        table.set_rows(rows)

    def _offer(self, field: Field) -> None:
        select: Select[str] = self.query_one(f"#field-{field.name}", Select)
        options = self._options(field)
        known = self._choices.get(field.name)
        now = draft.text_of(self._mine, field) if known is None else str(select.value)
        if now not in [value for _, value in options]:
            options = [*options, (leaf(now), now)]
        if options != known:
            self._choices[field.name] = options
            with select.prevent(Select.Changed):
                select.set_options(options)
                select.value = now

    def _options(self, field: Field) -> list[tuple[str, str]]:
        if field.name == "purpose":
            ask = [("choose what it is for", "0")] if draft.text_of(self._mine, field) == "0" else []
            return ask + [(name, str(number)) for number, name in draft.PURPOSES.items()]
        if field.name == "stage":
            stages = self.snapshot.answer("stages", run_pb2.ListStagesResponse)
            found = stages.stages if stages is not None else ()
            return [("any stage", ""), *((one.title or leaf(one.name), one.name) for one in found)]
        wanted = bible_pb2.ReferenceSet.PURPOSE_STYLE
        if self._kind.singular == "character":
            wanted = bible_pb2.ReferenceSet.PURPOSE_CHARACTER
        sets = self.snapshot.reference_sets_of(self._project)
        fitting = [(one.title or leaf(one.name), one.name) for one in sets if one.purpose == wanted and one.items]
        return [("nothing" if fitting else "nothing; there is no such reference set with pictures", ""), *fitting]

    @on(TextArea.Changed)
    def _grow(self, event: TextArea.Changed) -> None:
        area = event.text_area
        area.styles.height = max(1, min(LINES, area.wrapped_document.height))

    @on(Input.Changed, "#field-title")
    def _titled(self, event: Input.Changed) -> None:
        if self.is_new and not self._own_slug:
            slug = self.query_one(f"#{NAME}", Input)
            with slug.prevent(Input.Changed):
                slug.value = slug_of(event.value)

    @on(Input.Changed, f"#{NAME}")
    def _slugged(self) -> None:
        self._own_slug = True

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    def on_descendant_focus(self) -> None:
        """Other keys work in a list than in a text."""
        self._draw_picture()
        self.draw_keys()

    @on(Lister.Moved)
    def _other_part(self) -> None:
        self._draw_picture()

    def _draw_picture(self) -> None:
        if not self._kind.pictured or not self.query("#entry-picture"):
            return
        _, part = self._part
        asset = parts.asset_of(part) if part is not None else ""
        if not asset:
            held = (one for field in self._kind.fields for one in self._all(field))
            asset = self._pictured or next((found for one in held if (found := parts.asset_of(one))), "")
        if not asset or asset == self._pictured:
            return
        self._pictured = asset
        have = self.studio.pictures.have(asset, True)
        if have is None:
            self.studio.want_picture(asset, self)
        self.query_one("#entry-picture", Picture).show(have)

    def _all(self, field: Field) -> list[Any]:
        return parts.listed(self._mine, field) if field.way in LISTED else []

    def on_picture_arrived(self, message: say.PictureArrived) -> None:
        """Shows it, if it is still under the cursor."""
        if message.asset == self._pictured:
            self.query_one("#entry-picture", Picture).show(message.picture)

    def on_picture_missed(self, message: say.PictureMissed) -> None:
        """Says why there is no picture."""
        if message.asset == self._pictured:
            self.query_one("#entry-picture", Picture).show(None, str(message.error))

    # --- parts -------------------------------------------------------------------------------------------------------

    @property
    def _field(self) -> Field | None:
        """The list that has the cursor."""
        here = self.focused
        if not isinstance(here, RowTable) or here.id is None:
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
        key = self.query_one(f"#field-{field.name}", RowTable).cursor_key if field is not None else None
        if field is None or key is None:
            return -1, None
        held = parts.listed(self._mine, field)
        return (int(key), held[int(key)]) if int(key) < len(held) else (-1, None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works where the cursor is."""
        if action == "save_entry":
            return not self._saving
        if action not in PART_ACTIONS:
            return True
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
            self.query_one(f"#field-{field.name}", RowTable).move_to(str(max(0, min(cursor, len(held) - 1))))
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

    # --- keeping -----------------------------------------------------------------------------------------------------

    def _collected(self) -> Entry:
        """The draft with what the text fields say. Raises FormError, with the cursor in the field."""
        mine = draft.copy_of(self._mine)
        for field in self._kind.fields:
            if field.way in LISTED:
                continue
            widget = self.query_one(f"#field-{field.name}")
            text = widget.text if isinstance(widget, TextArea) else str(getattr(widget, "value", ""))
            try:
                draft.put_text(mine, field, text)
            except FormError:
                self._point_at(field)
                raise
        return mine

    def _point_at(self, field: Field | None) -> None:
        for row in self.query(".field"):
            row.set_class(field is not None and row.id == f"row-{field.name}", "-wrong")
        if field is not None:
            self.query_one(f"#field-{field.name}").focus()

    def _say(self, *what: str | tuple[str, str] | Content) -> None:
        self.query_one("#entry-problem", Said).say(words.text(*what))

    def action_save_entry(self) -> None:
        """Keeps what the form says: the fields that were changed, and no others."""
        if self._saving:
            return
        try:
            mine = self._collected()
        except FormError as problem:
            self._say(("! ", words.WARN), str(problem))
            return
        self._point_at(None)
        slug = self.query_one(f"#{NAME}", Input).value.strip() if self.is_new else ""
        if self.is_new and not SLUG.fullmatch(slug):
            self._say(("! ", words.WARN), "name: a–z first, then a–z, 0–9, _ or -, at most 63 in all.")
            self.query_one(f"#{NAME}", Input).focus()
            return
        paths = draft.changed(self._base, mine, self._kind.names)
        if not self.is_new and not paths:
            self.notify("Nothing was changed.")
            self.dismiss()
            return
        self._mine, self._saving = mine, True
        self._say(("● ", words.ACCENT), "keeping it…")
        self.draw_keys()
        errands = self.studio.errands
        if self.is_new:
            errands.create_entry(self._kind, self._project, slug, mine, self._request_id, self)
        else:
            mine.name, mine.etag = self._base.name, self._base.etag
            errands.update_entry(mine, paths, self)

    def on_entry_kept(self, message: told.EntryKept) -> None:
        """Back, with the news in the mirror."""
        self.studio.post_message(say.ChangesArrived((Listed((message.entry,)),)))
        self.notify(f"{message.entry.title or leaf(message.entry.name)} is kept.")
        if self in self.studio.screen_stack:
            while self.studio.screen is not self:
                self.studio.pop_screen()
            self.dismiss()

    def on_entry_refused(self, message: told.EntryRefused) -> None:
        """Says which field, and what to do; what was written stays."""
        self._saving = False
        self._request_id = self.studio.request_id()
        self.draw_keys()
        error = message.error
        if isinstance(error, EtagMismatch):
            self._say(("⚑ ", words.WARN), "Somebody changed it meanwhile; reading what they wrote…")
            self.studio.errands.read_entry(self._resource, self)
            return
        self._explain(error)

    def _explain(self, error: BullpenError) -> None:
        field = self._kind.field(error.field)
        if error.field.endswith("_id") and self.is_new and "." not in error.field:
            self.query_one(f"#{NAME}", Input).focus()
            self._say(("✗ ", words.BAD), ("name: ", words.STRONG), sentence(error))
            return
        self._point_at(field)
        self._say(("✗ ", words.BAD), (f"{field.label}: " if field else "", words.STRONG), sentence(error))

    def on_entry_read(self, message: told.EntryRead) -> None:
        """Shows both, and lets the person choose; what is not chosen for the other stays mine."""
        theirs = message.entry
        found = draft.clashes(self._base, self._mine, theirs, self._kind)
        if not found:
            self._unite(theirs, frozenset())
            return
        title = f"{leaf(self._resource)} was changed twice"
        self._say(("⚑ ", words.WARN), "It was changed by somebody else too; F5 shows both again.")
        self.studio.push_screen(
            ConflictDialog(title, found), lambda kept: None if kept is None else self._unite(theirs, kept)
        )

    def _unite(self, theirs: Entry, keep_theirs: frozenset[str]) -> None:
        self._mine = draft.united(self._base, self._mine, theirs, self._kind, keep_theirs)
        self._base = draft.copy_of(theirs)
        self._choices.clear()
        self._fill()
        self.draw()
        self.action_save_entry()

    def action_back(self) -> None:
        """Leaves; where something would be lost it asks."""
        try:
            lost = bool(draft.changed(self._base, self._collected(), self._kind.names))
        except FormError:
            lost = True
        if not lost:
            self.dismiss()
            return
        question = "Leave without keeping what you wrote?"
        self.studio.push_screen(ConfirmDialog(question, "throw it away"), self._leave)

    def _leave(self, yes: bool | None) -> None:
        if yes:
            self.dismiss()


def _about(one: bible_pb2.Character | bible_pb2.Look) -> tuple[str, str]:
    return (f"   {one.description}" if one.description else "", words.QUIET)


def _trained(one: model_pb2.Model) -> tuple[str, str]:
    return (f"   on {leaf(one.base_model)}", words.QUIET)
