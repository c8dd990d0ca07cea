"""`bullpen instructions` against a real daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Bullpen
from tests.support.daemon import Daemon

pytestmark = pytest.mark.e2e
CREATE = "bullpen.v1.RunService/CreateRun"
SPEC = {"spec": {"stage": "style", "scenes": {}, "model": "models/scripted", "instruction": "scripted: steps=1"}}


@pytest.fixture
def real(home: Path) -> Iterator[Daemon]:
    with Daemon(home) as serving:
        yield serving


async def test_j04_a_card_from_the_shell(real: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """Proposed, listed, shown, confirmed with its end awaited, and refused a second time."""
    Image.radial_gradient("L").resize((64, 64)).convert("RGB").save(tmp_path / "pier.png")
    assert (await bullpen("projects", "create", "noir")).status == 0
    assert (await bullpen("scenes", "add", "noir", str(tmp_path / "pier.png"), "--upload")).status == 0
    made = await bullpen("instructions", "create", "noir", CREATE, json.dumps(SPEC))
    assert made.status == 0, made.err
    assert "Run style over 1 scene, 2 candidates each" in made.out
    assert "bullpen instructions confirm noir/i-0001" in made.out
    fewer = json.dumps({"spec": {**SPEC["spec"], "candidates": 1}})
    assert "1 candidate each" in (await bullpen("instructions", "edit", "noir/i-0001", fewer)).out
    assert "Look" in (await bullpen("instructions", "edit", "noir/i-0001", "--objective", "Look at it")).out
    listed = (await bullpen("instructions", "list", "noir", "--state", "draft", "--json")).json["instructions"]
    assert [item["state"] for item in listed] == ["STATE_DRAFT"]
    unasked = await bullpen("instructions", "confirm", "noir/i-0001")
    assert (unasked.status, "--yes" in unasked.err) == (2, True)
    done = await bullpen("instructions", "confirm", "noir/i-0001", "--yes", "--wait")
    assert done.status == 0, done.err
    assert "✓ noir/i-0001  pipeline_run · done" in done.out
    again = await bullpen("instructions", "confirm", "noir/i-0001", "--digest", listed[0]["digest"], "--json")
    assert (again.status, again.error["reason"]) == (1, "STATE_CONFLICT")
    retried = await bullpen("instructions", "retry", "noir/i-0001", "--json")
    assert (retried.status, retried.error["reason"]) == (1, "STATE_CONFLICT")
    assert "pipeline_run" in (await bullpen("instructions", "methods")).out
    plan = await bullpen("instructions", "show", "noir/i-0001", "--plan")
    assert "r-0001-style succeeded" in plan.out
    for line in (("show", "noir"), ("show", "a/b/c"), ("edit", "noir/i-0001"), ("create", "noir", CREATE, "{")):
        assert (await bullpen("instructions", *line)).status == 2
    unknown = await bullpen("instructions", "cancel", "noir/i-0009", "--json")
    assert (unknown.status, unknown.error["reason"]) == (1, "RESOURCE_NOT_FOUND")
