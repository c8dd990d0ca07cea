"""Costs through the public socket and on the command line: what runs took, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import cost_pb2, lab_pb2, postprocess_pb2
from bullpen_client.errors import BullpenError, EtagMismatch

from tests.cli.conftest import Bullpen
from tests.cli.conftest import bullpen as bullpen
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e

RUN, NONE = cost_pb2.COST_DIMENSION_RUN, cost_pb2.COST_DIMENSION_UNSPECIFIED


@pytest.fixture
def home(daemon: Daemon) -> Path:
    """Where the command line finds the module's daemon."""
    return daemon.home


async def test_every_picture_of_a_run_is_in_the_ledger(studio: Studio, bullpen: Bullpen) -> None:
    """The lines of a run are its finished candidates, with the seconds that they say; sums and command agree."""
    project = await studio.universe(2)
    run = await studio.run(project, candidates=2)
    again = await studio.run(project, candidates=1)
    events = (await studio.session.costs.ListCostEvents(cost_pb2.ListCostEventsRequest(run=run.name))).cost_events
    made = {item.name: item.device_seconds for item in await studio.candidates(run)}
    assert {item.subject: item.device_seconds for item in events} == pytest.approx(made)
    assert {(item.source, item.provider, item.stage, item.model) for item in events} == {
        (cost_pb2.CostEvent.SOURCE_LOCAL, "local", "style", "models/scripted")
    }
    assert not any(item.HasField("estimated_device_seconds") for item in events)  # nothing was measured before
    later = (await studio.session.costs.ListCostEvents(cost_pb2.ListCostEventsRequest(run=again.name))).cost_events
    assert all(item.HasField("estimated_device_seconds") for item in later)
    by_run = await studio.session.costs.SummarizeCosts(cost_pb2.SummarizeCostsRequest(parent=project, group_by=[RUN]))
    assert [(item.run, item.events) for item in by_run.totals] == [(again.name, 2), (run.name, 4)]
    assert by_run.total.device_seconds == pytest.approx(sum(item.device_seconds for item in by_run.totals))
    told = await bullpen("costs", "--by", "run", "--project", project.rsplit("/", 1)[-1], "--json")
    assert [item["events"] for item in told.json["totals"]] == ["2", "4"]
    for line in (
        ("costs",),
        ("costs", "--by", "day", "--by", "model"),
        ("costs", "events"),
        ("costs", "limit", "nobody"),
    ):
        done = await bullpen(*line)
        assert done.status == (1 if "nobody" in line else 0), done.err


async def test_limits_on_the_command_line(studio: Studio, bullpen: Bullpen) -> None:
    """Limits are set, shown and lifted; what is no amount is refused in one line before anything is asked."""
    await studio.project("noir")
    await bullpen("costs", "limit", "noir", "--total", "20EUR")
    clash = await bullpen("costs", "limit", "noir", "--run", "1.50", "--json")
    assert clash.error["reason"] == "CURRENCY_MISMATCH"
    shown = await bullpen("costs", "limit", "noir", "--total", "20", "--run", "1.505")
    assert "1.505 USD" in shown.out
    lifted = await bullpen("costs", "limit", "noir", "--no-run")
    assert "no limit" in lifted.out
    for wrong in ("-1", "lots", "1e99", "NaN"):
        done = await bullpen("costs", "limit", "noir", f"--total={wrong}")
        assert (done.status, len(done.err.splitlines())) == (2, 1)


async def test_wrong_questions_are_refused_by_field(studio: Studio) -> None:
    """Days, dimensions, names and tokens that make no sense are refused, each by the field at fault."""
    costs = studio.session.costs
    project = await studio.project("harbor")
    summarize = cost_pb2.SummarizeCostsRequest
    wrong: list[tuple[Any, str, str]] = [
        (costs.SummarizeCosts(summarize(from_day="soon")), "FIELD_INVALID", "from_day"),
        (costs.SummarizeCosts(summarize(from_day="2026-02-02", until_day="2026-02-01")), "FIELD_INVALID", "until_day"),
        (costs.SummarizeCosts(summarize(group_by=[RUN, RUN])), "FIELD_INVALID", "group_by[1]"),
        (costs.SummarizeCosts(summarize(group_by=[NONE])), "FIELD_INVALID", "group_by[0]"),
        (costs.SummarizeCosts(summarize(parent="projects/nobody")), "PROJECT_NOT_FOUND", "parent"),
        (costs.SummarizeCosts(summarize(page_token="x", group_by=[RUN])), "PAGE_TOKEN_INVALID", "page_token"),
        (costs.ListCostEvents(cost_pb2.ListCostEventsRequest(run="r-1")), "FIELD_INVALID", "run"),
        (
            costs.GetSpendLimits(cost_pb2.GetSpendLimitsRequest(name="projects/nobody/spendLimits")),
            "PROJECT_NOT_FOUND",
            "name",
        ),
    ]
    for call, reason, field in wrong:
        with pytest.raises(BullpenError) as refused:
            await call
        assert (refused.value.reason, refused.value.field) == (reason, field)
    limits = cost_pb2.SpendLimits(name=f"{project}/spendLimits", etag="old")
    limits.run_cap.currency_code, limits.run_cap.micros = "USD", 1
    with pytest.raises(EtagMismatch):
        await costs.UpdateSpendLimits(cost_pb2.UpdateSpendLimitsRequest(spend_limits=limits))


async def test_work_outside_of_runs_is_put_down_too(studio: Studio) -> None:
    """Pictures of the lab and steps of post-process have a line each, with the time that they said they took."""
    project = await studio.project()
    asset = await studio.picture(project, 1)
    wish = lab_pb2.GenerateRequest(prompt="a pier scripted: steps=2", count=2, model="models/scripted")
    made = [answer.picture async for answer in studio.session.lab.Generate(wish) if answer.HasField("picture")]
    process = postprocess_pb2.ProcessAssetsRequest(
        parent=project,
        assets=[asset.name],
        post_process=postprocess_pb2.PostProcess(color=postprocess_pb2.ColorStep(profile="cold_rain")),
    )
    _ = [answer async for answer in studio.session.postprocess.ProcessAssets(process)]
    answer = await studio.session.costs.ListCostEvents(cost_pb2.ListCostEventsRequest())
    color, *generated = [item for item in answer.cost_events if item.operation != "edit"]
    assert (color.operation, color.project, color.device) == ("color", project, "devices/post")
    assert color.device_seconds > 0
    assert {(item.operation, item.project, item.model) for item in generated} == {("generate", "", "models/scripted")}
    assert [item.device_seconds for item in reversed(generated)] == [item.device_seconds for item in made]
