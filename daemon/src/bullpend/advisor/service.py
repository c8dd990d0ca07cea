"""AdvisorService: unpack, call, pack."""

from __future__ import annotations

from typing import Any

from bullpen_api.v1 import advisor_pb2, advisor_pb2_grpc, run_pb2

from bullpend.advisor import placing
from bullpend.advisor.gathering import Gathering
from bullpend.advisor.model import Advice, Option
from bullpend.advisor.placing import Placing
from bullpend.advisor.rules import advise
from bullpend.costs.wire import pack_money
from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.errors import ExactlyOneOf, ModelUnsupported
from bullpend.models.uses import wire
from bullpend.projects import store as projects
from bullpend.queueing import store as queueing
from bullpend.rpc import names
from bullpend.rpc.wire import duration
from bullpend.runs import store
from bullpend.runs.wire import pack_run
from bullpend.scheduling import model as s

RUN = "projects/*/runs/*"


class AdvisorService(advisor_pb2_grpc.AdvisorServiceServicer):
    """Says where work is best done, and takes it there."""

    def __init__(self, database: Database, gathering: Gathering, placing: Placing, dispatcher: Dispatcher) -> None:
        self._database = database
        self._gathering = gathering
        self._placing = placing
        self._dispatcher = dispatcher

    async def AdviseRun(self, request: advisor_pb2.AdviseRunRequest, context: Any) -> advisor_pb2.Advice:  # noqa: N802
        """Compares."""
        if request.HasField("spec") == bool(request.run):
            words = "Either a `spec` or a `run` is needed."
            raise ExactlyOneOf(words, field="spec", remedy="Give exactly one of them.")
        bound = ""
        if request.run:
            project, slug = names.parse(request.run, RUN, "run")
            row, bound = await self._database.read(lambda view: _open(view, project, slug))
            work = await self._gathering.waiting(row)
        else:
            (project,) = names.parse(request.parent, "projects/*", "parent")
            work = await self._gathering.planned(project, request.spec)
        advice = advise(await self._gathering.places(work), work.pictures)
        return _pack(advice, work.model.name, work.pictures, bound)

    async def PlaceRun(self, request: advisor_pb2.PlaceRunRequest, context: Any) -> run_pb2.Run:  # noqa: N802
        """Takes what is left of a run to a device."""
        project, slug = names.parse(request.name, RUN)
        device = self._placing.device(request.device, request.confirm_offload)
        row, _ = await self._database.read(lambda view: _open(view, project, slug, "name"))
        if device:
            await self._can(row, device)
        row, jobs = await self._database.write(lambda tx: placing.place(tx, project, slug, device))
        for job in jobs:
            self._dispatcher.tell(s.JobBound(job, device))
        return pack_run(row)

    async def _can(self, row: Row, device: str) -> None:
        """Raises ModelUnsupported where the device has another engine."""
        places = await self._gathering.places(await self._gathering.waiting(row))
        problem = next((place.problem for place in places if place.device == device), "")
        if ":" not in row["model"] and "runs on" in problem:
            raise ModelUnsupported(problem, field="device", remedy="`bullpen advise RUN` shows where it can be done.")


def _open(view: View, project: str, slug: str, field: str = "run") -> tuple[Row, str]:
    projects.get(view, project, field)
    row = queueing.open_run(view, project, slug, field)
    return row, store.bound_to(view, row["id"])


def _pack(advice: Advice, model: str, pictures: int, bound: str) -> advisor_pb2.Advice:
    return advisor_pb2.Advice(
        recommended=advice.recommended.place.label if advice.recommended else "",
        reason=advice.reason,
        options=[_option(option) for option in advice.options],
        model=model,
        pictures=pictures,
        bound_to=bound,
    )


def _option(option: Option) -> advisor_pb2.ComputeOption:
    place, memory = option.place, option.place.memory
    basis = f"ESTIMATE_BASIS_{place.basis.value if place.basis else 'UNSPECIFIED'}"
    return advisor_pb2.ComputeOption(
        device=place.device,
        kind=place.kind,
        title=place.title,
        model=place.model,
        use=wire(place.use),
        fit=advisor_pb2.ComputeOption.Fit.Value(f"FIT_{option.fit.value}"),
        memory_needed_bytes=memory.needed if memory else 0,
        memory_total_bytes=memory.total if memory else 0,
        memory_free_bytes=memory.free if memory else None,
        resident=bool(memory and memory.resident),
        picture_time=duration(place.picture_seconds),
        basis=run_pb2.Plan.EstimateBasis.Value(basis),
        jobs_ahead=place.jobs_ahead,
        wait=duration(place.wait),
        total=duration(option.total),
        cost=pack_money(place.cost),
        needs_consent=place.needs_consent,
        problem=option.problem,
    )
