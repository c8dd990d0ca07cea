"""Review: the source and the candidates of one job side by side, with what was measured in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from bullpen_api.v1 import lineage_pb2, run_pb2
from PIL import Image
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import verdicts, words
from bullpen_tui.mirror import Listed, leaf, project_of
from bullpen_tui.pictures import difference
from bullpen_tui.run_rows import scene_label
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.run_actions import RunActions
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.said import Said, entitle
from bullpen_tui.widgets.tile import Tile, Tiles

WIDE = 28
"""Cells of a tile that has room for its score as a bar."""
ABOUT = ("reasons", "made with", "descent")
"""What the words below the pictures are about."""


class ReviewScreen(RunActions, StudioScreen):
    """The review of one job; `[` and `]` go through the jobs of the run."""

    place: ClassVar[str] = "review"
    MORE_IN: ClassVar[str] = "#verdict-pane"
    tab: ClassVar[str] = "runs"
    AUTO_FOCUS = ""

    def __init__(self, run: str, job: str, candidate: str = "") -> None:
        super().__init__()
        self._of_run = run
        self._of_job = job
        self._chosen = -1
        self._first = candidate
        self._flipped = False
        self._differing = False
        self._zoomed = False
        self._about = 0
        self._asked: set[str] = set()
        self._missed: dict[str, say.PictureMissed] = {}

    @property
    def run_name(self) -> str:
        """The run that the job belongs to."""
        return self._of_run

    @property
    def candidates(self) -> list[run_pb2.Candidate]:
        """Candidates of the job."""
        return self.snapshot.candidates_of(self._of_job)

    @property
    def candidate(self) -> run_pb2.Candidate | None:
        """The chosen candidate."""
        found = self.candidates
        return found[self._chosen] if 0 <= self._chosen < len(found) else None

    def body(self) -> Iterable[Widget]:
        """Headline, tiles and the verdict, which has the room where no picture is drawn."""
        self.set_class(not self.studio.draws, "-blind")
        yield Said(settled=True, dom_id="headline")
        with Container(id="review-columns"):
            yield Tiles(self.studio.graphics, "tiles")
            with VerticalScroll(classes="pane", id="verdict-pane", can_focus=False):
                yield Said(dom_id="verdict")

    # --- drawing -----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draws the tiles in place; more are made when the job has more candidates than before."""
        job = self.snapshot.jobs.get(self._of_job)
        if job is None:
            return
        found = self.candidates
        if self._chosen < 0 and found:
            named = [one for one in found if one.name == self._first]
            ranked = named or [one for one in found if one.accepted] or sorted(found, key=lambda one: one.rank or 99)
            self._chosen = found.index(ranked[0])
        self.query_one(Tiles).hold(len(found) + 1)
        self._headline(job)
        self.call_after_refresh(self._draw_tiles)

    def _headline(self, job: run_pb2.Job) -> None:
        jobs = [one.name for one in self.snapshot.jobs_of(self._of_run)]
        place = f"{jobs.index(job.name) + 1} of {len(jobs)}" if job.name in jobs else ""
        label = scene_label(job, self.snapshot.scenes.get(job.scene))
        left = words.text(label.stylize("bold"), (f"   {leaf(self._of_run)}   {place}", words.FAINT))
        mode = "difference" if self._differing else "source" if self._flipped else ""
        right = words.text((mode + "  ", words.ACCENT), words.mark(words.state(words.JOB_MARKS, job.state)))
        room = self.query_one("#headline").content_size.width or self.size.width - 4
        space = max(2, room - left.cell_length - right.cell_length)
        self.query_one("#headline", Said).say(words.text(left, " " * space, right))
        prompt = words.text((f"“{job.prompt}”", words.QUIET)) if job.prompt else Content("")
        candidate = self.candidate
        failed = words.text(("✗ ", words.BAD), job.error.message, " ", job.error.remedy) if job.error.reason else None
        rows = [prompt] if prompt and not self._about else []
        rows += [failed] if failed else []
        rows += self._words(job, candidate) if candidate else []
        self.query_one("#verdict", Said).say(words.lines(rows))
        number = f"candidate {self._chosen + 1} of {len(self.candidates)}"
        title = f"{number} · {ABOUT[self._about]}" if candidate else "no candidate"
        entitle(self.query_one("#verdict-pane"), title)

    def _words(self, job: run_pb2.Job, candidate: run_pb2.Candidate) -> list[Content]:
        """What the words below are about; what is not known yet is asked for once."""
        if ABOUT[self._about] == "made with":
            if not job.uses:
                self._ask(f"job {job.name}", lambda: self.studio.reading.job_detail(job.name))
            return verdicts.inputs(self.snapshot.answer(f"job {job.name}", run_pb2.Job) or job, self.snapshot)
        if ABOUT[self._about] == "descent":
            asked = f"lineage {candidate.name}"
            self._ask(asked, lambda: self.studio.reading.lineage(candidate.name))
            lineage = self.snapshot.answer(asked, lineage_pb2.Lineage)
            return verdicts.descent(lineage, candidate.name) if lineage is not None else [Content("Reading…")]
        beside = self.has_class("-wide") and self.studio.draws
        return verdicts.reasons(candidate, job, listed=beside)

    def _ask(self, what: str, read: Callable[[], None]) -> None:
        if what not in self._asked and self.studio.connected:
            self._asked.add(what)
            read()

    def action_other_words(self) -> None:
        """Reasons, then what it was made with, then where it comes from."""
        self._about = (self._about + 1) % len(ABOUT)
        self._redraw()
        self.query_one("#verdict-pane", VerticalScroll).scroll_home(animate=False)

    def action_words_down(self) -> None:
        """Further down in the words."""
        self.query_one("#verdict-pane", VerticalScroll).scroll_relative(y=2, animate=False)

    def action_words_up(self) -> None:
        """Further up in the words."""
        self.query_one("#verdict-pane", VerticalScroll).scroll_relative(y=-2, animate=False)

    def _draw_tiles(self) -> None:
        job = self.snapshot.jobs.get(self._of_job)
        if job is None or not self.alive:
            return
        found = self.candidates
        self.query_one("#verdict-pane").display = not self._zoomed
        holder = self.query_one(Tiles)
        holder.choose(self._chosen + 1, self._zoomed)
        for tile in holder.tiles:
            if not tile.display:
                continue
            chosen = tile.index == self._chosen + 1
            label = tile.query_one(".tile-label", Said)
            if tile.index == 0:
                label.say(words.text(("source", words.QUIET)))
                self._show(tile, job.source_asset, "")
                continue
            if tile.index > len(found):
                continue
            candidate = found[tile.index - 1]
            name = words.text((f"{tile.index} ", words.FAINT))
            cell = words.candidate_cell(candidate, self.snapshot.progress.get(candidate.name))
            value = words.score(candidate)
            bar = words.bar(value, 1.0, 8) if value is not None and tile.size.width >= WIDE else Content("")
            label.say(words.text(name, cell, "  " if bar else "", bar))
            if chosen and self._flipped:
                self._show(tile, job.source_asset, "")
            elif chosen and self._differing:
                self._show(tile, candidate.asset, job.source_asset)
            else:
                self._show(tile, candidate.asset, "")

    def _show(self, tile: Tile, asset: str, against: str) -> None:
        """Puts a picture, or its difference from another, into a tile as soon as all of it is here."""
        wanted = (asset, against)
        if tile.showing == wanted:
            return
        picture = tile.query_one(Picture)
        if not asset:
            tile.showing = wanted
            picture.show(None, "no picture yet")
            return
        parts: list[Image.Image] = []
        for name in (asset, against):
            if not name:
                continue
            have = self.studio.pictures.have(name, False)
            if have is None and name in self._missed:
                picture.show(None, str(self._missed[name].error))
            elif have is None:
                self.studio.want_picture(name, self, thumbnail=False)
            else:
                parts.append(have)
        if len(parts) == 1 + bool(against):
            tile.showing = wanted
            picture.show(difference(parts[0], parts[1]) if against else parts[0])

    def on_picture_arrived(self) -> None:
        """Draws what was waited for."""
        self._draw_tiles()

    def on_picture_missed(self, message: say.PictureMissed) -> None:
        """Says in its place why there is no picture."""
        self._missed[message.asset] = message
        self._draw_tiles()

    def draw_chrome(self) -> None:
        """The frame; where the daemon is back, what could not be read of it is asked for again."""
        super().draw_chrome()
        if not self.studio.lost:
            self._missed = {asset: one for asset, one in self._missed.items() if not one.passing}

    # --- moving ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works on the chosen candidate."""
        candidate = self.candidate
        if action in ("accept", "override"):
            return candidate is not None and candidate.state == verdicts.DONE
        if action in ("flip", "difference"):
            return candidate is not None and bool(candidate.asset)
        if action == "retry_with":
            run = self.the_run
            return run is not None and run.state in words.ENDED_RUNS
        if action in ("next_job", "previous_job"):
            return len(self.snapshot.jobs_of(self._of_run)) > 1
        return self.check_run_action(action)

    def _choose(self, index: int) -> None:
        found = self.candidates
        if found:
            self._chosen = index % len(found)
            self._flipped = False
            self._redraw()

    def _redraw(self) -> None:
        job = self.snapshot.jobs.get(self._of_job)
        if job is not None:
            self._headline(job)
            self._draw_tiles()
            self.draw_keys()

    def on_tile_clicked(self, message: Tile.Clicked) -> None:
        """Chooses a candidate."""
        if message.index:
            self._choose(message.index - 1)

    def action_next_candidate(self) -> None:
        """To the right."""
        self._choose(self._chosen + 1)

    def action_previous_candidate(self) -> None:
        """To the left."""
        self._choose(self._chosen - 1)

    def action_flip(self) -> None:
        """Source and candidate in the same place."""
        self._flipped = not self._flipped
        self._differing = False
        self._redraw()

    def action_difference(self) -> None:
        """What the candidate changed."""
        self._differing = not self._differing
        self._flipped = False
        self._redraw()

    def action_zoom(self) -> None:
        """One picture, or all."""
        self._zoomed = not self._zoomed
        self._redraw()

    def action_next_job(self) -> None:
        """To the next scene."""
        self._turn(1)

    def action_previous_job(self) -> None:
        """To the scene before."""
        self._turn(-1)

    def _turn(self, by: int) -> None:
        jobs = [one.name for one in self.snapshot.jobs_of(self._of_run)]
        if self._of_job in jobs:
            self._of_job = jobs[(jobs.index(self._of_job) + by) % len(jobs)]
            self._chosen = -1
            self._flipped = self._differing = False
            self.draw()
            self.draw_keys()

    def action_retry_with(self) -> None:
        """Makes the pictures of the run again in which something was found: a set at once, by what was found."""
        from bullpen_tui.screens.part_dialogs import ChooseDialog

        found: dict[run_pb2.Finding.Kind.ValueType, int] = {}
        for job in self.snapshot.jobs_of(self._of_run):
            made = [one for one in self.snapshot.candidates_of(job.name) if one.state == verdicts.DONE]
            best = min(made, key=lambda one: (not one.accepted, one.rank or 99), default=None)
            for kind in {finding.kind for finding in best.quality.findings} if best is not None else ():
                found[kind] = found.get(kind, 0) + 1
        offered = []
        for kind, count in sorted(found.items(), key=lambda one: -one[1]):
            name = words.text(words.finding_name(kind), (f"   {words.plural(count, 'picture')}", words.QUIET))
            offered.append((f"{kind} {run_pb2.AutomaticRetry.CHANGE_SEED}", words.text(name, "   other seeds")))
            strength = words.text(name, "   other seeds, and what acts on it by a quarter")
            offered.append((f"{kind} {run_pb2.AutomaticRetry.CHANGE_STRENGTH}", strength))
        none = "Nothing was found in the best picture of any scene of this run."
        self.studio.push_screen(ChooseDialog("Make again where was found", offered, none), self._retry)

    def _retry(self, chosen: str | None) -> None:
        if chosen:
            finding, change = (int(part) for part in chosen.split())
            self.studio.errands.retry_found(self._of_run, finding, change, self)

    # --- deciding ----------------------------------------------------------------------------------------------------

    def action_accept(self) -> None:
        """Takes the candidate."""
        if (candidate := self.candidate) is not None:
            self._take(candidate.name, "chosen in review")

    def action_override(self) -> None:
        """Asks why, then takes the candidate."""
        from bullpen_tui.screens.dialogs import ReasonDialog

        if (candidate := self.candidate) is not None:
            name = candidate.name
            self.studio.push_screen(
                ReasonDialog(f"Take candidate {self._chosen + 1} although the ranking may prefer another."),
                lambda reason: self._take(name, reason) if reason else None,
            )

    def _take(self, name: str, reason: str) -> None:
        self.studio.errands.accept(name, reason, self)

    def on_candidate_accepted(self, message: say.CandidateAccepted) -> None:
        """Reads the job again: another candidate may have lost its star."""
        self.studio.post_message(say.ChangesArrived((Listed((message.candidate,)),)))
        self.studio.reading.jobs(self._of_run)
        self.notify(f"Candidate {leaf(message.candidate.name)} is the picture of its scene now.")

    @property
    def project(self) -> str:
        """The project that the run belongs to."""
        return project_of(self._of_run)
