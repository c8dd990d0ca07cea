"""Picker: pictures of the project, taken in an order, and new ones of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from bullpen_api.v1 import asset_pb2
from textual import on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.bible import told
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said, entitle

Kind = asset_pb2.Asset
KINDS = {
    Kind.KIND_SOURCE: "source",
    Kind.KIND_REFERENCE: "reference",
    Kind.KIND_CANDIDATE: "candidate",
    Kind.KIND_POSTPROCESS: "post-process",
    Kind.KIND_EXPORT: "export",
}
EMPTY = words.text("No picture yet.\n\n", ("i", "bold $accent"), " brings in pictures of this machine.")


class PickerScreen(StudioScreen):
    """The pictures with a number before those that are taken. `done` gets the assets in the order of their taking."""

    place: ClassVar[str] = "picker"
    tab: ClassVar[str] = "universe"

    def __init__(
        self,
        project: str,
        title: str,
        taken: Iterable[str],
        done: Callable[[Sequence[str]], None],
        *,
        one: bool = False,
        kind: asset_pb2.Asset.Kind.ValueType = Kind.KIND_REFERENCE,
    ) -> None:
        super().__init__()
        self._project = project
        self._title = title
        self._taken = list(taken)
        self._done = done
        self._one = one
        self._kind = kind
        self._pictured = ""

    def body(self) -> Iterable[Widget]:
        """The list, and the picture under the cursor."""
        with Horizontal():
            with Vertical(classes="pane", id="picker-list") as pane:
                pane.border_title = self._title
                columns = (
                    Column("", width=4),
                    Column("picture", minimum=16, weight=3),
                    Column("kind", width=12, drop=1),
                    Column("size", width=11, drop=2),
                )
                yield RowTable(columns, empty="Reading…", dom_id="pictures")
            with Vertical(classes="pane", id="picker-picture"):
                yield Picture(self.studio.graphics, dom_id="picked")
                yield Said(dom_id="picked-words")

    @property
    def _table(self) -> RowTable:
        return self.query_one("#pictures", RowTable)

    def draw(self) -> None:
        """Draws the list; asks for the newest pictures once."""
        self.studio.reading.assets(self._project)
        if self.studio.reading.known(f"assets {self._project}"):
            self._table.set_empty(EMPTY)
        self._table.set_rows([self._row(asset) for asset in self.snapshot.assets_of(self._project)])
        count = f"{self._title}   {words.plural(len(self._taken), 'picture')} taken"
        entitle(self.query_one("#picker-list"), self._title if self._one else count)
        self._show()

    def _row(self, asset: asset_pb2.Asset) -> Row:
        number = self._taken.index(asset.name) + 1 if asset.name in self._taken else 0
        sign = "✓" if self._one else str(number)
        box = words.text((f"[{sign}]", words.ACCENT)) if number else words.text(("[ ]", words.FAINT))
        size = f"{asset.width}×{asset.height}" if asset.width else words.DASH
        return Row(
            asset.name,
            (
                box,
                Content(asset.display_name or leaf(asset.name)[:16]),
                words.text((KINDS.get(asset.kind, words.DASH), words.QUIET)),
                words.text((size, words.QUIET)),
            ),
        )

    @on(Lister.Moved)
    def _show(self) -> None:
        key = self._table.cursor_key or ""
        asset = self.snapshot.assets.get(key)
        if asset is not None:
            lines = [Content(asset.display_name), words.text((asset.licence or asset.origin, words.FAINT))]
            self.query_one("#picked-words", Said).say(words.lines(lines))
        if key == self._pictured:
            return
        self._pictured = key
        have = self.studio.pictures.have(key, True) if key else None
        if key and have is None:
            self.studio.want_picture(key, self)
        self.query_one("#picked", Picture).show(have)

    def on_picture_arrived(self, message: say.PictureArrived) -> None:
        """Shows it, if it is still under the cursor."""
        if message.asset == self._pictured:
            self.query_one("#picked", Picture).show(message.picture)

    def on_picture_missed(self, message: say.PictureMissed) -> None:
        """Says why there is no picture."""
        if message.asset == self._pictured:
            self.query_one("#picked", Picture).show(None, str(message.error))
            self._pictured = "" if message.passing else message.asset

    @on(RowTable.EndNeared)
    def _read_more(self) -> None:
        self.studio.reading.more_assets(self._project)

    # --- actions -----------------------------------------------------------------------------------------------------

    def action_pick(self) -> None:
        """Takes the picture under the cursor, or leaves it."""
        key = self._table.cursor_key
        if key is None:
            return
        if key in self._taken:
            self._taken.remove(key)
        else:
            self._taken = [key] if self._one else [*self._taken, key]
        self.draw()
        if not self._one:
            self._table.action_down()

    def action_pick_done(self) -> None:
        """Back with what is taken; where one is wanted and none is taken, with the one under the cursor."""
        key = self._table.cursor_key
        if self._one and key is not None:
            self._taken = [key]
        self._done(self._taken)
        self.dismiss()

    def action_bring_in(self) -> None:
        """Asks for pictures of this machine."""
        from bullpen_tui.screens.part_dialogs import BringDialog

        what = "They become pictures of the project, and are taken here."
        self.studio.push_screen(BringDialog(what), self._bring)

    def _bring(self, path: Path | None) -> None:
        if path is not None:
            self.studio.errands.take_pictures(self._project, path, self._kind, False, self)

    def on_pictures_taken(self, message: told.PicturesTaken) -> None:
        """Takes what came in."""
        names = [asset.name for asset in message.assets]
        self._taken = names[-1:] if self._one else [*self._taken, *(one for one in names if one not in self._taken)]
        self.draw()
        if names:
            self._table.move_to(names[0])
            self.notify(f"{words.plural(len(names), 'picture')} brought in.")
        if message.failed:
            self.notify("\n".join(message.failed[:4]), title="Not brought in", severity="error")

    def action_back(self) -> None:
        """Drops the filter, else goes back and changes nothing."""
        if not self.drop_filter():
            self.dismiss()
