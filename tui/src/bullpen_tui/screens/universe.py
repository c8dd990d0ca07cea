"""Universe: the story as a board or a list, the cast, the styles and what everything is held against."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from bullpen_api.v1 import project_pb2, vault_pb2
from PIL import Image
from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import lock as locks
from bullpen_tui import messages as say
from bullpen_tui import story, words
from bullpen_tui.bible import accounts
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.writing import Writing
from bullpen_tui.widgets.filmstrip import Filmstrip, Frame
from bullpen_tui.widgets.gallery import Gallery
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.rows import RowTable
from bullpen_tui.widgets.said import Said
from bullpen_tui.widgets.tabs import TabLine

TABS = ("Story", "Cast", "Styles", "References", "Prompts", "Providers", "Trash")
PROVIDERS, TRASH = 5, 6
COLUMNS = (
    story.SCENE_COLUMNS,
    story.CAST_COLUMNS,
    story.STYLE_COLUMNS,
    story.SET_COLUMNS,
    story.TEMPLATE_COLUMNS,
    accounts.ACCOUNT_COLUMNS,
    accounts.TRASH_COLUMNS,
)
RUNS_LOOKED_AT = 12
"""Runs whose findings are read for the flags of the story."""

_EMPTY = (
    (
        "No scene yet. ",
        ("i", "key"),
        " makes one of each picture of a folder, ",
        ("n", "key"),
        " writes one, ",
        ("b", "key"),
        " asks a language model for all of them.",
    ),
    ("Nobody yet. ", ("n", "key"), " writes a character, with looks, pictures and LoRA."),
    ("No style guide yet. ", ("n", "key"), " says which look the universe keeps."),
    (
        "No reference set yet. ",
        ("i", "key"),
        " collects pictures to hold others against, ",
        ("n", "key"),
        " begins one.",
    ),
    ("No prompt template yet. ", ("n", "key"), " writes words of your own for a stage."),
    ("No account yet: everything is made on this machine. ", ("n", "key"), " adds one for work that a provider does."),
    ("Nothing lies in the trash.",),
)


class UniverseScreen(Writing, StudioScreen):
    """Five tabs; the story is a board of pictures where there is room, and `t` makes it a list."""

    place: ClassVar[str] = "universe"
    tabs = TABS
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._board: bool | None = None
        self._pictured = ""

    def body(self) -> Iterable[Widget]:
        """State of the look, tabs, list, and what is under the cursor."""
        self.set_class(not self.studio.draws, "-blind")
        yield Said(settled=True, dom_id="lock")
        yield TabLine()
        with Horizontal():
            with Vertical(classes="pane", id="universe-list"):
                yield Gallery(self.studio.graphics, self.want, wide=25, high=13, lines=4, dom_id="board")
                yield RowTable(story.SCENE_COLUMNS, empty="Reading…", dom_id="universe")
            with Vertical(classes="pane", id="universe-detail"):
                yield Picture(self.studio.graphics, dom_id="universe-picture")
                yield Filmstrip(self.studio.graphics, self.want, dom_id="sheet")
                with VerticalScroll(id="universe-scroll", can_focus=False):
                    yield Said(dom_id="universe-words")

    @property
    def boarded(self) -> bool:
        """Whether the story is shown as pictures."""
        wide = self.size.width >= 104 and self.studio.draws
        return self.tab_open == 0 and (wide if self._board is None else self._board)

    @property
    def lister(self) -> Lister:
        """What has the cursor."""
        return self.query_one("#board", Gallery) if self.boarded else self.query_one("#universe", RowTable)

    @property
    def _stages(self) -> list[str]:
        project = self.snapshot.projects.get(self.studio.project)
        return [one.stage for one in project.figures.stages] if project is not None else []

    # --- drawing -----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draws everything in place."""
        name = self.studio.project
        project = self.snapshot.projects.get(name)
        if project is None:
            return
        self.studio.reading.scenes(name)
        self.studio.reading.bible(name)
        self.studio.reading.trash(name)
        self._read_flags(name)
        self.query_one("#lock", Said).fit(partial(self._lock, project))
        counts = (
            len(self.snapshot.scenes_of(name)),
            len(self.snapshot.characters_of(name)),
            len(self.snapshot.style_guides_of(name)),
            len(self.snapshot.reference_sets_of(name)),
            len(self.snapshot.prompt_templates_of(name)),
            len(self.snapshot.provider_accounts_of(name)),
            len(self.snapshot.trash_of(name)),
        )
        read = [self.studio.reading.known(f"{_read_as(index)} {name}") for index in range(len(TABS))]
        nothing = [words.DASH if known else "…" for known in read]
        names = [f"{tab} {count or none}" for tab, count, none in zip(TABS, counts, nothing, strict=True)]
        title = words.text((project.title or leaf(name), words.QUIET))
        self.query_one(TabLine).open(names, self.tab_open, title)
        board, table = self.query_one("#board", Gallery), self.query_one("#universe", RowTable)
        shown = self.boarded
        if board.display != shown or table.display == shown:
            board.display, table.display = shown, not shown
            self.call_after_refresh(self.draw)
        if not self.focused or not self.focused.display:
            self.lister.focus()
        self._fill(name)
        self._draw_detail()

    def _fill(self, project: str) -> None:
        table = self.query_one("#universe", RowTable)
        snapshot, stages = self.snapshot, self._stages
        table.set_columns(COLUMNS[self.tab_open])
        known = self.studio.reading.known(f"{_read_as(self.tab_open)} {project}")
        if known:
            parts = _EMPTY[self.tab_open]
            empty = words.text(*((part[0], "bold $accent") if isinstance(part, tuple) else part for part in parts))
            table.set_empty(empty)
            self.query_one("#board", Gallery).set_empty(empty)
        if self.tab_open == 0:
            scenes = snapshot.scenes_of(project)
            if self.boarded:
                board = self.query_one("#board", Gallery)
                board.set_items(scenes, lambda one: story.scene_card(one, snapshot, stages))
            else:
                table.set_items(scenes, lambda one: story.scene_row(one, snapshot, stages))
        elif self.tab_open == 1:
            table.set_items(snapshot.characters_of(project), lambda one: story.character_row(one, snapshot))
        elif self.tab_open == 2:
            table.set_items(snapshot.style_guides_of(project), lambda one: story.style_row(one, snapshot))
        elif self.tab_open == 3:
            table.set_items(snapshot.reference_sets_of(project), story.set_row)
        elif self.tab_open == 4:
            table.set_items(snapshot.prompt_templates_of(project), story.template_row)
        elif self.tab_open == PROVIDERS:
            kept = accounts.kept_names(self._secrets)
            table.set_rows([accounts.account_row(one, kept) for one in snapshot.provider_accounts_of(project)])
        else:
            now = self.studio.now()
            table.set_rows([accounts.trash_row(one, now) for one in snapshot.trash_of(project)])

    @property
    def _secrets(self) -> vault_pb2.ListSecretsResponse | None:
        return self.snapshot.answer("secrets", vault_pb2.ListSecretsResponse)

    def tab_opened(self) -> None:
        """What the vault has is asked for when somebody looks: no event tells of it."""
        if self.tab_open == PROVIDERS:
            self.studio.reading.vault()

    def _lock(self, project: project_pb2.Project, room: int) -> Content:
        stages, scenes = project.figures.stages, self.snapshot.scenes_of(project.name)
        if not stages:
            return words.text(("Nothing was run yet; r composes the first run, which locks the style.", words.QUIET))
        first = stages[0]
        for run in locks.runs_of(scenes, first.stage)[-RUNS_LOOKED_AT:]:
            self.studio.reading.run_once(run)
        guides = self.snapshot.style_guides_of(project.name)
        known = self.studio.reading.known(f"bible {project.name}")
        return locks.lock_line(project, locks.lock_of(first, scenes, guides, self.snapshot.runs), room, known)

    def _read_flags(self, project: str) -> None:
        runs = {
            one.candidate.split("/jobs/")[0] for scene in self.snapshot.scenes_of(project) for one in scene.accepted
        }
        for run in sorted(runs, reverse=True)[:RUNS_LOOKED_AT]:
            self.studio.reading.jobs_once(run)

    def _draw_detail(self) -> None:
        key = self.lister.cursor_key or ""
        picture, sheet = self.query_one("#universe-picture", Picture), self.query_one("#sheet", Filmstrip)
        rows, asset, frames = self._detail(key)
        self.query_one("#universe-words", Said).say(words.lines(rows))
        several = len(frames) > 1
        room = self.tab_open < PROVIDERS and not self.app.has_class("-slim")
        sheet.display, picture.display = several, not several and room
        sheet.show(frames if several else [])
        wanted = asset or (frames[0].asset if frames else "")
        if several or wanted == self._pictured:
            return
        self._pictured = wanted
        picture.show(self.want(wanted) if wanted else None, "" if wanted else "no picture yet")

    def _detail(self, key: str) -> tuple[list[Content], str, list[Frame]]:
        """Words, picture, and further pictures of what is under the cursor."""
        snapshot = self.snapshot
        if self.tab_open == TRASH:
            gone = next((one for one in snapshot.trash_of(self.studio.project) if one.name == key), None)
            return (accounts.trash_words(gone) if gone is not None else []), "", []
        if (account := snapshot.provider_accounts.get(key)) is not None:
            vault = snapshot.answer("vault", vault_pb2.VaultStatus)
            return accounts.account_words(account, self._secrets, vault), "", []
        if (scene := snapshot.scenes.get(key)) is not None:
            stages = self._stages
            return story.scene_words(scene, snapshot, stages), story.furthest(scene, stages), []
        if (character := snapshot.characters.get(key)) is not None:
            return story.character_words(character, snapshot), "", _frames(story.sheet(character, snapshot))
        if (guide := snapshot.style_guides.get(key)) is not None:
            return story.style_words(guide), "", _frames(story.anchors(guide, snapshot))
        if (found := snapshot.reference_sets.get(key)) is not None:
            return story.set_words(found), "", [Frame(one.asset, Content(one.caption)) for one in found.items]
        if (template := snapshot.prompt_templates.get(key)) is not None:
            return story.template_words(template), "", []
        return [], "", []

    # --- pictures ----------------------------------------------------------------------------------------------------

    def want(self, asset: str) -> Image.Image | None:
        """A picture that is here; otherwise it is read and comes later."""
        have = self.studio.pictures.have(asset, True)
        if have is None and asset:
            self.studio.want_picture(asset, self)
        return have

    def on_picture_arrived(self, message: say.PictureArrived) -> None:
        """Puts it where it is wanted."""
        self.query_one("#board", Gallery).arrived(message.asset, message.picture)
        self.query_one("#sheet", Filmstrip).arrived(message.asset, message.picture)
        if message.asset == self._pictured:
            self.query_one("#universe-picture", Picture).show(message.picture)

    def on_picture_missed(self, message: say.PictureMissed) -> None:
        """Says why there is no picture."""
        if message.asset == self._pictured:
            self.query_one("#universe-picture", Picture).show(None, str(message.error))
            self._pictured = "" if message.passing else message.asset

    # --- actions -----------------------------------------------------------------------------------------------------

    @on(Lister.Moved)
    def _other(self) -> None:
        self._draw_detail()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works now."""
        if action == "toggle_view":
            return self.tab_open == 0
        if action == "open":
            return self.is_mounted and self.lister.cursor_key is not None
        if action == "compose":
            return self.is_mounted and bool(self.studio.project)
        return self.check_writing(action)

    @property
    def _opens(self) -> tuple[str, str] | None:
        """Run and job of the furthest accepted picture of the scene under the cursor."""
        scene = self.snapshot.scenes.get(self.lister.cursor_key or "")
        found = story.in_order(scene, self._stages) if scene is not None else []
        candidate = found[-1].candidate if found else ""
        if "/jobs/" not in candidate:
            return None
        return candidate.split("/jobs/")[0], candidate.split("/candidates/")[0]

    def action_open(self) -> None:
        """Opens the review of the picture that the scene has now; everything else is opened to be changed."""
        from bullpen_tui.screens.review import ReviewScreen

        if self.tab_open == TRASH:
            self.action_undo()
            return
        if (way := self._opens) is not None:
            self.studio.reading.jobs_once(way[0])
            self.studio.push_screen(ReviewScreen(*way))
        else:
            self.action_edit_entry()

    def action_toggle_view(self) -> None:
        """Board or list."""
        self._board = not self.boarded
        self.draw()
        self.lister.focus()

    def action_compose(self) -> None:
        """Composes a run over the marked scenes, or over all."""
        from bullpen_tui.screens.compose import ComposeScreen

        marked = self.lister.chosen if self.tab_open == 0 and self.lister.marked else []
        self.studio.push_screen(ComposeScreen(self.studio.project, scenes=tuple(marked)))


def _read_as(tab: int) -> str:
    """What a tab's rows are read with."""
    return {0: "scenes", TRASH: "trash"}.get(tab, "bible")


def _frames(assets: Iterable[str]) -> list[Frame]:
    return [Frame(asset, Content("")) for asset in assets]
