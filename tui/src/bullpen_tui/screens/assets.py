"""Assets: the pictures of a project as a gallery or a list, with the one under the cursor beside it.

The daemon searches and counts; the screen draws the window that the mirror has, and has read what comes into view.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import asset_pb2
from PIL import Image
from textual import on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.gallery import words as gallery
from bullpen_tui.gallery.window import Look, Slip, Window
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.asset_actions import AssetActions
from bullpen_tui.screens.narrowing import ListDialog
from bullpen_tui.widgets.chrome import FilterLine
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.said import Said, entitle
from bullpen_tui.widgets.windowed import Windowed, WindowGallery, WindowTable


class AssetsScreen(AssetActions):
    """Gallery or list at the left, picture and what is known of it at the right; `/` takes the search language."""

    place: ClassVar[str] = "assets"
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._pictured = ""
        self._boarded: bool | None = None
        self._entered: Look | None = None

    def body(self) -> Iterable[Widget]:
        """List, picture, words."""
        with Horizontal():
            with Vertical(classes="pane", id="assets-pane"):
                yield Said(dom_id="asset-facets")
                yield WindowGallery(self.studio.graphics, self.want, wide=24, high=12, lines=2, dom_id="gallery")
                yield WindowTable(gallery.COLUMNS, empty="Reading…", dom_id="assets")
            with Vertical(classes="pane", id="asset-pane"):
                yield Picture(self.studio.graphics, dom_id="asset-picture")
                yield Said(dom_id="asset-words")

    def on_mount(self) -> None:
        """The filter line takes the search language here."""
        line = self.query_one(FilterLine)
        line.placeholder = gallery.HINT
        self.mount(Said(dom_id="asset-slip"), before=line)
        super().on_mount()

    @property
    def boarded(self) -> bool:
        """Whether pictures are shown in place of rows."""
        wide = self.size.width >= 104 and self.studio.graphics != "none"
        return wide if self._boarded is None else self._boarded

    @property
    def lister(self) -> WindowGallery | WindowTable:
        """What has the cursor."""
        return self.query_one("#gallery", WindowGallery) if self.boarded else self.query_one("#assets", WindowTable)

    @property
    def window(self) -> Window:
        """What is known of what is looked at; of another project it is nothing yet."""
        window = self.snapshot.gallery
        return window if window.look.project == self.studio.project else Window()

    @property
    def asset(self) -> asset_pb2.Asset | None:
        """The asset under the cursor."""
        return self.window.named(self.lister.cursor_key or "")

    @property
    def _slip(self) -> Slip | None:
        """What is wrong with the search of now."""
        window = self.window
        return window.slip if window.refused == self._look else None

    @on(FilterLine.Left)
    def _search_entered(self, message: FilterLine.Left) -> None:
        """A search with a slip is not left: it stays open to be mended, also when the answer comes later."""
        self._entered = Look(self.studio.project, self._search, self._in_trash)
        if self._slip is not None and self.query_one(FilterLine).value:
            message.prevent_default()

    # --- drawing -----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draws the window in place, and has read what is in view and is not here."""
        lister, window = self.lister, self.window
        self._look = Look(self.studio.project, self._search, self._in_trash)
        shown = self.boarded
        cards, table = self.query_one("#gallery", WindowGallery), self.query_one("#assets", WindowTable)
        if cards.display != shown or table.display == shown:
            cards.display, table.display = shown, not shown
        if not self.focused or not self.focused.display:
            lister.focus()
        self._title(window)
        empty = self._empty(window)
        cards.set_empty(empty)
        table.set_empty(empty)
        now = self.studio.now()
        if shown:
            cards.set_window(window, lambda one: gallery.asset_card(one, now), gallery.CARD_CELLS)
        else:
            table.set_window(window, lambda one: gallery.asset_row(one, now), len(gallery.COLUMNS))
        self._draw_picture()
        self._read()
        if isinstance(dialog := self.app.screen, ListDialog):
            dialog.draw()

    def _read(self) -> None:
        lister = self.lister
        place = lister.place
        self.studio.reading.gallery.look(self._look, [*lister.in_view, place])

    def _title(self, window: Window) -> None:
        pane = self.query_one("#assets-pane")
        project = self.studio.project
        more = "" if window.counted >= 0 or not window.known else "+"
        where = " · trash" if window.look.in_trash else ""
        found = " found" if window.look.search else ""
        entitle(pane, f"{leaf(project)}{where} · {window.total:,}{more}{found}" if project else "Assets")
        entitle(pane, below=window.look.search)
        room = max(0, pane.size.width - 4)
        self.query_one("#asset-facets", Said).say(gallery.facet_line(window.facets, room))
        slip = self._slip
        for line in self.query("#asset-slip").results(Said):
            line.display = slip is not None
            line.say(gallery.slip_line(slip, max(20, self.size.width - 2)))
        if slip is not None and self._entered == self._look:
            self._entered = None
            self.query_one(FilterLine).focus()

    def _empty(self, window: Window) -> Content:
        if not self.studio.listed or (self.studio.project and not window.known):
            return Content("Reading…")
        if window.look.search:
            return words.text("Nothing fits this search. ", ("esc", "bold $accent"), " shows all.")
        if window.look.in_trash:
            return words.text("The trash is empty. ", ("z", "bold $accent"), " goes back.")
        return words.text("No picture yet.\n\n", "A run makes them: ", ("2", "bold $accent"), " goes to the runs.")

    def _draw_picture(self) -> None:
        asset = self.asset
        self.query_one("#asset-words", Said).say(gallery.about(asset, self.window) if asset else "")
        name = asset.name if asset is not None else ""
        if name == self._pictured:
            return
        self._pictured = name
        entitle(self.query_one("#asset-pane"), gallery.title_of(asset) if asset else "")
        self.query_one("#asset-picture", Picture).show(self.want(name) if name else None)

    def want(self, asset: str) -> Image.Image | None:
        """A picture that is here; otherwise it is read and comes later."""
        have = self.studio.pictures.have(asset, True)
        if have is None and asset:
            self.studio.want_picture(asset, self)
        return have

    def on_picture_arrived(self, message: say.PictureArrived) -> None:
        """Shows a picture where it is still wanted."""
        self.query_one("#gallery", WindowGallery).arrived(message.asset, message.picture)
        if message.asset == self._pictured:
            self.query_one("#asset-picture", Picture).show(message.picture)

    def on_picture_missed(self, message: say.PictureMissed) -> None:
        """Says why there is no picture."""
        if message.asset == self._pictured:
            self.query_one("#asset-picture", Picture).show(None, str(message.error))

    @on(Lister.Moved)
    def _other_asset(self) -> None:
        self._draw_picture()
        self._read()

    @on(Windowed.Scrolled)
    def _other_rows(self) -> None:
        self._read()

    # --- search ------------------------------------------------------------------------------------------------------

    def narrow(self, text: str) -> None:
        """Searches; what was found before stays in view until there is an answer."""
        self._search = text.strip()
        self.draw()
        self.draw_keys()

    # --- looking -----------------------------------------------------------------------------------------------------

    def action_toggle_view(self) -> None:
        """Gallery or list, with the cursor where it was."""
        place = self.lister.place
        self._boarded = not self.boarded
        self.draw()
        self.lister.focus()
        self.lister.go_to(place)
