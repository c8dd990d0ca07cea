"""Entry: the form of one scene, character, style guide, reference set or prompt template.

What is written stays until it is kept or thrown away on purpose: a refused save, a lost daemon and somebody who was
faster leave it in the form.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from bullpen_api.v1 import bible_pb2, run_pb2
from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Label, Select, TextArea

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.bible import draft, needs, parts
from bullpen_tui.bible.kinds import LISTED, Entry, Field, Kind
from bullpen_tui.fields import UNREAD
from bullpen_tui.mirror import leaf
from bullpen_tui.plan import FormError
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.dialogs import hint, slug_of
from bullpen_tui.screens.entry_keeping import NAME, EntryKeeping
from bullpen_tui.screens.entry_parts import PART_ACTIONS, EntryParts
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.part_list import PartList
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.prose import Prose
from bullpen_tui.widgets.said import Said

LINES = 5
"""Lines that a text may take before it scrolls."""


class EntryScreen(EntryParts, EntryKeeping, StudioScreen):
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

    def body(self) -> Iterable[Widget]:
        """The fields, a picture beside them, and what is wrong below."""
        with Horizontal():
            with VerticalScroll(classes="pane", id="entry-form", can_focus=False) as form:
                form.border_subtitle = "* is needed"
                form.border_title = f"New {self._kind.title}" if self.is_new else Content(leaf(self._resource)).markup
                for field in self._kind.fields:
                    with Horizontal(classes="field", id=f"row-{field.name}"):
                        yield Label(
                            words.text(field.label, (" *" if needs.needed(self._kind, field) else "", words.ACCENT))
                        )
                        yield self._widget(field)
                    if field.name == "title" and self.is_new:
                        with Horizontal(classes="field", id="row-slug"):
                            yield Label("name")
                            yield Input(
                                placeholder="a–z, 0–9, _ and -; it stays for ever",
                                compact=True,
                                id=NAME,
                                select_on_focus=False,
                            )
            if self._kind.pictured:
                with Vertical(classes="pane", id="entry-side"):
                    yield Picture(self.studio.graphics, "the picture under\nthe cursor", dom_id="entry-picture")
        yield Said(dom_id="entry-help")
        yield Said(dom_id="entry-problem")

    def _widget(self, field: Field) -> Widget:
        name = f"field-{field.name}"
        if field.way == "choice":
            return Select[str]([("reading…", UNREAD)], allow_blank=False, compact=True, id=name)
        if field.way in LISTED:
            return PartList(field.hint, name)
        if field.way in ("words", "pairs"):
            return Prose(field.hint, name, listed=field.way == "pairs")
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
                area = self.query_one(f"#field-{field.name}", TextArea)
                area.text = text
                area.cursor_location = area.document.end
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

    def _offer(self, field: Field) -> None:
        select: Select[str] = self.query_one(f"#field-{field.name}", Select)
        options = self._options(field)
        known = self._choices.get(field.name)
        now = draft.text_of(self._mine, field) if select.value == UNREAD else str(select.value)
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
        if field.name == "provider":
            now = draft.text_of(self._mine, field)
            ask = [("choose who it is with", "0")] if now == "0" else []
            known = [(name, str(number)) for number, name in draft.PROVIDERS.items()]
            return ask + (known if self.is_new else [one for one in known if one[1] == now])
        if field.name == "stage":
            stages = self.snapshot.answer("stages", run_pb2.ListStagesResponse)
            found = stages.stages if stages is not None else ()
            return [("any stage", ""), *((one.title or leaf(one.name), one.name) for one in found)]
        wanted = bible_pb2.ReferenceSet.PURPOSE_STYLE
        if self._kind.singular == "character":
            wanted = bible_pb2.ReferenceSet.PURPOSE_CHARACTER
        sets = self.snapshot.reference_sets_of(self._project)
        fitting = [(one.title or leaf(one.name), one.name) for one in sets if one.purpose == wanted and one.items]
        return [("nothing" if fitting else "nothing; no such set has pictures yet", ""), *fitting]

    @on(TextArea.Changed)
    def _grown(self) -> None:
        self.call_after_refresh(self._grow)

    def _grow(self) -> None:
        """Gives each text the lines that it takes in the width that it has."""
        for area in self.query(TextArea):
            area.styles.height = max(1, min(LINES, area.wrapped_document.height))

    def on_resize(self) -> None:
        """Texts take other lines in another width."""
        super().on_resize()
        self.call_after_refresh(self._grow)

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
    @on(Prose.Done)
    def _next(self, event: Input.Submitted | Prose.Done) -> None:
        event.stop()
        self.focus_next()

    def on_descendant_focus(self) -> None:
        """Other keys work in a list than in a text."""
        self._draw_picture()
        self._help()
        self.draw_keys()

    def _help(self) -> None:
        """Says what the field with the cursor is good for, and which keys work in it."""
        here = self.focused.id if self.focused is not None else None
        field = next((one for one in self._kind.fields if here == f"field-{one.name}"), None)
        if field is not None:
            lines = [words.text((field.help, words.QUIET)), hint(*needs.keys_of(field))]
            self.query_one("#entry-help", Said).say(words.lines(lines))
        elif here == NAME:
            told = "The name in commands and files; it stays as it is for ever."
            lines = [words.text((told, words.QUIET)), hint(("enter", "next field"))]
            self.query_one("#entry-help", Said).say(words.lines(lines))

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
            self._pictured = "" if message.passing else message.asset

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works where the cursor is."""
        if action == "save_entry":
            return not self._saving
        return self.check_part(action) if action in PART_ACTIONS else True

    # --- leaving -----------------------------------------------------------------------------------------------------

    @property
    def would_lose(self) -> str:
        """What was written and not kept."""
        try:
            lost = bool(draft.changed(self._base, self._collected(), self._kind.names))
        except FormError:
            lost = True
        return "What you wrote here is not kept yet." if lost else ""

    def action_back(self) -> None:
        """Leaves; where something would be lost it asks."""
        self.leave_form()
