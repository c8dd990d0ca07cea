"""Offering: what the composer's choices offer, what they begin with, and what a recipe writes into the fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullpen_api.v1 import model_pb2, run_pb2
from textual.widgets import Input, Select

from bullpen_tui.fields import FIELDS, OWN, UNREAD, first_stage, fitting
from bullpen_tui.mirror import leaf
from bullpen_tui.plan import Form, variables_text

if TYPE_CHECKING:
    from bullpen_tui.screens.base import StudioScreen

    Base = StudioScreen
else:
    Base = object


class Offering(Base):
    """The choices of the form, from what the daemon has. What a person chose or wrote is kept."""

    _project: str
    _first_form: Form | None
    _first_stage: str

    def __init__(self) -> None:
        super().__init__()
        self._offered: list[str] = []
        self._choices: dict[str, list[tuple[str, str]]] = {}
        self._recalled = ""
        self._wanted: dict[str, str] = {}

    def _changed(self) -> None:
        """Something else is chosen than before."""
        raise NotImplementedError

    @property
    def _stages(self) -> run_pb2.ListStagesResponse:
        return self.snapshot.answer("stages", run_pb2.ListStagesResponse) or run_pb2.ListStagesResponse()

    def _offer_stages(self) -> None:
        """Offers the stages, and begins with the first that is not complete."""
        select: Select[str] = self.query_one("#stage", Select)
        stages = self._stages.stages
        names = [leaf(stage.name) for stage in stages]
        if names and names != self._offered:
            self._offered = names
            select.set_options((stage.title or leaf(stage.name), leaf(stage.name)) for stage in stages)
            known = self._first_stage in names
            begin = first_stage(names, self.snapshot.projects.get(self._project))
            select.value = self._first_stage if known else begin

    def _offer_choices(self) -> None:
        """Offers the models that can do the stage, and the style guides where there are several."""
        answer = self.snapshot.answer("models", model_pb2.ListModelsResponse)
        stage = self._stage
        found = fitting(answer.models if answer is not None else (), stage)
        default = leaf(stage.default_model) if stage is not None else ""
        own = f"{default}, the stage's own" if default else "the stage's own"
        self._choose("model", own, [(one.title or leaf(one.name), one.name) for one in found])
        ways = list(stage.strategies) if stage is not None else []
        self._choose("strategy", "what the model can do best", [(one.replace("_", " "), one) for one in ways])
        self.query_one("#strategy-field").display = len(ways) > 1
        guides = self.snapshot.style_guides_of(self._project)
        self._choose(
            "style",
            "the only one" if len(guides) == 1 else "none",
            [(one.title or leaf(one.name), one.name) for one in guides],
        )
        self.query_one("#style-field").display = len(guides) > 1

    def _choose(self, name: str, own: str, offered: list[tuple[str, str]]) -> None:
        """Offers these, and keeps what was chosen; what a recipe names is offered even where nothing lists it."""
        select: Select[str] = self.query_one(f"#{name}", Select)
        wanted = self._wanted.get(name, OWN) if select.value in (OWN, UNREAD) else str(select.value)
        if wanted not in [value for _, value in offered] and wanted != OWN:
            offered = [*offered, (f"{leaf(wanted)}, not ready here", wanted)]
        options = [(own, OWN), *offered]
        if options != self._choices.get(name):
            self._choices[name] = options
            with select.prevent(Select.Changed):
                select.set_options(options)
                select.value = wanted
            self._changed()

    @property
    def _stage(self) -> run_pb2.Stage | None:
        value = self.query_one("#stage", Select).value
        return next((one for one in self._stages.stages if leaf(one.name) == value), None)

    def _chosen(self, name: str) -> str:
        value = str(self.query_one(f"#{name}", Select).value)
        return OWN if value == UNREAD else value

    def _fill_in(self) -> None:
        """Writes a recipe into the fields."""
        form = self._first_form
        if form is None:
            return
        for name, _, _ in FIELDS:
            self.query_one(f"#{name}", Input).value = str(getattr(form, name))
        self._wanted = {"model": form.model, "style": form.style_guide}

    def _recall(self) -> None:
        """Offers what the newest runs had set, unless the person wrote there or came with a recipe."""
        field, stage = self.query_one("#variables", Input), self._stage
        if stage is None or self._first_form is not None:
            return
        specs = [run.spec for run in self.snapshot.runs_of(self._project)]
        if field.value == self._recalled:
            newest = next((spec for spec in specs if spec.stage == leaf(stage.name)), run_pb2.RunSpec())
            self._recalled = field.value = variables_text(newest.variables)
        guide = next((spec.style_guide for spec in specs), "")
        if guide and "style" not in self._wanted and guide in (value for _, value in self._choices.get("style", ())):
            self._wanted["style"] = guide
            self.query_one("#style", Select).value = guide
