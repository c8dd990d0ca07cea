"""What a person does on the gallery: rate, tag, throw away, search by facets, look at descent, make again."""

from __future__ import annotations

import time
from collections.abc import Mapping

from bullpen_api.v1 import asset_pb2

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.gallery import words as gallery
from bullpen_tui.gallery.completing import quoted
from bullpen_tui.gallery.window import Look, Window
from bullpen_tui.mirror import Listed
from bullpen_tui.plan import form_of
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.dialogs import ConfirmDialog, id_of
from bullpen_tui.screens.narrowing import LinesDialog, NarrowDialog, TreeDialog
from bullpen_tui.widgets.chrome import FilterLine
from bullpen_tui.widgets.windowed import WindowGallery, WindowTable

ANSWER_SECONDS = 2.0
"""How long stars that were asked for count as given; by then the mirror has them, or they were refused."""

ON_ONE = ("post_process", "mark", "rate_up", "rate_down", "edit_tags", "tree", "trash")


class AssetActions(StudioScreen):
    """The actions of the gallery; the screen over it draws."""

    def __init__(self) -> None:
        super().__init__()
        self._search = ""
        self._in_trash = False
        self._look = Look()
        self._trashed: list[str] = []
        self._stars: dict[str, tuple[int, float]] = {}

    @property
    def lister(self) -> WindowGallery | WindowTable:
        """What has the cursor."""
        raise NotImplementedError

    @property
    def window(self) -> Window:
        """What is known of what is looked at."""
        raise NotImplementedError

    @property
    def asset(self) -> asset_pb2.Asset | None:
        """The asset under the cursor."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works on the asset under the cursor."""
        if not self.is_mounted:
            return True
        asset = self.asset
        if action in ("open", "use_recipe"):
            return asset is not None and bool(asset.making.candidate)
        if action == "purge":
            return self._in_trash and asset is not None
        if action == "trash" and self._in_trash:
            return False
        if action in ON_ONE:
            return asset is not None
        if action == "to_parent":
            return asset is not None and bool(asset.derived_from)
        if action == "undo":
            return bool(self._trashed) or (self._in_trash and asset is not None)
        if action == "save_search":
            return bool(self.window.look.search) and self.window.refused != self._look
        return True

    @property
    def _chosen(self) -> list[asset_pb2.Asset]:
        """The marked pictures that are here, else the one under the cursor."""
        found = [self.window.named(name) or self.snapshot.assets.get(name) for name in self.lister.chosen]
        return [one for one in found if one is not None]

    # --- what people say ---------------------------------------------------------------------------------------------

    def action_rate_up(self) -> None:
        """One star more."""
        self._rate(1)

    def action_rate_down(self) -> None:
        """One star less."""
        self._rate(-1)

    def _rate(self, by: int) -> None:
        now = time.monotonic()
        for asset in self._chosen:
            asked, when = self._stars.get(asset.name, (0, now - ANSWER_SECONDS))
            before = asked if now - when < ANSWER_SECONDS else asset.rating
            rating = max(0, min(gallery.BEST, before + by))
            if rating != before:
                self._stars[asset.name] = (rating, now)
                changed = asset_pb2.Asset(name=asset.name, rating=rating)
                told = f"{gallery.title_of(asset)}: {'★' * rating or 'no rating'}"
                self.studio.errands.say_of_asset(changed, ("rating",), told, self)

    def action_edit_tags(self) -> None:
        """Asks for tags and a note."""
        if (asset := self.asset) is None:
            return
        many = self._chosen

        def keep(values: Mapping[str, str] | None) -> None:
            if values is None:
                return
            tags = [one.strip() for one in values["tags"].split(",") if one.strip()]
            for one in many:
                changed = asset_pb2.Asset(name=one.name, etag=one.etag, tags=tags, note=values["note"])
                told = f"{gallery.title_of(one)}: {', '.join(tags) or 'no tags'}"
                self.studio.errands.say_of_asset(changed, ("tags", "note"), told, self)

        title = gallery.title_of(asset) if len(many) < 2 else words.plural(len(many), "picture")
        lines = (("tags", ", ".join(asset.tags), "cover, wet street"), ("note", asset.note, "whatever is to be kept"))
        self.app.push_screen(LinesDialog(title, lines), keep)

    def on_asset_said(self, message: say.AssetSaid) -> None:
        """Shows what is kept; the event that tells it comes too."""
        self.studio.post_message(say.ChangesArrived((Listed((message.asset,)),)))
        self.notify(message.words)

    # --- the trash ---------------------------------------------------------------------------------------------------

    def action_trash(self) -> None:
        """Puts the marked pictures, else the one under the cursor, into the trash."""
        for name in self.lister.chosen:
            self.studio.errands.trash(name, self)
        self.lister.clear_marks()

    def on_trashed(self, message: say.Trashed) -> None:
        """Says how to take it back."""
        self._trashed.append(message.name)
        self.notify("In the trash; u takes it back.")
        self.draw_keys()

    def action_undo(self) -> None:
        """Takes back what went into the trash last; in the trash, what is under the cursor."""
        if self._in_trash:
            for name in self.lister.chosen:
                self.studio.errands.restore(name, self)
            self.lister.clear_marks()
        elif self._trashed:
            self.studio.errands.restore(self._trashed.pop(), self)

    def on_restored(self, message: say.Restored) -> None:
        """Says so."""
        self._trashed = [name for name in self._trashed if name != message.name]
        self.notify("Back among the pictures.")
        self.draw_keys()

    def action_toggle_trash(self) -> None:
        """Into the trash, and back."""
        self._in_trash = not self._in_trash
        self.lister.clear_marks()
        self.draw()
        self.draw_keys()

    def action_purge(self) -> None:
        """Asks, then removes files for ever."""
        names = self.lister.chosen

        def answered(yes: bool | None) -> None:
            for name in names if yes else ():
                self.studio.errands.purge_asset(name, self)

        if names:
            question = f"Remove the files of {words.plural(len(names), 'picture')} for ever? This cannot be undone."
            self.app.push_screen(ConfirmDialog(question, "remove them"), answered)

    def on_asset_purged(self, message: say.AssetPurged) -> None:
        """Says so."""
        self.notify(f"The files of {gallery.title_of(message.asset)} are gone.")

    # --- searching ---------------------------------------------------------------------------------------------------

    def action_narrow_by(self) -> None:
        """Offers saved searches and what the pictures have."""
        project = self.studio.project
        self.studio.reading.saved_searches(project)
        window = self.window

        def chosen(part: str | None) -> None:
            if part:
                whole = part if part.startswith("=") else f"{self._search} {part}"
                self.search_for(whole.removeprefix("=").strip())

        self.app.push_screen(NarrowDialog(project, window.facets), chosen)

    def search_for(self, text: str) -> None:
        """Searches as if it had been written."""
        line = self.query_one(FilterLine)
        line.add_class("-shown")
        line.value = text
        line.cursor_position = len(text)

    def action_save_search(self) -> None:
        """Asks for a name and keeps the search."""
        search, project = self.window.look.search, self.studio.project

        def keep(values: Mapping[str, str] | None) -> None:
            if values and (title := values["title"].strip()):
                self.studio.errands.save_search(project, id_of(title, "search"), title, search, self)

        self.app.push_screen(LinesDialog(f"Keep “{search}”", (("title", "", "a name for this search"),)), keep)

    def on_search_saved(self, message: say.SearchSaved) -> None:
        """Says where it is found again."""
        self.notify(f"“{message.search.title}” is kept; f shows it.")

    # --- where it is from --------------------------------------------------------------------------------------------

    def action_to_parent(self) -> None:
        """Puts the cursor on the picture that this one was made from."""
        asset = self.asset
        if asset is not None and asset.derived_from:
            self._show(asset.derived_from[0], "")

    def _show(self, name: str, title: str) -> None:
        if self.lister.move_to(name):
            return
        if title:
            self.search_for(f"name:{quoted(title)}")
        else:
            self.action_tree()

    def action_tree(self) -> None:
        """Shows the descent of the picture under the cursor."""
        if (asset := self.asset) is None:
            return
        self.studio.reading.asset_tree(asset.name)

        def chosen(one: tuple[str, str] | None) -> None:
            if one is not None:
                self._show(*one)

        self.app.push_screen(TreeDialog(asset.name), chosen)

    def action_open(self) -> None:
        """Opens the picture in the review of its run."""
        from bullpen_tui.screens.review import ReviewScreen

        if (asset := self.asset) is not None and (candidate := asset.making.candidate):
            run = candidate.split("/jobs/")[0]
            self.studio.reading.runs(self.studio.project)
            self.studio.reading.scenes(self.studio.project)
            self.studio.reading.jobs_once(run)
            self.studio.push_screen(ReviewScreen(run, candidate.split("/candidates/")[0]))

    def action_use_recipe(self) -> None:
        """Asks for the recipe of the picture, and opens the composer with it."""
        if (asset := self.asset) is not None and asset.making.candidate:
            self.studio.errands.recipe(asset.making.candidate, self)

    def on_recipe_read(self, message: say.RecipeRead) -> None:
        """Opens the composer on stage, scene, seed and words of the picture."""
        from bullpen_tui.screens.compose import ComposeScreen

        form = form_of(message.run, message.job, message.candidate)
        self.studio.push_screen(ComposeScreen(self.studio.project, form=form))

    # --- post-process ------------------------------------------------------------------------------------------------

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
