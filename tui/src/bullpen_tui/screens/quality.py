"""Quality: from the runs of a project to the findings of one picture, and on into the review."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import quality_pb2, run_pb2
from PIL import Image
from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import findings, words
from bullpen_tui import messages as say
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.widgets.filmstrip import Filmstrip, Frame
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.rows import RowTable
from bullpen_tui.widgets.said import Said, entitle
from bullpen_tui.widgets.tabs import TabLine

NO_RUN = words.text("Nothing was run in this project yet.\n\n", ("r", "bold $accent"), " composes the first run.")
NOTHING = words.text("Nothing of this run is finished yet.")


AGAIN_SECONDS = 3.0


class QualityScreen(StudioScreen):
    """Three levels: runs with the sums of the one under the cursor, its pictures, and the candidates of one."""

    place: ClassVar[str] = "quality"

    def __init__(self) -> None:
        super().__init__()
        self.tabs = ("all",)
        self._run = ""
        self._job = ""
        self._asked = ""

    def about(self, run: str) -> None:
        """Begins with a run."""
        self._run = run

    def body(self) -> Iterable[Widget]:
        """List at the left, words at the right."""
        yield TabLine()
        with Horizontal():
            with Vertical(classes="pane", id="quality-list"):
                yield RowTable(findings.RUN_COLUMNS, empty="Reading…", dom_id="quality")
            with VerticalScroll(classes="pane", id="quality-detail", can_focus=False):
                yield Filmstrip(self.studio.graphics, self.want, dom_id="quality-strip")
                yield Said(dom_id="quality-words")

    def on_mount(self) -> None:
        """Asks once for the words of the findings."""
        super().on_mount()
        if "finding kinds" not in self.snapshot.answers:
            self.studio.reading.finding_kinds()
        self.set_interval(AGAIN_SECONDS, self._again)

    def _again(self) -> None:
        """Reads the sums of a run that goes on again."""
        run = self.snapshot.runs.get(self.run_name)
        if self.is_current and run is not None and run.state not in words.ENDED_RUNS:
            self.studio.reading.quality(run.name)

    # --- what is known -----------------------------------------------------------------------------------------------

    @property
    def run_name(self) -> str:
        """The run that is looked at, or the one under the cursor."""
        return self._run or self._table.cursor_key or ""

    @property
    def _table(self) -> RowTable:
        return self.query_one("#quality", RowTable)

    @property
    def _kinds(self) -> dict[int, quality_pb2.FindingKind]:
        answer = self.snapshot.answer("finding kinds", quality_pb2.ListFindingKindsResponse)
        return {one.kind: one for one in answer.kinds} if answer else {}

    @property
    def _summary(self) -> quality_pb2.QualitySummary | None:
        return self.snapshot.answer(f"quality {self.run_name}", quality_pb2.QualitySummary)

    @property
    def _job_open(self) -> quality_pb2.JobQuality | None:
        """The picture whose candidates are listed."""
        summary = self._summary if self._job else None
        return next((one for one in summary.jobs if one.job == self._job), None) if summary is not None else None

    @property
    def _jobs(self) -> list[quality_pb2.JobQuality]:
        """Pictures of the run that the open tab leaves."""
        summary = self._summary
        if summary is None:
            return []
        found = findings.kinds_found(summary)
        if 0 < self.tab_open <= len(found):
            return [job for job in summary.jobs if findings.has_kind(job, found[self.tab_open - 1])]
        return list(summary.jobs)

    # --- drawing -----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draws the level that is open."""
        project = self.studio.project
        if project:
            self.studio.reading.runs(project)
            self.studio.reading.scenes(project)
        table = self._table
        if (job := self._job_open) is not None:
            table.set_columns(findings.CANDIDATE_COLUMNS)
            kinds = self._kinds
            table.set_rows([findings.candidate_row(one, kinds) for one in job.candidates])
        elif self._run:
            kinds, snapshot = self._kinds, self.snapshot
            table.set_columns(findings.JOB_COLUMNS)
            table.set_empty(NOTHING if self._summary is not None else Content("Reading…"))
            rows = [findings.job_row(job, snapshot, kinds) for job in self._jobs]
            table.set_rows(rows)
        else:
            table.set_columns(findings.RUN_COLUMNS)
            if self.studio.listed:
                table.set_empty(NO_RUN)
            table.set_items(self.snapshot.runs_of(project), findings.run_row)
        place = [leaf(one) for one in (self._run or project, self._job) if one]
        entitle(self.query_one("#quality-list"), " › ".join(place))
        self._draw_tabs()
        self._draw_words()

    def _draw_tabs(self) -> None:
        kinds = self._kinds
        found = findings.kinds_found(self._summary) if self._run and not self._job else ()
        self.tabs = ("all", *(findings.kind_title(kind, kinds).lower() for kind in found))
        line = self.query_one(TabLine)
        line.display = bool(self._run) and not self._job
        line.open(self.tabs, self.tab_open)

    def _draw_words(self) -> None:
        run = self.run_name
        if run and run != self._asked:
            self._asked = run
            self.studio.reading.quality(run)
        summary = self._summary
        pane = self.query_one("#quality-detail")
        said = self.query_one("#quality-words", Said)
        if summary is None:
            entitle(pane, "")
            said.say("")
            self._draw_pictures(())
            return
        job = next((one for one in summary.jobs if one.job == self._table.cursor_key), None) if self._run else None
        if (opened := self._job_open) is not None:
            candidate = next((one for one in opened.candidates if one.name == self._table.cursor_key), None)
            self._draw_pictures((candidate,) if candidate is not None else ())
            entitle(pane, leaf(candidate.name) if candidate is not None else "")
            room = pane.content_size.width or 40
            lines = findings.candidate_lines(candidate, self._kinds, room) if candidate is not None else []
            said.say(words.lines(lines))
        elif job is not None:
            self._draw_pictures(job.candidates)
            entitle(pane, leaf(job.job))
            said.say(words.lines(findings.job_lines(job, self._kinds)))
        else:
            self._draw_pictures(())
            entitle(pane, leaf(run))
            said.say(words.lines(findings.summary_lines(summary, self._kinds, pane.content_size.width or 50)))

    def _draw_pictures(self, candidates: Iterable[run_pb2.Candidate]) -> None:
        """What the words are about, in small; nothing where the terminal draws no pictures."""
        strip = self.query_one("#quality-strip", Filmstrip)
        drawn = [one for one in candidates if one.asset] if self.studio.draws else []
        strip.display = bool(drawn)
        if drawn:
            strip.show(
                [Frame(one.asset, words.text(leaf(one.name), " ", words.candidate_cell(one, None))) for one in drawn]
            )

    def want(self, asset: str) -> Image.Image | None:
        """A picture that is here; otherwise it is read and comes later."""
        have = self.studio.pictures.have(asset, True)
        if have is None:
            self.studio.want_picture(asset, self)
        return have

    def on_picture_arrived(self, message: say.PictureArrived) -> None:
        """Shows a picture that is still wanted."""
        self.query_one("#quality-strip", Filmstrip).arrived(message.asset, message.picture)

    @on(Lister.Moved)
    def _other(self) -> None:
        self._draw_words()

    @on(RowTable.EndNeared)
    def _read_more(self) -> None:
        if not self._run:
            self.studio.reading.more_runs(self.studio.project)

    # --- actions -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works at this level."""
        if not self.is_mounted:
            return True
        if action == "open":
            return self._table.cursor_key is not None
        if action in ("next_tab", "previous_tab"):
            return bool(self._run) and not self._job and len(self.tabs) > 1
        if action in ("mark", "compose"):
            return bool(self._run) and not self._job
        return True

    def action_open(self) -> None:
        """From the runs to one run, to one picture, and from its candidates into the review."""
        from bullpen_tui.screens.review import ReviewScreen

        key = self._table.cursor_key
        if key is None:
            return
        if self._job:
            self.studio.reading.jobs_once(self._run)
            self.studio.push_screen(ReviewScreen(self._run, self._job, key))
            return
        if self._run:
            self._job = key
        else:
            self._run = key
            self.tab_open = 0
        self.draw()
        self._table.action_first()
        self.draw_keys()

    def action_compose(self) -> None:
        """Composes the stage once more over the marked pictures, or over the one under the cursor."""
        from bullpen_tui.screens.compose import ComposeScreen

        chosen = set(self._table.chosen)
        scenes = tuple(job.scene for job in self._jobs if job.job in chosen and job.scene)
        run = self.snapshot.runs.get(self._run)
        stage = run.spec.stage if run is not None else ""
        self.studio.push_screen(ComposeScreen(self.studio.project, scenes=scenes, stage=stage))

    def action_back(self) -> None:
        """Drops filter and marks, then goes up one level."""
        if self.drop_filter() or self._table.clear_marks():
            return
        if self._job or self._run:
            key = self._job or self._run
            if self._job:
                self._job = ""
            else:
                self._run, self.tab_open = "", 0
            self.draw()
            self._table.move_to(key)
            self.draw_keys()
            return
        super().action_back()
