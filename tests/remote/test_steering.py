"""Masks and pictures that steer in runs at a provider: planned with price, sent as documented, kept to the place."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bullpen_api.v1 import asset_pb2, bible_pb2, run_pb2
from bullpen_client import Session
from bullpen_client.pictures import upload
from PIL import Image

from tests.remote.studio import MODEL, PaidStudio, make_daemon, paid_spec
from tests.support.daemon import Daemon
from tests.support.pictures import write_picture
from tests.support.providers import Provider

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that may speak to providers on this machine."""
    with make_daemon(tmp_path_factory.mktemp("steer") / "home") as running:
        yield running


@pytest.fixture
def desk(session: Session, tmp_path: Path) -> PaidStudio:
    """Shorthand over a session."""
    return PaidStudio(session, tmp_path)


async def planned(desk: PaidStudio, project: str, spec: run_pb2.RunSpec) -> run_pb2.Plan:
    """The plan of a run."""
    return await desk.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec))


async def test_j04_only_the_box_is_painted_by_the_provider(desk: PaidStudio, provider: Provider) -> None:
    """The mask goes along as a file of its own; outside of the box the picture is the source, whatever was answered."""
    project = await desk.paid_universe(provider)
    spec = paid_spec()
    spec.strategy = "inpaint"
    spec.boxes.add(left=0.5, top=0, right=1, bottom=1)
    plan = await planned(desk, project, spec)
    assert plan.strategy.strategy == "inpaint"
    run = await desk.logged(await desk.confirm(project, plan))
    assert run.state == run_pb2.Run.STATE_SUCCEEDED, run.error
    (call,) = provider.charged
    assert [name for name, _ in call.parts] == ["image[]", "mask"]
    with Image.open(io.BytesIO(call.files["mask"])) as mask, Image.open(io.BytesIO(call.files["image[]"])) as sent:
        assert mask.size == sent.size == (1024, 1024)
        alpha = np.asarray(mask.getchannel("A"))
        source = np.asarray(sent.convert("RGB"))
    assert (alpha[:, :480] == 255).all()
    assert (alpha[:, 520:] == 0).all()
    (candidate,) = await desk.candidates(run)
    with Image.open(io.BytesIO(await desk.content(candidate.asset))) as image:
        made = np.asarray(image.convert("RGB"))
    # The local provider warms all of it; the left half is not taken.
    assert np.array_equal(made[:, :460], source[:, :460])
    assert made[:, 560:, 0].mean() > source[:, 560:, 0].mean() + 5


async def test_j04_references_go_along_and_are_priced(desk: PaidStudio, provider: Provider, tmp_path: Path) -> None:
    """The anchors of the style are sent behind the picture; the plan's price has them, and no adapter is needed."""
    project = await desk.paid_universe(provider)
    # Anchors come from the style folders, or are sent.
    kind = asset_pb2.Asset.KIND_REFERENCE
    files = [write_picture(tmp_path / f"{seed}.png", seed) for seed in (41, 42)]
    shown = [(await upload(desk.session, project, path, kind)).name for path in files]
    guide = bible_pb2.StyleGuide(title="Ink", anchors=shown)
    await desk.session.bible.CreateStyleGuide(
        bible_pb2.CreateStyleGuideRequest(parent=project, style_guide_id="ink", style_guide=guide)
    )
    plain = await planned(desk, project, paid_spec())
    spec = paid_spec()
    spec.strategy = "reference"
    plan = await planned(desk, project, spec)
    assert (plan.strategy.strategy, [model.model for model in plan.models]) == ("reference", [f"{MODEL}@studio"])
    assert list(plan.jobs[0].reference_assets) == shown
    assert plan.estimated_cost.micros == plain.estimated_cost.micros + 2 * 3_230, "323 tokens each at 10 USD a million"
    run = await desk.logged(await desk.confirm(project, plan))
    assert run.state == run_pb2.Run.STATE_SUCCEEDED, run.error
    (call,) = provider.charged
    assert [name for name, _ in call.parts] == ["image[]"] * 3
    assert len({content for _, content in call.parts}) == 3
    assert all(b"bullpen" not in content for _, content in call.parts)
    assert call.fields["prompt"].splitlines() == [
        "warmer, please",
        "Change the first picture. The others show who and what must look the same.",
    ]
