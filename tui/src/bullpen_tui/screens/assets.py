"""Assets: the pictures of a project as a gallery or a list, with the one under the cursor beside it."""

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
from bullpen_tui.mirror import Listed, Snapshot, leaf
from bullpen_tui.plan import form_of
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.search import Search, SearchError, candidate_of, fits, lineage, parse
from bullpen_tui.widgets.chrome import FilterLine
from bullpen_tui.widgets.gallery import Gallery
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said, entitle

COLUMNS = (
    Column("picture", minimum=24, weight=3),
    Column("kind", width=9),
    Column("pixels", width=9, right=True, drop=2),
    Column("size", width=6, right=True, drop=3),
    Column("made", width=10, right=True, drop=1),
)
SEARCHED = 10_000
"""Assets that a search reads at most; the title says when there are more."""
HINT = "rain character:mara stage:weather kind:candidate rating:>3 date:2026-11 !tag:old"

_KINDS = {
    asset_pb2.Asset.KIND_UNSPECIFIED: ("file", words.QUIET),
    asset_pb2.Asset.KIND_SOURCE: ("source", words.QUIET),
    asset_pb2.Asset.KIND_REFERENCE: ("reference", words.QUIET),
    asset_pb2.Asset.KIND_CANDIDATE: ("candidate", words.ACCENT),
    asset_pb2.Asset.KIND_POSTPROCESS: ("post", words.ACCENT),
    asset_pb2.Asset.KIND_EXPORT: ("export", words.GOOD),
}


def kind_of(asset: asset_pb2.Asset) -> Content:
    """What an asset is."""
    return words.text(_KINDS.get(asset.kind, _KINDS[asset_pb2.Asset.KIND_UNSPECIFIED]))


def title_of(asset: asset_pb2.Asset) -> str:
    """Name of an asset for people."""
    return asset.display_name or leaf(asset.name)[:16]


def short_title(asset: asset_pb2.Asset) -> str:
    """A title for a card: of a candidate its stage, picture and number."""
    parts = asset.origin.split("/")
    if len(parts) == 8 and parts[6] == "candidates":
        stage = parts[3].split("-", 2)[-1]
        return f"{stage} {parts[5]} {parts[7]}"
    return title_of(asset).rsplit(".", 1)[0]


def stars(asset: asset_pb2.Asset) -> Content:
    """The rating, where there is one."""
    return words.text((" " + "★" * asset.rating, words.ACCENT)) if asset.rating > 0 else Content("")


def asset_row(asset: asset_pb2.Asset, now: float) -> Row:
    """One asset for `COLUMNS`."""
    return Row(
        asset.name,
        (
            words.text(title_of(asset), stars(asset)),
            kind_of(asset),
            words.text((f"{asset.width}×{asset.height}" if asset.width else words.DASH, words.QUIET)),
            words.text((words.size(asset.size_bytes), words.QUIET)),
            words.text((words.ago(asset.create_time, now), words.QUIET)),
        ),
    )


def asset_card(asset: asset_pb2.Asset, now: float) -> Row:
    """One asset for the gallery: picture, name, kind and age."""
    about = words.text(kind_of(asset), stars(asset), (f"  {words.ago(asset.create_time, now)}", words.FAINT))
    return Row(asset.name, (Content(asset.name), Content(short_title(asset)).truncate(21, ellipsis=True), about))


def recipe(asset: asset_pb2.Asset, snapshot: Snapshot) -> Content:
    """What is known of an asset, in lines: where it came from, what it was made from and what was made from it."""
    before, after = lineage(asset, snapshot)
    candidate = candidate_of(asset, snapshot)
    run = snapshot.runs.get(candidate.split("/jobs/")[0]) if candidate else None
    job = snapshot.jobs.get(candidate.split("/candidates/")[0]) if candidate else None
    made = snapshot.candidates.get(candidate)
    chain = " ← ".join(title_of(one) for one in before) or ", ".join(leaf(one)[:12] for one in asset.derived_from)
    facts = [
        ("stage", f"{run.spec.stage}   {leaf(run.model)}" if run is not None else ""),
        ("prompt", job.prompt if job is not None else ""),
        ("seed", str(made.seed) if made is not None else ""),
        ("origin", asset.origin.removeprefix(asset.name.split("/assets/")[0] + "/")),
        ("from", chain),
        (
            "made of it",
            ", ".join(title_of(one) for one in after[:4]) + (f" and {len(after) - 4} more" * (len(after) > 4)),
        ),
        ("licence", asset.licence),
        ("tags", ", ".join(asset.tags)),
        ("sha256", asset.sha256[:16] + "…" if asset.sha256 else ""),
        ("path", asset.path),
    ]
    rows = [words.text((f"{label:<11}", words.FAINT), value) for label, value in facts if value]
    return words.lines(rows)


class AssetsScreen(StudioScreen):
    """Gallery or list at the left, picture and recipe at the right; `/` takes the search language."""

    place: ClassVar[str] = "assets"
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._pictured = ""
        self._search = Search()
        self._slip = ""
        self._boarded: bool | None = None

    def body(self) -> Iterable[Widget]:
        """List, picture, recipe."""
        with Horizontal():
            with Vertical(classes="pane", id="assets-pane"):
                yield Gallery(self.studio.graphics, self.want, wide=24, high=12, lines=2, dom_id="gallery")
                yield RowTable(COLUMNS, empty="Reading…", dom_id="assets")
            with Vertical(classes="pane", id="asset-pane"):
                yield Picture(self.studio.graphics, dom_id="asset-picture")
                yield Said(dom_id="asset-words")

    def on_mount(self) -> None:
        """The filter line takes the search language here."""
        super().on_mount()
        self.query_one(FilterLine).placeholder = HINT

    @property
    def boarded(self) -> bool:
        """Whether pictures are shown in place of rows."""
        wide = self.size.width >= 104 and self.studio.graphics != "none"
        return wide if self._boarded is None else self._boarded

    @property
    def lister(self) -> Lister:
        """What has the cursor."""
        return self.query_one("#gallery", Gallery) if self.boarded else self.query_one("#assets", RowTable)

    @property
    def asset(self) -> asset_pb2.Asset | None:
        """The asset under the cursor."""
        return self.snapshot.assets.get(self.lister.cursor_key or "")

    # --- drawing -----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draws what fits the search, in place; reads on while it does not fill the screen."""
        project, reading = self.studio.project, self.studio.reading
        every = self.snapshot.assets_of(project)
        if project:
            reading.assets(project, self._search.kinds)
            reading.runs(project)
            reading.scenes(project)
            reading.bible(project)
            if self._search.terms and len(every) < SEARCHED:
                reading.more_assets(project, self._search.kinds)
        found = [one for one in every if fits(one, self._search, self.snapshot)] if self._search.terms else every
        self._title(project, len(found), len(every))
        gallery, table = self.query_one("#gallery", Gallery), self.query_one("#assets", RowTable)
        shown = self.boarded
        if gallery.display != shown or table.display == shown:
            gallery.display, table.display = shown, not shown
        if not self.focused or not self.focused.display:
            self.lister.focus()
        empty = self._empty(bool(every))
        gallery.set_empty(empty)
        table.set_empty(empty)
        now = self.studio.now()
        if shown:
            gallery.set_items(found, lambda one: asset_card(one, now))
        else:
            table.set_items(found, lambda one: asset_row(one, now))
        self._draw_picture()

    def _title(self, project: str, found: int, every: int) -> None:
        whole = self.studio.reading.assets_complete(project, self._search.kinds)
        of = f"{found} of {every}" if self._search.terms else str(every)
        more = "" if whole or not every else " of more" if not self._search.terms else " read, more are there"
        title = f"{leaf(project)} · {of}{more}" if project else "Assets"
        entitle(self.query_one("#assets-pane"), title)
        pane = self.query_one("#assets-pane")
        entitle(pane, below=self._slip)

    def _empty(self, some: bool) -> Content:
        if self._slip:
            return words.text((self._slip, words.WARN))
        if some:
            return words.text("Nothing fits this search. ", ("esc", "bold $accent"), " shows all.")
        if not self.studio.listed:
            return Content("Reading…")
        return words.text("No picture yet.\n\n", "A run makes them: ", ("2", "bold $accent"), " goes to the runs.")

    def _draw_picture(self) -> None:
        asset = self.asset
        self.query_one("#asset-words", Said).say(recipe(asset, self.snapshot) if asset else "")
        name = asset.name if asset is not None else ""
        if asset is not None and (candidate := candidate_of(asset, self.snapshot)):
            self.studio.reading.jobs_once(candidate.split("/jobs/")[0])
        if name == self._pictured:
            return
        self._pictured = name
        entitle(self.query_one("#asset-pane"), title_of(asset) if asset else "")
        self.query_one("#asset-picture", Picture).show(self.want(name) if name else None)

    def want(self, asset: str) -> Image.Image | None:
        """A picture that is here; otherwise it is read and comes later."""
        have = self.studio.pictures.have(asset, True)
        if have is None and asset:
            self.studio.want_picture(asset, self)
        return have

    def on_picture_arrived(self, message: say.PictureArrived) -> None:
        """Shows a picture where it is still wanted."""
        self.query_one("#gallery", Gallery).arrived(message.asset, message.picture)
        if message.asset == self._pictured:
            self.query_one("#asset-picture", Picture).show(message.picture)

    def on_picture_missed(self, message: say.PictureMissed) -> None:
        """Says why there is no picture."""
        if message.asset == self._pictured:
            self.query_one("#asset-picture", Picture).show(None, str(message.error))

    @on(RowTable.EndNeared)
    def _read_more(self) -> None:
        self.studio.reading.more_assets(self.studio.project, self._search.kinds)

    @on(Lister.Moved)
    def _other_asset(self) -> None:
        self._draw_picture()

    # --- search ------------------------------------------------------------------------------------------------------

    def narrow(self, text: str) -> None:
        """Searches; a slip is said and everything stays in view."""
        try:
            self._search, self._slip = parse(text), ""
        except SearchError as slip:
            self._slip = str(slip)
        self.draw()
        self.draw_keys()

    # --- actions -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works on the asset under the cursor."""
        if not self.is_mounted:
            return True
        if action in ("open", "use_recipe"):
            asset = self.asset
            return asset is not None and bool(candidate_of(asset, self.snapshot))
        if action in ("post_process", "mark"):
            return self.asset is not None
        if action == "to_parent":
            asset = self.asset
            return asset is not None and bool(asset.derived_from)
        return True

    def action_toggle_view(self) -> None:
        """Gallery or list, with the cursor where it was."""
        key = self.lister.cursor_key
        self._boarded = not self.boarded
        self.draw()
        self.lister.focus()
        if key:
            self.lister.move_to(key)

    def action_open(self) -> None:
        """Opens the picture in the review of its run."""
        from bullpen_tui.screens.review import ReviewScreen

        if (asset := self.asset) is not None and (candidate := candidate_of(asset, self.snapshot)):
            run = candidate.split("/jobs/")[0]
            self.studio.reading.jobs_once(run)
            self.studio.push_screen(ReviewScreen(run, candidate.split("/candidates/")[0]))

    def action_post_process(self) -> None:
        """Takes the marked pictures, else the one under the cursor, through post-process."""
        chosen = self.lister.chosen
        self.studio.errands.post_process(self.studio.project, chosen, "", self)
        self.notify(f"{words.plural(len(chosen), 'picture')} through the chain of the settings.", title="Post-process")

    def on_pictures_made(self, message: say.PicturesMade) -> None:
        """Says what came of it."""
        made, of = words.plural(len(message.made), "picture"), words.plural(message.sources, "picture")
        self.studio.post_message(say.ChangesArrived((Listed(tuple(message.made)),)))
        self.notify(f"{made} made of {of}; 3 shows them.", title="Post-process")

    def action_to_parent(self) -> None:
        """Puts the cursor on the picture that this one was made from."""
        asset = self.asset
        if asset is not None and asset.derived_from and not self.lister.move_to(asset.derived_from[0]):
            self.notify("That picture is not in this list; esc ends the search, G goes on to older ones.")

    def action_use_recipe(self) -> None:
        """Asks for the recipe of the picture, and opens the composer with it."""
        if (asset := self.asset) is not None and (candidate := candidate_of(asset, self.snapshot)):
            self.studio.errands.recipe(candidate, self)

    def on_recipe_read(self, message: say.RecipeRead) -> None:
        """Opens the composer on stage, scene, seed and words of the picture."""
        from bullpen_tui.screens.compose import ComposeScreen

        form = form_of(message.run, message.job, message.candidate)
        self.studio.push_screen(ComposeScreen(self.studio.project, form=form))
