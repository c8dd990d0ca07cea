"""Keeping what a form says: what is missing, what was refused, and what somebody else wrote meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bullpen_api.v1 import run_pb2
from bullpen_client.errors import BullpenError, EtagMismatch
from textual.content import Content
from textual.widgets import Input, Select, TextArea

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.bible import draft, needs, told
from bullpen_tui.bible.kinds import LISTED, Entry, Field, Kind
from bullpen_tui.fields import UNREAD
from bullpen_tui.mirror import Listed, leaf
from bullpen_tui.plan import FormError
from bullpen_tui.port import sentence
from bullpen_tui.screens.dialogs import SLUG
from bullpen_tui.screens.part_dialogs import ConflictDialog
from bullpen_tui.widgets.said import Said

if TYPE_CHECKING:
    from bullpen_tui.screens.base import StudioScreen

    Base = StudioScreen
else:
    Base = object

NAME = "entry-slug"
"""The field of the name that stays for ever."""


class EntryKeeping(Base):
    """What F5 does in the form of an entry."""

    _kind: Kind
    _project: str
    _resource: str
    _base: Entry
    _mine: Entry
    _saving: bool
    _request_id: str
    _choices: dict[str, list[tuple[str, str]]]

    @property
    def is_new(self) -> bool:
        """Whether nothing is kept yet."""
        return not self._resource

    def _fill(self) -> None:
        """Writes the draft into the fields."""
        raise NotImplementedError

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
        paths = draft.changed(self._base, mine, self._kind.names)
        if (wrong := self._lacks(mine, slug, paths)) is not None:
            field, sentence_ = wrong
            self._point_at(field)
            if field is None:
                self.query_one(f"#{NAME}", Input).focus()
            label = field.label if field is not None else "name"
            self._say(("! ", words.WARN), (f"{label}: ", words.STRONG), sentence_)
            return
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

    def _lacks(self, mine: Entry, slug: str, paths: Sequence[str]) -> tuple[Field | None, str] | None:
        """The first thing that is missing, with its field; no field where it is the name."""
        if self.is_new and not slug and not mine.title:
            return self._kind.field("title"), "needed; you find it again by it, and its name is made of it."
        if self.is_new and not SLUG.fullmatch(slug):
            return None, "a–z first, then a–z, 0–9, _ or -, at most 63 in all."
        stages = self.snapshot.answer("stages", run_pb2.ListStagesResponse)
        wanted = needs.style_values(stages.stages if stages is not None else ())
        return needs.missing(self._kind, mine, wanted, None if self.is_new else paths)

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
        for name in self._choices:
            self.query_one(f"#field-{name}", Select).set_options([("", UNREAD)])
        self._choices.clear()
        self._fill()
        self.draw()
        self.action_save_entry()
