"""C4 in runs: choices of a prompt are drawn by each candidate's seed, kept in the recipe, and replayed to the byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bullpen_api.v1 import prompt_pb2, run_pb2
from bullpen_client import errors

from tests.support.daemon import Daemon
from tests.support.studio import Studio, spec

pytestmark = pytest.mark.e2e
WORDS = "{red|blue|green} boats, __weather__, {style} {1-2$$ and $$calm|loud|still}"


async def test_choices_are_drawn_by_seed_and_replayed(studio: Studio, daemon: Daemon) -> None:
    """Six candidates say different things; each says what its seed says, and again after the wildcard has changed."""
    session, project = studio.session, await studio.universe(scenes=1)
    folder = daemon.home / "projects" / project.rpartition("/")[2] / "wildcards"
    folder.mkdir(parents=True)
    (folder / "weather.txt").write_text("rain\nsnow in {heaps|flakes}\nfog\n")
    wish = spec(WORDS, candidates=6)
    plan = await session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=wish))
    (planned,) = plan.jobs
    assert [use.item for use in planned.uses if use.part == run_pb2.BibleUse.PART_CHOICES] == ["prompt"]
    assert "{red|blue|green} boats" in planned.prompt
    assert "__weather__" not in planned.prompt
    assert len(planned.expanded_prompts) == 6
    run = await studio.logged(await studio.create(project, wish))
    made = await studio.candidates(run)
    whole = await session.runs.GetJob(run_pb2.GetJobRequest(name=made[0].name.rpartition("/candidates/")[0]))
    recipes = [json.loads(candidate.recipe_json) for candidate in whole.candidates]
    assert len({told["prompt"] for told in recipes}) > 3
    for candidate, told in zip(made, recipes, strict=True):
        request = prompt_pb2.ExpandPromptRequest(parent=project, text=f"scripted: {WORDS}", seed=candidate.seed)
        (said,) = (await session.prompts.ExpandPrompt(request)).expansions
        assert told["prompt"] == said.text.replace("{style}", "ink")
        assert [choice["to"] for choice in told["choices"]][1:2] == [said.choices[1].to]
        assert told["written_prompt"] == planned.prompt
    assert [told["prompt"] for told in recipes] == list(planned.expanded_prompts)
    (folder / "weather.txt").write_text("hail\n")
    log = Path(run.log_path).read_text()
    again = await studio.logged(await session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    assert [found.asset for found in await studio.candidates(again)] == [found.asset for found in made]


async def test_choices_that_cannot_be_drawn_are_refused_at_the_plan(studio: Studio) -> None:
    """A wildcard that is not there and a choice that is malformed are named before anything is made."""
    project = await studio.universe(scenes=1)
    for words, error in (("__nowhere__ boats", errors.ResourceNotFound), ("{3$$a|b}", errors.FieldInvalid)):
        with pytest.raises(error):
            await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec(words)))
