"""Assets: the pictures of a project as a gallery or a list, with the one under the cursor beside it.

The daemon searches and counts; the screen draws the window that the mirror has, and has read what comes into view.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from bullpen_api.v1 import asset_pb2
from PIL import Image
from textual import on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.gallery import words as gallery
from bullpen_tui.gallery.completing import completed, offer, offer_line
from bullpen_tui.gallery.window import Look, Slip, Window
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.asset_actions import AssetActions
from bullpen_tui.screens.narrowing import ListDialog
from bullpen_tui.widgets.chrome import FilterLine
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.said import Said, entitle
from bullpen_tui.widgets.windowed import Windowed, WindowGallery, WindowTable


class SearchSuggester(Suggester):
    """Offers the rest of the word that is being written."""

    def __init__(self, screen: AssetsScreen) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._screen = screen

    async def get_suggestion(self, value: str) -> str | None:
        """The whole search with its last word completed."""
        return completed(value, self._screen.window.facets) or None


class AssetsScreen(AssetActions):
    """Gallery or list at the left, picture and what is known of it at the right; `/` takes the search language."""

    place: ClassVar[str] = "assets"
    MORE_IN: ClassVar[str] = "#assets-pane"
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
        line.placeholder = "search: rain is:accepted character:mara rating:>3 date:2026-11 -tag:old"
        line.suggester = SearchSuggester(self)
        self.mount(Said(settled=True, dom_id="asset-offers"), Said(dom_id="asset-slip"), before=line)
        super().on_mount()

    @property
    def boarded(self) -> bool:
        """Whether pictures are shown in place of rows."""
        wide = self.size.width >= 104 and self.studio.draws
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

    def _known(self, name: str) -> asset_pb2.Asset | None:
        """A picture that is here, whether it is looked at or another one told of it."""
        return self.window.named(name) or self.snapshot.assets.get(name)

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
        self.set_class(bool(window.look.search), "-searched")
        entitle(pane, below=window.look.search or self._more)
        room = max(0, pane.size.width - 4)
        self.query_one("#asset-facets", Said).say(gallery.facet_line(window.facets, room))
        self._draw_search()

    def _tell_more(self) -> None:
        """While something is searched, the search stands where the keys would."""
        super()._tell_more()
        if self.alive:
            self._title(self.window)

    def _draw_search(self) -> None:
        """What is wrong with the search, and while it is written, what may come next."""
        line, slip = self.query_one(FilterLine), self._slip
        room = max(20, self.size.width - 2)
        for said in self.query("#asset-offers").results(Said):
            said.display = line.has_focus
            said.say(offer_line(line.value, self.window.facets, room))
        begun = offer(line.value, self.window.facets)
        # A word that is only half written is no slip yet; entered as it is, it is one.
        halfway = line.has_focus and bool(begun.choices) and self._entered != self._look
        shown = slip if slip is None or not halfway or slip.column + slip.length - 1 < len(line.value) else None
        for said in self.query("#asset-slip").results(Said):
            said.display = shown is not None
            said.say(gallery.slip_line(shown, room))
        if slip is not None and self._entered == self._look and not line.has_focus:
            line.focus()

    def action_search(self) -> None:
        """Opens the line that takes the search."""
        self.action_filter()

    def on_descendant_focus(self) -> None:
        """While the search is written there are hints for it."""
        self._draw_search()

    def on_descendant_blur(self) -> None:
        """The hints go with the search."""
        self._draw_search()

    def _empty(self, window: Window) -> Content:
        if not self.studio.listed or (self.studio.project and not window.known):
            return Content("Reading…")
        if window.look.search:
            return words.text(
                *("Nothing fits this search. ", ("/", "bold $accent"), " changes it, ", ("esc", "bold $accent")),
                " shows all.",
            )
        if window.look.in_trash:
            return words.text("The trash is empty. ", ("z", "bold $accent"), " goes back.")
        return words.text(
            "No picture yet.\n\n",
            *(("U", "bold $accent"), " and there ", ("i", "bold $accent"), " bring pictures in; "),
            *(("2", "bold $accent"), " and there ", ("r", "bold $accent"), " make new ones of them."),
        )

    def _draw_picture(self) -> None:
        asset = self.asset
        said = self.query_one("#asset-words", Said)
        if asset is None:
            said.say("")
        else:
            said.fit(partial(gallery.about, asset, self._known))
        if asset is not None:
            self.studio.reading.gallery.named(one for one in asset.derived_from if self._known(one) is None)
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
            self._pictured = "" if message.passing else message.asset

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
        self._title(self.window)
