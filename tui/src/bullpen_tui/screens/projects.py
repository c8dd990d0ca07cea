"""Projects: the list at the left, the figures of the one under the cursor at the right."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from bullpen_api.v1 import export_pb2, project_pb2
from PIL import Image
from textual import on
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.mirror import Listed, leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.dialogs import ConfirmDialog, PathDialog
from bullpen_tui.screens.runs import RUN_COLUMNS, run_row
from bullpen_tui.story import furthest
from bullpen_tui.widgets.chrome import FilterLine
from bullpen_tui.widgets.filmstrip import Filmstrip, Frame
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said, entitle

CARDS = ("runs", "assets", "cost", "qa", "scenes")
_TITLES = {"runs": "Runs", "assets": "Assets", "scenes": "Scenes", "cost": "Cost", "qa": "QA pass"}

NO_PROJECT = words.text(
    "No project yet.\n\n",
    ("n", "bold $accent"),
    " makes a new one; ",
    ("bullpen demo", "bold"),
    " in a shell fills one with a sample story.",
)
NO_RUN = words.text("Nothing was run in this project yet.\n\n", ("r", "bold $accent"), " composes the first run.")


NO_SCENE = words.text(
    "This universe has no scene yet.\n\n",
    ("U", "bold $accent"),
    " opens it: ",
    ("i", "bold $accent"),
    " takes pictures in, ",
    ("n", "bold $accent"),
    " writes, ",
    ("b", "bold $accent"),
    " asks a language model.\n",
    ("r", "bold $accent"),
    " runs a stage over a folder without any scene.",
)


def cost_words(figures: project_pb2.ProjectFigures) -> Content:
    """Money, where any was spent, and the time of devices; `?` beside a sum says that more may have been charged."""
    sums = [words.money_of(one.charged_micros, one.currency_code) for one in figures.money if one.charged_micros]
    doubt = "?" if any(one.unknown_micros for one in figures.money) else ""
    parts = [f"{' + '.join(sums)}{doubt}"] if sums or doubt else []
    if figures.device_seconds or not parts:
        parts.append(words.span(figures.device_seconds))
    return words.text(("  ".join(parts), words.STRONG))


def card_figures(figures: project_pb2.ProjectFigures) -> dict[str, Content]:
    """What the cards say, by card."""
    active = words.text((f"  ● {figures.active_runs}", words.ACCENT)) if figures.active_runs else Content("")
    rate = figures.qa_pass_rate if figures.HasField("qa_pass_rate") else None
    return {
        "runs": words.text((str(figures.runs), words.STRONG), active),
        "assets": words.text((str(figures.assets), words.STRONG)),
        "cost": cost_words(figures),
        "qa": words.quality_cell(rate),
        "scenes": words.text((str(figures.scenes), words.STRONG)),
    }


class ProjectsScreen(StudioScreen):
    """The dashboard. Enter opens the project, or the run when the runs have the focus."""

    place: ClassVar[str] = "projects"

    def __init__(self) -> None:
        super().__init__()
        self._trashed: list[str] = []

    def body(self) -> Iterable[Widget]:
        """List, cards, stages and recent runs."""
        with Horizontal():
            with Vertical(id="project-list", classes="pane") as pane:
                pane.border_title = "Projects"
                yield RowTable(
                    (Column("project"), Column("runs", width=3, right=True)),
                    head=False,
                    empty="Reading…",
                    dom_id="projects",
                )
            with Vertical(id="dashboard", classes="pane"):
                yield Said(settled=True, dom_id="about")
                with Container(id="cards"):
                    for card in CARDS:
                        yield Said(settled=True, dom_id=f"card-{card}", classes="card")
                yield Said(dom_id="stages")
                yield Filmstrip(self.studio.graphics, self._picture, dom_id="strip")
                yield RowTable(RUN_COLUMNS, dom_id="recent")

    @property
    def project(self) -> str:
        """The project under the cursor."""
        return self.query_one("#projects", RowTable).cursor_key or ""

    def draw(self) -> None:
        """Draws list and dashboard."""
        table = self.query_one("#projects", RowTable)
        here = self.studio.project
        projects = self.snapshot.projects
        table.set_rows(
            [
                Row(
                    name,
                    (
                        words.text(leaf(name), (" ●" if projects[name].figures.active_runs else "", words.ACCENT)),
                        words.text((str(projects[name].figures.runs or words.DASH), words.QUIET)),
                    ),
                )
                for name in sorted(projects)
            ]
        )
        if self.studio.listed and not projects:
            table.set_empty(Content("no project yet"))
        if here and self.project != here:
            table.move_to(here)
        self._draw_dashboard()

    def _draw_dashboard(self) -> None:
        project = self.snapshot.projects.get(self.project)
        dashboard = self.query_one("#dashboard")
        entitle(dashboard, leaf(self.project) if self.project else "")
        shown = project is not None
        self.query_one("#cards").display = shown
        self.query_one("#stages").display = shown
        self.query_one("#strip").set_class(not shown, "-empty")
        recent = self.query_one("#recent", RowTable)
        about = self.query_one("#about", Said)
        if project is None:
            about.say(NO_PROJECT if self.studio.listed else words.text(("Reaching the daemon…", words.QUIET)))
            dashboard.add_class("-empty")
            recent.display = False
            return
        dashboard.remove_class("-empty")
        recent.display = True
        when = words.ago(project.figures.last_run_time, self.studio.now())
        where = "S3 storage" if project.storage == project_pb2.Project.STORAGE_S3 else "local storage"
        story = " ".join(project.story.split()) or "no story yet"
        title = words.text((project.title or leaf(project.name), words.STRONG))
        side = f"{where} · last run {when}" if project.figures.last_run_time.seconds else where
        about.say(words.lines([words.text(title, (f"   {side}", words.FAINT)), words.text((story, words.QUIET))]))
        for card, figure in card_figures(project.figures).items():
            label = words.text((_TITLES[card], words.QUIET))
            self.query_one(f"#card-{card}", Said).say(words.lines([figure, label]))
        stages = [(one.stage, one.accepted, one.scenes) for one in project.figures.stages]
        self.query_one("#stages", Said).fit(partial(words.stage_line, stages))
        recent.set_empty(NO_RUN if project.figures.scenes else NO_SCENE)
        now = self.studio.now()
        self.query_one(Filmstrip).show(self._frames(project.name))
        recent.set_rows([run_row(run, now) for run in self.snapshot.runs_of(project.name)[:50]])

    def _frames(self, project: str) -> list[Frame]:
        """Each scene with its furthest accepted picture, else its source."""
        known = self.snapshot.projects.get(project)
        stages = [one.stage for one in known.figures.stages] if known is not None else []
        frames: list[Frame] = []
        for scene in self.snapshot.scenes_of(project):
            title = words.text((f"{scene.ordinal:02} ", words.FAINT), (scene.title or leaf(scene.name), words.QUIET))
            frames.append(Frame(furthest(scene, stages), title))
        return frames

    def _picture(self, asset: str) -> Image.Image | None:
        have = self.studio.pictures.have(asset, True)
        if have is None:
            self.studio.want_picture(asset, self)
        return have

    def on_picture_arrived(self, message: say.PictureArrived) -> None:
        """Puts it into the strip."""
        self.query_one(Filmstrip).arrived(message.asset, message.picture)

    @on(RowTable.Moved, "#projects")
    def _other_project(self) -> None:
        if self.project:
            self.studio.enter_project(self.project)
            self.studio.reading.runs(self.project)
            self.studio.reading.scenes(self.project)
        self._draw_dashboard()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works now."""
        if action == "back":
            return self.is_mounted and bool(self.query_one(FilterLine).value)
        if action in ("open", "compose", "bring_out", "export", "trash_project"):
            return bool(self.project)
        if action == "undo_project":
            return bool(self._trashed)
        if action == "new_project":
            return self.studio.connected
        return True

    def action_open(self) -> None:
        """Opens the run under the cursor where the runs have the focus, else the project."""
        recent = self.query_one("#recent", RowTable)
        if recent.has_focus and recent.cursor_key:
            self.studio.open_run(recent.cursor_key)
        elif self.project:
            self.visit_project(self.project)

    def action_export(self) -> None:
        """Asks what file is to be made of the project."""
        from bullpen_tui.screens.export import ExportDialog

        self.studio.push_screen(ExportDialog(self.project), self._exporting)

    def _exporting(self, export: export_pb2.Export | None) -> None:
        if export is not None:
            self.studio.notify(f"{leaf(export.name)} is being made; w shows how far it is.")

    def action_bring_out(self) -> None:
        """Asks for a folder; none takes the bucket that the project names."""
        project = self.snapshot.projects.get(self.project)
        if project is None:
            return
        bucket = project.storage == project_pb2.Project.STORAGE_S3
        where = "a folder of the daemon's machine" + (", or nothing for its bucket" if bucket else "")

        def go(folder: str | None) -> None:
            if folder is not None:
                self.studio.errands.bring_out(project.name, folder, self)

        self.studio.push_screen(PathDialog(f"Copy the pictures to {where}", "", empty=bucket), go)

    def on_brought_out(self, message: say.BroughtOut) -> None:
        """Says what lies where."""
        report = message.report
        done = f"{words.plural(report.pictures, 'picture')} in {report.place}, {report.copied} copied now"
        lost = f"; {words.plural(len(report.lost), 'picture')} could not be read" if report.lost else ""
        self.studio.notify(f"{done}{lost}", severity="warning" if lost else "information")

    def action_trash_project(self) -> None:
        """Reads what the project holds, and then asks."""
        self.studio.errands.look_at_project(self.project, self)

    def on_project_looked_at(self, message: say.ProjectLookedAt) -> None:
        """Asks with what is held, and with what would be canceled."""
        found = message.found
        figures, size = found.project.figures, words.size(found.size_bytes)
        runs = len(found.canceled_runs)
        question = (
            f"Put {leaf(found.project.name)} into the trash? It holds {words.plural(figures.scenes, 'scene')}, "
            f"{words.plural(figures.runs, 'run')} and {words.plural(figures.assets, 'picture')}. No file is removed: "
            f"{size} stay in {found.folder}."
        )
        if runs:
            question += f" {words.plural(runs, 'run')} would be canceled first."

        def answered(yes: bool | None) -> None:
            if yes:
                self.studio.errands.trash_project(found.project.name, bool(runs), self)

        self.studio.push_screen(ConfirmDialog(question, "into the trash"), answered)

    def on_project_trashed(self, message: say.ProjectTrashed) -> None:
        """It leaves the list; says how to take it back."""
        project = message.gone.project
        self._trashed.append(project.name)
        self.studio.post_message(say.ChangesArrived((Listed((project,)),)))
        self.studio.notify(f"{leaf(project.name)} is in the trash; u takes it back.")
        self.draw_keys()

    def action_undo_project(self) -> None:
        """Takes back what went into the trash last."""
        if self._trashed:
            self.studio.errands.undo_project(self._trashed.pop(), self)

    def on_project_back(self, message: say.ProjectBack) -> None:
        """It is in the list again, under the cursor."""
        self.studio.post_message(say.ChangesArrived((Listed((message.project,)),)))
        self.studio.enter_project(message.project.name)
        self.studio.notify(f"{leaf(message.project.name)} is back.")
        self.draw_keys()

    def action_compose(self) -> None:
        """Composes a run of the project."""
        from bullpen_tui.screens.compose import ComposeScreen

        self.studio.push_screen(ComposeScreen(self.project))

    def action_new_project(self) -> None:
        """Asks for slug, title and story."""
        from bullpen_tui.screens.new_project import NewProjectDialog

        self.studio.push_screen(NewProjectDialog(), self._created)

    def _created(self, project: project_pb2.Project | None) -> None:
        """Puts the cursor on the new project."""
        if project is not None:
            self.studio.post_message(say.ChangesArrived((Listed((project,)),)))
            self.studio.enter_project(project.name)
            self.notify(f"Project {leaf(project.name)} was created.")
