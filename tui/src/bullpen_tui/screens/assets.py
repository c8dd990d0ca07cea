"""Assets: the pictures of a project as a list, with the one under the cursor beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import asset_pb2
from textual import on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said

COLUMNS = (
    Column("picture", minimum=30, weight=3),
    Column("kind", width=9),
    Column("pixels", width=9, right=True, drop=2),
    Column("size", width=6, right=True, drop=3),
    Column("made", width=10, right=True, drop=1),
)

_KINDS = {
    asset_pb2.Asset.KIND_UNSPECIFIED: ("file", words.QUIET),
    asset_pb2.Asset.KIND_SOURCE: ("source", words.QUIET),
    asset_pb2.Asset.KIND_REFERENCE: ("reference", words.QUIET),
    asset_pb2.Asset.KIND_CANDIDATE: ("candidate", words.ACCENT),
    asset_pb2.Asset.KIND_POSTPROCESS: ("post", words.ACCENT),
    asset_pb2.Asset.KIND_EXPORT: ("export", words.GOOD),
}


def asset_row(asset: asset_pb2.Asset, now: float) -> Row:
    """One asset for `COLUMNS`."""
    return Row(
        asset.name,
        (
            Content(asset.display_name or leaf(asset.name)[:16]),
            words.text(_KINDS.get(asset.kind, _KINDS[asset_pb2.Asset.KIND_UNSPECIFIED])),
            words.text((f"{asset.width}×{asset.height}" if asset.width else words.DASH, words.QUIET)),
            words.text((words.size(asset.size_bytes), words.QUIET)),
            words.text((words.ago(asset.create_time, now), words.QUIET)),
        ),
    )


def recipe(asset: asset_pb2.Asset) -> Content:
    """What is known of an asset, in lines."""
    facts = [
        ("origin", asset.origin.removeprefix(asset.name.split("/assets/")[0] + "/")),
        ("from", ", ".join(leaf(one)[:12] for one in asset.derived_from)),
        ("licence", asset.licence),
        ("tags", ", ".join(asset.tags)),
        ("sha256", asset.sha256[:16] + "…" if asset.sha256 else ""),
        ("path", asset.path),
    ]
    rows = [words.text((f"{label:<8}", words.FAINT), value) for label, value in facts if value]
    return words.lines(rows)


class AssetsScreen(StudioScreen):
    """The list at the left, picture and recipe at the right."""

    place: ClassVar[str] = "assets"

    def __init__(self) -> None:
        super().__init__()
        self._pictured = ""

    def body(self) -> Iterable[Widget]:
        """List, picture, recipe."""
        with Horizontal():
            with Vertical(classes="pane", id="assets-pane"):
                yield RowTable(COLUMNS, empty="Reading…", dom_id="assets")
            with Vertical(classes="pane", id="asset-pane"):
                yield Picture(self.studio.graphics, dom_id="asset-picture")
                yield Said(dom_id="asset-words")

    @on(RowTable.EndNeared)
    def _read_more(self) -> None:
        self.studio.reading.more_assets(self.studio.project)

    def draw(self) -> None:
        """Draws the rows in place."""
        project = self.studio.project
        if project:
            self.studio.reading.assets(project)
        self.query_one("#assets-pane").border_title = f"{leaf(project)} · assets" if project else "Assets"
        table = self.query_one("#assets", RowTable)
        if self.studio.listed:
            table.set_empty(
                words.text(
                    "No picture yet.\n\n",
                    "A run makes them: ",
                    ("2", "bold $accent"),
                    " goes to the runs.",
                )
            )
        now = self.studio.now()
        table.set_items(self.snapshot.assets_of(project), lambda one: asset_row(one, now))
        self._draw_picture()

    @on(RowTable.Moved, "#assets")
    def _other_asset(self) -> None:
        self._draw_picture()

    def _draw_picture(self) -> None:
        name = self.query_one("#assets", RowTable).cursor_key or ""
        asset = self.snapshot.assets.get(name)
        self.query_one("#asset-words", Said).say(recipe(asset) if asset else "")
        if name == self._pictured:
            return
        self._pictured = name
        picture = self.query_one("#asset-picture", Picture)
        self.query_one("#asset-pane").border_title = asset.display_name if asset else ""
        if asset is None:
            picture.show(None)
        elif (have := self.studio.pictures.have(name, True)) is not None:
            picture.show(have)
        else:
            self.studio.want_picture(name, self)

    def on_picture_arrived(self, message: say.PictureArrived) -> None:
        """Shows a picture that is still wanted."""
        if message.asset == self._pictured:
            self.query_one("#asset-picture", Picture).show(message.picture)

    def on_picture_missed(self, message: say.PictureMissed) -> None:
        """Says why there is no picture."""
        if message.asset == self._pictured:
            self.query_one("#asset-picture", Picture).show(None, str(message.error))
