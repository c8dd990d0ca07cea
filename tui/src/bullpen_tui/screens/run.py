"""One run, live: a row for each picture, a cell for each candidate, and what is being drawn now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import run_pb2
from bullpen_client.errors import BullpenError
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.mirror import Listed, leaf, project_of
from bullpen_tui.pictures import decode
from bullpen_tui.run_rows import Shape, headline, job_row, scene_label, shape
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.run_actions import RunActions
from bullpen_tui.verdicts import stale_words
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.rows import Row, RowTable
from bullpen_tui.widgets.said import Said, entitle

GUIDANCE_STEP = 0.5
LOOKED_AT = 64
"""Jobs that are asked for how many candidates a row has; all jobs of a run have as many."""
AGAIN = (run_pb2.Job.STATE_FAILED, run_pb2.Job.STATE_CANCELED, run_pb2.Job.STATE_HELD)
UNFINISHED = (run_pb2.Job.STATE_QUEUED, run_pb2.Job.STATE_RUNNING)


class RunScreen(RunActions, StudioScreen):
    """The run. Enter opens the job under the cursor in the review."""

    place: ClassVar[str] = "run"
    MORE_IN: ClassVar[str] = "#jobs-pane"
    tab: ClassVar[str] = "runs"

    def __init__(self, name: str) -> None:
        super().__init__()
        self._resource = name
        self._guidance: dict[str, float] = {}
        self._pictured: tuple[str, int] | None = None
        self._followed = ""
        self._rows: dict[str, tuple[tuple[object, ...], object, Row]] = {}
        self._jobs = RowTable(empty="Reading the jobs…", dom_id="jobs")

    @property
    def run_name(self) -> str:
        """The run of this screen."""
        return self._resource

    def body(self) -> Iterable[Widget]:
        """Headline, table, picture and figures."""
        yield Said(settled=True, dom_id="headline")
        with Horizontal(id="run-columns"):
            with Vertical(classes="pane", id="jobs-pane"):
                yield self._jobs
            with Vertical(classes="pane", id="preview-pane") as pane:
                pane.border_title = "preview"
                yield Picture(self.studio.graphics, dom_id="preview")
                yield Said(settled=True, dom_id="preview-words")
        yield Said(settled=True, dom_id="figures")

    def on_mount(self) -> None:
        """Reads the run and its jobs; the watch keeps them fresh, its figures are asked for once a second."""
        super().on_mount()
        self.studio.reading.run(self._resource)
        self.studio.reading.jobs(self._resource)
        self.studio.reading.scenes(project_of(self._resource))
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        run = self.the_run
        if run is not None and run.state not in words.ENDED_RUNS and not self.studio.lost and self.is_current:
            self.studio.reading.run(self._resource)

    # --- drawing -----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draws everything in place."""
        run = self.the_run
        table = self._jobs
        jobs = self.snapshot.jobs_of(self._resource)
        wide = max((len(self.snapshot.candidates_of(job.name)) for job in jobs[:LOOKED_AT]), default=1)
        form = shape(wide, table.content_size.width or self.size.width)
        table.set_columns(form.columns)
        table.set_items(jobs, lambda job: self._row(job, form), self._text)
        self._follow(table)
        if run is not None:
            entitle(self.query_one("#jobs-pane"), f"{leaf(project_of(run.name))} · {run.spec.stage}")
            room = self.query_one("#headline").content_size.width or self.size.width - 4
            self.query_one("#headline", Said).say(
                headline(run, self.snapshot.finished.get(run.name, 0), self.studio.now(), room)
            )
            self.query_one("#figures", Said).say(self._figures(run))
        self._draw_picture()

    def _text(self, job: run_pb2.Job) -> str:
        scene = self.snapshot.scenes.get(job.scene)
        title = f"{scene.ordinal:02} {scene.title}" if scene is not None else job.source_path
        found = [one.message for each in self.snapshot.candidates_of(job.name) for one in each.quality.findings]
        state = words.state(words.JOB_MARKS, job.state)[2]
        return " ".join([job.name, title, state, job.error.message, *found]).casefold()

    def _row(self, job: run_pb2.Job, form: Shape) -> Row:
        """The row of a job, made anew only when the job, its scene or one of its candidates is another one."""
        snapshot = self.snapshot
        candidates = snapshot.candidates_of(job.name)
        parts = (job, snapshot.scenes.get(job.scene), candidates)
        marks = snapshot.progress
        moving = [marks[one.name] for one in candidates if one.name in marks] if marks else []
        known = self._rows.get(job.name)
        now = (moving, form)
        if known is None or known[1] != now or any(a is not b for a, b in zip(known[0], parts, strict=True)):
            known = (parts, now, job_row(snapshot, job, form))
            self._rows[job.name] = known
        return known[2]

    def _follow(self, table: RowTable) -> None:
        """Goes with the running job until the person moves the cursor to another one."""
        running = self.snapshot.running_jobs(self._resource)
        if not running or running[0] == self._followed:
            return
        if not self._followed or table.cursor_key == self._followed:
            table.move_to(running[0])
        self._followed = running[0]

    def _figures(self, run: run_pb2.Run) -> Content:
        sampling = run.sampling
        job = self.job
        guidance = self._guidance.get(job.name, sampling.guidance_scale) if job else sampling.guidance_scale
        parts = [words.text(("model ", words.FAINT), leaf(run.model) or words.DASH)]
        if job and job.device:
            parts.append(words.text(("on ", words.FAINT), leaf(job.device)))
        parts.append(words.text(("steps ", words.FAINT), str(sampling.steps or words.DASH)))
        changed = words.ACCENT if job and job.name in self._guidance else "$foreground"
        parts.append(words.text(("guidance ", words.FAINT), (f"{guidance:g}", changed)))
        parts.append(words.text(("seed ", words.FAINT), f"{run.seed}"))
        parts.append(words.text(("device ", words.FAINT), words.span(run.figures.device_seconds)))
        if run.figures.HasField("qa_pass_rate"):
            parts.append(words.text(("QA ", words.FAINT), words.quality_cell(run.figures.qa_pass_rate)))
        if run.error.reason:
            parts.insert(0, words.text((run.error.message, words.BAD)))
        room = self.query_one("#figures").content_size.width or self.size.width - 4
        while len(parts) > 1 and sum(one.cell_length + 3 for one in parts) - 3 > room:
            parts.pop()
        return Content("   ").join(parts)

    # --- the picture -------------------------------------------------------------------------------------------------

    @property
    def job(self) -> run_pb2.Job | None:
        """The job under the cursor."""
        return self.snapshot.jobs.get(self._jobs.cursor_key or "")

    def _draw_picture(self) -> None:
        job = self.job
        if job is None:
            return
        live = self.snapshot.active_candidate(job.name)
        if live is None and job.state == run_pb2.Job.STATE_QUEUED:
            live = self.snapshot.active_candidate(self._resource)
        if live is not None:
            self._draw_live(live)
            return
        done = [one for one in self.snapshot.candidates_of(job.name) if one.asset]
        best = min(done, key=lambda one: (not one.accepted, one.rank or 99), default=None)
        if best is not None:
            number = self.snapshot.candidates_of(job.name).index(best) + 1
            line = words.text(f"candidate {number}  ", words.candidate_cell(best, None))
            below = f"↻ {job.retry_reason}" if job.retry_reason else best.rank_reason.split(":")[0]
            if best.HasField("stale"):
                below = f"⚑ out of date: {stale_words(best.stale)}"
            self._caption(job, line, below)
            self._show_asset(best.asset)
        else:
            reason = words.text((job.error.message, words.BAD)) if job.error.reason else words.text("the source")
            self._caption(job, reason, job.error.remedy)
            self._show_asset(job.source_asset)

    def _draw_live(self, candidate: str) -> None:
        progress = self.snapshot.progress[candidate]
        job = self.snapshot.jobs[candidate.rsplit("/candidates/", 1)[0]]
        siblings = [one.name for one in self.snapshot.candidates_of(job.name)]
        number = siblings.index(candidate) + 1 if candidate in siblings else 1
        left = words.seconds_of(progress.time_left)
        step = f"step {progress.step}/{progress.steps}" if progress.steps else progress.phase
        line = words.text(("● ", words.ACCENT), f"candidate {number}  {step}")
        self._caption(job, line, f"{words.clock(left)} left" if left else progress.phase)
        preview = self.snapshot.previews.get(candidate)
        if preview is None:
            self._show_asset(job.source_asset)
        elif self._pictured != (candidate, preview.step):
            self._pictured = (candidate, preview.step)
            try:
                self.query_one("#preview", Picture).show(decode(preview.image), live=True)
            except BullpenError:
                # A preview is droppable; the next one comes with the next step.
                self._pictured = None

    def _caption(self, job: run_pb2.Job, line: Content, below: str) -> None:
        label = scene_label(job, self.snapshot.scenes.get(job.scene))
        self.query_one("#preview-words", Said).say(words.lines([label, line, words.text((below, words.FAINT))]))

    def _show_asset(self, asset: str) -> None:
        if self._pictured == (asset, -1):
            return
        self._pictured = (asset, -1)
        picture = self.query_one("#preview", Picture)
        if not asset:
            picture.show(None, "no picture yet")
            return
        have = self.studio.pictures.have(asset, True)
        if have is not None:
            picture.show(have)
        else:
            self.studio.want_picture(asset, self)

    def on_picture_arrived(self, message: say.PictureArrived) -> None:
        """Shows a picture that is still wanted."""
        if self._pictured == (message.asset, -1):
            self.query_one("#preview", Picture).show(message.picture)

    def on_picture_missed(self, message: say.PictureMissed) -> None:
        """Says why there is no picture."""
        if self._pictured == (message.asset, -1):
            self.query_one("#preview", Picture).show(None, str(message.error))
            self._pictured = None if message.passing else (message.asset, -1)

    def on_lister_moved(self) -> None:
        """Shows the picture of the row under the cursor."""
        self._draw_picture()
        if (run := self.the_run) is not None:
            self.query_one("#figures", Said).say(self._figures(run))

    # --- actions -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works on the job under the cursor."""
        job = self.job
        if action in ("open", "review"):
            return job is not None
        if action == "post_process":
            run = self.the_run
            return run is not None and run.figures.accepted > 0
        if action == "cancel_job":
            found = (self.snapshot.jobs.get(one) for one in self._jobs.chosen)
            return any(one is not None and one.state in UNFINISHED for one in found)
        if action in ("guidance_up", "guidance_down"):
            return job is not None and job.state == run_pb2.Job.STATE_RUNNING
        if action == "retry_job":
            return job is not None and job.state in AGAIN
        return self.check_run_action(action)

    def action_retry_job(self) -> None:
        """Makes the job under the cursor again, while its run goes on."""
        if (job := self.job) is not None:
            self.studio.errands.retry_job(job.name, self)

    def on_job_retried(self, message: say.JobRetried) -> None:
        """Says where it is made again."""
        self.notify(f"It is made again in {leaf(message.job.name.split('/jobs/')[0])}.")

    def action_open(self) -> None:
        """Opens the job in the review."""
        from bullpen_tui.screens.review import ReviewScreen

        if (job := self.job) is not None:
            self.studio.push_screen(ReviewScreen(self._resource, job.name))

    def action_review(self) -> None:
        """Opens the job in the review."""
        self.action_open()

    def action_post_process(self) -> None:
        """Takes what was accepted of the run through post-process."""
        self.studio.errands.post_process(project_of(self._resource), (), self._resource, self)
        self.notify("What was accepted goes through the chain of the settings.", title="Post-process")

    def on_pictures_made(self, message: say.PicturesMade) -> None:
        """Says what came of it."""
        made, of = words.plural(len(message.made), "picture"), words.plural(message.sources, "picture")
        self.studio.post_message(say.ChangesArrived((Listed(tuple(message.made)),)))
        self.notify(f"{made} made of {of}; 3 shows them.", title="Post-process")

    def action_compose(self) -> None:
        """Composes another run of the project."""
        from bullpen_tui.screens.compose import ComposeScreen

        self.studio.push_screen(ComposeScreen(project_of(self._resource)))

    def action_cancel_job(self) -> None:
        """Stops the marked jobs that are not finished, else the one under the cursor."""
        for name in self._jobs.chosen:
            job = self.snapshot.jobs.get(name)
            if job is not None and job.state in UNFINISHED:
                self.studio.errands.cancel_job(name, self)

    def on_job_stopped(self, message: say.JobStopped) -> None:
        """Shows the job as it is now."""
        self.studio.post_message(say.ChangesArrived((Listed((message.job,)),)))

    def action_guidance_up(self) -> None:
        """More guidance from the next step on."""
        self._tune(GUIDANCE_STEP)

    def action_guidance_down(self) -> None:
        """Less guidance from the next step on."""
        self._tune(-GUIDANCE_STEP)

    def _tune(self, change: float) -> None:
        job, run = self.job, self.the_run
        if job is None or run is None:
            return
        wanted = max(1.0, self._guidance.get(job.name, run.sampling.guidance_scale) + change)
        self.studio.errands.tune_job(job.name, wanted, self)

    def on_job_tuned(self, message: say.JobTuned) -> None:
        """Shows the guidance that is in force."""
        self._guidance[message.job.name] = message.guidance_scale
        self.draw()
