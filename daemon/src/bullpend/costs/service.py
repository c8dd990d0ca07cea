"""CostService: unpack, call, pack."""

from __future__ import annotations

from typing import Any

from bullpen_api.v1 import cost_pb2, cost_pb2_grpc, event_pb2

from bullpend.costs import limits, store, summary, wire
from bullpend.costs.summary import DIMENSIONS, Filter
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import FieldInvalid
from bullpend.projects import store as projects
from bullpend.rpc import masks, names, paging

LIMITS = "projects/*/spendLimits"
WRITABLE = ("run_cap", "total_cap")


class CostService(cost_pb2_grpc.CostServiceServicer):
    """Tells what work has cost, and what it may cost."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def SummarizeCosts(  # noqa: N802 -- gRPC's names from here on
        self, request: cost_pb2.SummarizeCostsRequest, context: Any
    ) -> cost_pb2.CostSummary:
        """Sums by group, and over all of them."""
        chosen = _filter(request)
        by = _dimensions(request)
        page = paging.page(request.page_size, request.page_token, f"costs/{chosen}/{','.join(by)}", (int,))

        def read(view: View) -> tuple[list[Row], list[Row], int]:
            _check_project(view, chosen)
            before = int(page.after[0]) if page.after else None
            groups = summary.totals(view, chosen, by, before, page.limit + 1) if by else []
            return groups, summary.totals(view, chosen, (), None, 1), view.revision()

        rows, whole, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["last_id"],) for row in rows])
        return cost_pb2.CostSummary(
            totals=[wire.pack_total(row) for row in shown],
            total=wire.pack_total(whole[0] if whole else None),
            next_page_token=token,
            revision=revision,
        )

    async def ListCostEvents(  # noqa: N802
        self, request: cost_pb2.ListCostEventsRequest, context: Any
    ) -> cost_pb2.ListCostEventsResponse:
        """Lines of the ledger, newest first."""
        source = names.choice(cost_pb2.CostEvent.Source.DESCRIPTOR, request.source, "source") if request.source else ""
        outcome = cost_pb2.CostEvent.Outcome.DESCRIPTOR
        outcomes = tuple(names.choice(outcome, value, "outcomes") for value in request.outcomes)
        chosen = _filter(request, source, outcomes)
        page = paging.page(request.page_size, request.page_token, f"costEvents/{chosen}", (int,))

        def read(view: View) -> tuple[list[Row], int]:
            _check_project(view, chosen)
            before = int(page.after[0]) if page.after else None
            return summary.lines(view, chosen, before, page.limit + 1), view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["id"],) for row in rows])
        events = [wire.pack_event(row) for row in shown]
        return cost_pb2.ListCostEventsResponse(cost_events=events, next_page_token=token, revision=revision)

    async def GetSpendLimits(  # noqa: N802
        self, request: cost_pb2.GetSpendLimitsRequest, context: Any
    ) -> cost_pb2.SpendLimits:
        """What a project may spend, and what it has spent."""
        (project,) = names.parse(request.name, LIMITS)
        return await self._database.read(lambda view: _limits(view, project, "name"))

    async def UpdateSpendLimits(  # noqa: N802
        self, request: cost_pb2.UpdateSpendLimitsRequest, context: Any
    ) -> cost_pb2.SpendLimits:
        """Changes the masked limits; what changes nothing is no event."""
        given = request.spend_limits
        (project,) = names.parse(given.name, LIMITS, "spend_limits.name")

        def write(tx: Tx) -> cost_pb2.SpendLimits:
            projects.get(tx, project, "spend_limits.name")
            row = limits.row_of(tx, project)
            masks.check_etag(given.etag, wire.etag_of(row), given.name, "spend_limits.etag")
            before = limits.limits_of(row)
            after = wire.read_limits(masks.merge(wire.pack_limits(row), given, request.update_mask, WRITABLE))
            if after != before:
                message = wire.pack_limits(limits.put(tx, project, after))
                event = event_pb2.Event(spend_limits=message)
                tx.emit(project, message.name, "spend_limits.updated", event.SerializeToString())
            return _limits(tx, project, "spend_limits.name")

        return await self._database.write(write)


def _limits(view: View, project: str, field: str) -> cost_pb2.SpendLimits:
    projects.get(view, project, field)
    return wire.pack_limits(limits.row_of(view, project), limits.spent(view, project))


def _filter(
    request: cost_pb2.SummarizeCostsRequest | cost_pb2.ListCostEventsRequest,
    source: str = "",
    outcomes: tuple[str, ...] = (),
) -> Filter:
    project = "" if request.parent in ("", "projects/-") else names.parse(request.parent, "projects/*", "parent")[0]
    if request.run:
        names.parse(request.run, "projects/*/runs/*", "run")
    from_day = store.check_day(request.from_day, "from_day")
    until_day = store.check_day(request.until_day, "until_day")
    if from_day and until_day and from_day > until_day:
        raise FieldInvalid(
            f"`until_day` ({until_day}) lies before `from_day` ({from_day}).",
            field="until_day",
            remedy="Give the earlier day first.",
        )
    return Filter(project, request.run, from_day, until_day, source, outcomes)


def _dimensions(request: cost_pb2.SummarizeCostsRequest) -> tuple[str, ...]:
    found: list[str] = []
    for index, value in enumerate(request.group_by):
        name = names.choice(cost_pb2.CostDimension.DESCRIPTOR, value, f"group_by[{index}]").lower()
        if name not in DIMENSIONS or name in found:
            raise FieldInvalid(
                f"`group_by[{index}]` is given twice, or is none.",
                field=f"group_by[{index}]",
                remedy=f"Give each of {', '.join(DIMENSIONS)} once at most.",
            )
        found.append(name)
    return tuple(found)


def _check_project(view: View, chosen: Filter) -> None:
    if chosen.project:
        projects.get(view, chosen.project, "parent")
