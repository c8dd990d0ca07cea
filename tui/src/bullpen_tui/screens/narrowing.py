"""Small windows of the gallery: a few lines to write, saved searches and facets to choose from, the tree of descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from bullpen_api.v1 import asset_pb2
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.gallery import words as gallery
from bullpen_tui.gallery.completing import quoted
from bullpen_tui.screens.careful import Careful
from bullpen_tui.screens.dialogs import hint
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp

Line = tuple[str, str, str]
"""Name, value and placeholder of a line to write."""


class LinesDialog(Careful[Mapping[str, str] | None]):
    """A few lines to write; enter in the last one keeps them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("enter", "next", show=False, priority=True),
    ]

    def __init__(self, title: str, lines: Sequence[Line]) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(lines)

    def compose(self) -> ComposeResult:
        """The lines and the keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title).markup
            for name, value, placeholder in self._lines:
                with Horizontal(classes="field"):
                    yield Label(name)
                    yield Input(value, placeholder=placeholder, compact=True, id=f"line-{name}", select_on_focus=False)
            yield Said(classes="problem")
            yield Said(hint(("enter", "next, then keep"), ("esc", "leave it")), classes="hint")

    def action_next(self) -> None:
        """To the next line; from the last one everything is kept."""
        if self.focused is None or self.focused.id != f"line-{self._lines[-1][0]}":
            self.focus_next()
            return
        self.dismiss({name: self.query_one(f"#line-{name}", Input).value.strip() for name, _, _ in self._lines})


Picked = TypeVar("Picked")


class ListDialog(ModalScreen[Picked | None]):
    """Rows to choose from; the screen behind lets it draw when the mirror changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", show=False),
        Binding("enter,l", "choose", show=False),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
    ]
    AUTO_FOCUS = "RowTable"

    @property
    def studio(self) -> StudioApp:
        """The application."""
        return cast("StudioApp", self.app)

    @property
    def table(self) -> RowTable:
        """The rows."""
        return self.query_one(RowTable)

    def on_mount(self) -> None:
        """Draws what is known already."""
        self.draw()

    def draw(self) -> None:
        """Draws the mirror."""
        raise NotImplementedError

    def action_move(self, by: int) -> None:
        """Up or down."""
        if by > 0:
            self.table.action_down()
        else:
            self.table.action_up()

    @on(Lister.Pressed)
    def _pressed(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Takes the row under the cursor."""
        raise NotImplementedError

    def action_leave(self) -> None:
        """Closes and changes nothing."""
        self.dismiss(None)


class NarrowDialog(ListDialog[str]):
    """Saved searches, then what the pictures have. Gives a part to add to the search, or a whole one after `=`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("d", "forget", show=False), Binding("u", "undo", show=False)]

    def __init__(self, project: str, facets: Sequence[asset_pb2.AssetFacet]) -> None:
        super().__init__()
        self._project = project
        self._facets = tuple(facets)
        self._forgotten: list[asset_pb2.SavedSearch] = []
        self._begun = False

    def compose(self) -> ComposeResult:
        """The rows and the keys."""
        with Vertical(classes="dialog wide tall") as dialog:
            dialog.border_title = "Narrow by"
            columns = (Column("", width=10), Column("", minimum=20, weight=2), Column("", width=9, right=True))
            yield RowTable(columns, head=False, empty="Nothing to narrow by yet.", dom_id="narrow")
            keys = hint(("enter", "take it"), ("d", "forget a saved one"), ("u", "undo"), ("esc", "leave"))
            yield Said(keys, classes="hint")

    def draw(self) -> None:
        """Saved searches, and then each field's values."""
        kept = self.studio.snapshot.answer(f"searches {self._project}", asset_pb2.ListSavedSearchesResponse)
        gone = {one.name for one in self._forgotten}
        saved = [one for one in kept.saved_searches if one.name not in gone] if kept is not None else []
        rows = [
            Row(f"={one.filter}\n{one.name}", (words.text(("saved", words.ACCENT)), _saved(one), Content("")))
            for one in saved
        ]
        for facet in self._facets:
            for value in facet.values:
                part = f"{facet.field}:{quoted(value.value)}"
                cells = (words.text((facet.field, words.FAINT)), Content(value.value), Content(f"{value.count:,}"))
                rows.append(Row(part, cells))
        self.table.set_rows(rows)
        if kept is not None and not self._begun:
            # What was saved stands first, and comes after the facets were drawn.
            self._begun = True
            self.table.action_first()

    def action_choose(self) -> None:
        """Takes a saved search, or adds a part."""
        if key := self.table.cursor_key:
            self.dismiss(key.split("\n")[0])

    def action_forget(self) -> None:
        """Forgets the saved search under the cursor; `u` keeps it again."""
        key = self.table.cursor_key or ""
        if "\n" in key:
            self.studio.errands.forget_search(key.split("\n")[1], self)

    def on_search_forgotten(self, message: say.SearchForgotten) -> None:
        """Takes it out of the rows."""
        self._forgotten.append(message.search)
        self.draw()

    def action_undo(self) -> None:
        """Keeps again what was forgotten last."""
        if self._forgotten:
            one = self._forgotten.pop()
            slug = one.name.rsplit("/", 1)[-1]
            self.studio.errands.save_search(self._project, slug, one.title, one.filter, self)

    def on_search_saved(self, message: say.SearchSaved) -> None:
        """Shows it again, and reads them anew: it stands at the end now."""
        self.draw()
        self.studio.reading.saved_searches(self._project)


def _saved(one: asset_pb2.SavedSearch) -> Content:
    return words.text(one.title, (f"   {one.filter}", words.QUIET))


class TreeDialog(ListDialog[tuple[str, str]]):
    """The descent of a picture as a tree. Gives name and title of the one that was chosen."""

    def __init__(self, asset: str) -> None:
        super().__init__()
        self._asset = asset
        self._drawn: asset_pb2.AssetLineage | None = None

    def compose(self) -> ComposeResult:
        """The rows and the keys."""
        with Vertical(classes="dialog wide tall") as dialog:
            dialog.border_title = "Descent"
            columns = (
                Column("", minimum=24, weight=3),
                Column("", width=10),
                Column("", width=11, drop=1),
                Column("", width=5),
            )
            yield RowTable(columns, head=False, empty="Reading…", dom_id="tree")
            yield Said(hint(("enter", "show it"), ("esc", "leave")), classes="hint")

    def draw(self) -> None:
        """The tree, when it is there; the cursor begins on the one that was asked for."""
        tree = self.studio.snapshot.answer(f"tree {self._asset}", asset_pb2.AssetLineage)
        if tree is None or tree is self._drawn:
            return
        first, self._drawn = self._drawn is None, tree
        rows = gallery.tree_rows(tree)
        self.table.set_rows(rows)
        if first:
            self.table.move_to(next((row.key for row in rows if row.key.endswith(f" {self._asset}")), ""))

    def action_choose(self) -> None:
        """Takes the picture under the cursor."""
        key = self.table.cursor_key
        if key and self._drawn is not None:
            node = self._drawn.nodes[int(key.split(" ", 1)[0])]
            self.dismiss((node.asset.name, node.asset.display_name))
